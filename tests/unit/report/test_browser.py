"""The page in a real browser: silent, asking nobody, and no wider than a phone."""

import os
import re
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from pete.evaluate.log import Mark
from pete.events import Sampled
from pete.report import write_comparison, write_report
from pete.run import RunDir
from tests.png import grey
from tests.unit.report.chapters.test_process import CHECKED, PLANNED
from tests.unit.report.conftest import HISTORY, MakeRun, evaluation, held_out, sample

NAMES = ("chromium", "chromium-browser", "google-chrome", "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")
CHROMIUM = next((found for name in NAMES if (found := shutil.which(name))), None)
QUIET = ("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update",
         "--disable-sync", "--disable-default-apps", "--disable-extensions", "--metrics-recording-only", "--hide-scrollbars",
         "--allow-file-access-from-files", "--enable-logging=stderr", "--proxy-bypass-list=<-loopback>")  # fmt: skip
PHONE, DESK = 375, 1280

NO_BROWSER = f"no browser found (looked for {', '.join(NAMES)})"
pytestmark = pytest.mark.skipif(CHROMIUM is None and "PETE_NO_SKIP" not in os.environ, reason=NO_BROWSER)


class Proxy:
    """Where every request of the browser that is not for a file ends: the first line of each."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = self._server.getsockname()[1]
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        while True:
            try:
                connection, _ = self._server.accept()
            except OSError:
                return
            with connection:
                self.asked.append(connection.recv(4096).split(b"\r\n")[0].decode("latin-1"))

    def close(self) -> None:
        self._server.close()


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    proxy = Proxy()
    yield proxy
    proxy.close()


def browse(page: Path, proxy: Proxy, tmp_path: Path, *more: str) -> subprocess.CompletedProcess[str]:
    assert CHROMIUM is not None
    flags = (*QUIET, f"--proxy-server=127.0.0.1:{proxy.port}", f"--user-data-dir={tmp_path / 'profile'}", *more)
    return subprocess.run([CHROMIUM, *flags, page.as_uri()], capture_output=True, text=True, timeout=120, check=False)


def complaints(done: subprocess.CompletedProcess[str]) -> list[str]:
    return [line for line in done.stderr.splitlines() if "CONSOLE" in line]


def framed(pages: dict[Path, int], folder: Path) -> Path:
    """Pages side by side, each in its width (a browser window cannot be as narrow as a phone); the first says how wide they really are."""
    frames = "".join(f'<iframe src="{page.as_uri()}" width="{width}" height="900"></iframe>' for page, width in pages.items())
    wrapper = folder / "framed.html"
    wrapper.write_text(
        f"<!doctype html><style>body {{ margin: 0; display: flex }} iframe {{ border: 0; flex: none }}</style>{frames}<script>"
        "onload = () => { for (const frame of document.querySelectorAll('iframe')) { const d = frame.contentDocument;"
        "for (const fold of d.querySelectorAll('details')) fold.open = true;"
        "frame.dataset.wide = d.documentElement.scrollWidth; frame.dataset.text = d.body.innerText.length; } }</script>"
    )
    return wrapper


LONG = "W" * 400
TEXT = "We unlock it. Copied words stand here, eight of them or so, and go on. " + LONG


@pytest.fixture
def page(make_run: MakeRun) -> RunDir:
    marks = (Mark(start=3, end=9, kind="cliche", note="avoided"), Mark(start=14, end=60, kind="copied", note="train.jsonl:3"))
    samples = [
        sample(m, f"p{n}", TEXT, prompt=LONG, raw=LONG, leaks_raw=1, marks=marks) for n in range(6) for m in ("base", "tuned")
    ]  # fmt: skip
    log = evaluation([held_out(100, 80 + n % 3, topic=f"t{n}") for n in range(25)], samples, machine=LONG)
    events = [CHECKED, PLANNED, *HISTORY[:6], Sampled(step=5, prompt=LONG, text=LONG), *HISTORY[6:]]
    run = make_run(events=events, log=log, persona="Ada " + "v" * 80)
    write_report(run)
    return run


def test_the_page_is_silent_and_asks_nobody(page: RunDir, proxy: Proxy, tmp_path: Path):
    done = browse(page.report_html, proxy, tmp_path, "--dump-dom")
    assert "Executive Summary" in done.stdout, done.stderr[-500:]
    assert not complaints(done)
    assert not [line for line in proxy.asked if "google" not in line], "the browser's own errands do not count"


def test_this_test_would_notice(proxy: Proxy, tmp_path: Path):
    bad = tmp_path / "bad.html"
    bad.write_text(
        "<!doctype html><img src='http://elsewhere.example/x.png'><script>console.error('oh'); setTimeout(() => {}, 500)</script>"
    )
    done = browse(bad, proxy, tmp_path, "--dump-dom", "--virtual-time-budget=2000")
    assert complaints(done) and any("elsewhere.example" in line for line in proxy.asked)


def test_it_is_no_wider_than_a_phone(page: RunDir, proxy: Proxy, tmp_path: Path, make_run: MakeRun):
    samples = [sample("tuned", f"p{n}", TEXT, prompt=LONG) for n in range(6)]
    other = make_run(log=evaluation([held_out(100, 79, topic=f"t{n}") for n in range(25)], samples), folder="other")
    html, _ = write_comparison([page, other], tmp_path)
    both = framed({page.report_html: PHONE, html: PHONE}, tmp_path)
    done = browse(both, proxy, tmp_path, "--dump-dom", "--virtual-time-budget=3000")
    found = re.findall(r'data-wide="(\d+)" data-text="(\d+)"', done.stdout)
    assert len(found) == 2, done.stderr[-500:]
    for wide, text in found:
        assert int(text) > 2000 and int(wide) <= PHONE


@pytest.mark.parametrize("dark", [False, True])
def test_it_can_be_seen_wide_and_narrow(page: RunDir, proxy: Proxy, tmp_path: Path, dark: bool):
    shot, copy = tmp_path / "shot.png", tmp_path / "copy.html"
    copy.write_bytes(page.report_html.read_bytes())
    scheme = ("--blink-settings=preferredColorScheme=0",) if dark else ()
    both = framed({page.report_html: PHONE, copy: DESK}, tmp_path)
    browse(both, proxy, tmp_path, f"--screenshot={shot}", f"--window-size={PHONE + DESK},900", *scheme)
    seen = grey(shot)
    for part in (seen[:, :PHONE], seen[:, PHONE : PHONE + DESK]):
        counts = np.bincount(part.ravel(), minlength=256)
        background = int(counts.argmax())
        assert (background < 60) == dark, "light pages are light, dark ones dark"
        assert 0.01 < 1 - counts[background] / counts.sum() < 0.9, "there is something on it"
