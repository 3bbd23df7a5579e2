"""The blind test's page in a real browser: clicked through, read back, silent, and no wider than a phone."""

import html
import json
import os
import re
from pathlib import Path

import numpy as np
import pytest

from pete.evaluate.blind.page import make_page, read_result
from pete.evaluate.blind.record import pairs_of
from pete.evaluate.log import EvaluationLog
from pete.run import RunDir
from tests.png import grey
from tests.unit.evaluate.conftest import log_of, sample
from tests.unit.report.test_browser import CHROMIUM, DESK, NAMES, PHONE, Proxy, browse, complaints, proxy

__all__ = ["proxy"]
NO_BROWSER = f"no browser found (looked for {', '.join(NAMES)})"
pytestmark = pytest.mark.skipif(CHROMIUM is None and "PETE_NO_SKIP" not in os.environ, reason=NO_BROWSER)

HOSTILE = (
    "</script><script>document.title='owned'</script><img src='http://elsewhere.example/x.png' onerror=alert(1)>\n"
    "&amp; \u202e ${1} {{ CONTENT }}"
)


def an_evaluation() -> EvaluationLog:
    """24 prompts; long words and hostile markup in every text."""
    return log_of(samples=[
        sample(f"{model} {n} {HOSTILE} {'W' * 300}\n\nLast line.", model=model, prompt_id=f"p{n}", prompt=f"Ask {n}: {HOSTILE}")
        for model in ("base", "tuned") for n in range(24)
    ])  # fmt: skip


@pytest.fixture
def run(tmp_path: Path) -> RunDir:
    run = RunDir(tmp_path / "r <b>&")
    an_evaluation().write(run.evaluation_file("suite"))
    return run


DRIVER = """<!doctype html><style>body { margin: 0; display: flex } iframe { border: 0; flex: none; height: 100vh }</style>%s
<pre id="report"></pre><script>
const wait = (ms) => new Promise((done) => setTimeout(done, ms));
onload = async () => {
  const seen = [];
  for (const frame of document.querySelectorAll("iframe")) {
    const page = frame.contentWindow, d = page.document, at = (id) => d.getElementById(id);
    const press = (key, more) => page.dispatchEvent(new page.KeyboardEvent("keydown", { key, ...more }));
    const said = { wide: [], title: "" , pairs: [] };
    try {
      await (%s)({ page, d, at, press, said, wait });
    } catch (error) { said.error = String(error.stack); }
    said.title = d.title; said.text = at("content").innerText; said.result = at("result").value; said.saved = at("save").href;
    said.images = d.images.length;
    seen.push(said);
  }
  document.getElementById("report").textContent = JSON.stringify(seen);
};
</script>"""
LOOK = """said.wide.push(d.documentElement.scrollWidth);
      said.pairs.push([at("prompt").textContent, at("a").textContent, at("b").textContent]);"""


def drive(page: Path, proxy: Proxy, tmp_path: Path, script: str, widths: tuple[int, ...] = (PHONE,), *more: str) -> list[dict]:
    """Run `script` in the page, in frames of some widths; what it saw."""
    wrapper = tmp_path / "driver.html"
    frames = "".join(f'<iframe src="{page.as_uri()}" width="{width}"></iframe>' for width in widths)
    wrapper.write_text(DRIVER % (frames, script))
    done = browse(wrapper, proxy, tmp_path, "--dump-dom", "--virtual-time-budget=60000", *more)
    found = re.search(r'<pre id="report">(.*?)</pre>', done.stdout, re.S)
    assert found and found[1], done.stderr[-500:]
    assert not complaints(done), complaints(done)
    return json.loads(html.unescape(found[1]))


def make(run: RunDir, tmp_path: Path, seed: str = "seed", most: int = 20) -> tuple[Path, list]:
    log, page = an_evaluation(), tmp_path / "the page.html"
    pairs = pairs_of(log, seed)[:most]
    page.write_text(make_page(run, log, seed, pairs), encoding="utf-8")
    return page, pairs


def test_a_session_by_finger_and_keyboard_comes_back(run: RunDir, proxy: Proxy, tmp_path: Path):
    page, pairs = make(run, tmp_path)
    (said,) = drive(
        page, proxy, tmp_path,
        """async ({ page, d, at, press, said, wait }) => {
      at("start").click();
      for (let n = 0; n < 20 && at("end").hidden; n++) {
        """ + LOOK + """
        press("b");  // too early
        await wait(400);
        press("a", { ctrlKey: true }); press("s", { repeat: true });  // not meant, held down
        n % 5 === 0 ? d.querySelector(`[data-choice="${"a=bs"[n / 5]}"]`).click() : press(n % 2 ? "A" : "b");
        d.querySelector('[data-choice="a"]').click();  // the second half of a double tap
      }
    }""",
    )  # fmt: skip
    assert "error" not in said, said
    expected = "".join("a=bs"[n // 5] if n % 5 == 0 else "a" if n % 2 else "b" for n in range(20))
    assert json.loads(said["result"])["choices"] == expected
    assert [pair[0] for pair in said["pairs"]] == [pair.prompt for pair in pairs], "the texts arrive as they are"
    assert [pair[1:] for pair in said["pairs"]] == [[pair.a, pair.b] for pair in pairs]
    assert max(said["wide"]) <= PHONE
    assert str(tmp_path) not in said["text"], "where the run lies is nobody's business"
    assert said["title"] == "Blind test" and said["images"] == 0, "the texts are texts"
    assert not [line for line in proxy.asked if "google" not in line], "the browser's own errands do not count"
    back = tmp_path / "blind-result.json"
    back.write_text(said["result"], encoding="utf-8")
    _, test = read_result(run, back)
    assert "".join(pair.choice for pair in test.pairs) == expected
    times = f"tuned model's answer {test.wins} times and the original model's {test.losses} times; 1 tie"
    assert times in said["text"] and "still be chance" in said["text"]
    assert said["saved"].startswith("data:application/json"), "what is saved is what is shown"


def test_it_stops_when_it_is_clear(run: RunDir, proxy: Proxy, tmp_path: Path):
    page, pairs = make(run, tmp_path)
    best = "".join("a" if pair.a_is == "tuned" else "b" for pair in pairs)
    (said,) = drive(
        page, proxy, tmp_path,
        'async ({ at, press, wait }) => { at("start").click(); for (const key of "' + best + '") { await wait(400); press(key); } }',
    )  # fmt: skip
    assert json.loads(said["result"])["choices"] == best[:7] and "That is clear" in said["text"]


def test_who_stops_is_not_told_how_it_stands_and_may_go_on_another_day(run: RunDir, proxy: Proxy, tmp_path: Path):
    page, _ = make(run, tmp_path)
    left = 'async ({ at, press, said, wait }) => { at("start").click(); for (const key of "as=q") { await wait(400); press(key); } }'
    (said,) = drive(page, proxy, tmp_path, left)
    assert "3 of 20 pairs judged" in said["text"] and "tuned" not in said["text"]
    assert "base" not in said["text"].replace(run.name, "") and json.loads(said["result"])["choices"] == "as="
    script = """async ({ at, press, said, wait }) => {
      said.about = at("about").textContent; at("start").click(); await wait(400); press("b"); press("q");
    }"""
    (later,) = drive(page, proxy, tmp_path, script)
    if "3 of 20" in later["about"]:  # a browser may keep nothing for a file
        assert json.loads(later["result"])["choices"] == "as=b"
        assert json.loads(later["result"])["session"] == json.loads(said["result"])["session"]


def test_a_page_whose_script_was_touched_does_not_run(run: RunDir, proxy: Proxy, tmp_path: Path):
    page, _ = make(run, tmp_path)
    page.write_text(page.read_text(encoding="utf-8").replace('at("prompt").textContent', 'at("prompt").innerHTML'), encoding="utf-8")
    with pytest.raises(AssertionError):
        drive(page, proxy, tmp_path, 'async ({ at, wait }) => { at("start").click(); await wait(400); }')


@pytest.mark.parametrize("dark", [False, True])
def test_it_can_be_seen_wide_and_narrow(run: RunDir, proxy: Proxy, tmp_path: Path, dark: bool):
    page, _ = make(run, tmp_path)
    shot = tmp_path / "shot.png"
    wrapper = tmp_path / "driver.html"
    frames = "".join(f'<iframe src="{page.as_uri()}" width="{width}"></iframe>' for width in (PHONE, DESK))
    wrapper.write_text(DRIVER % (frames, 'async ({ at, wait }) => { at("start").click(); }'))
    scheme = ("--blink-settings=preferredColorScheme=0",) if dark else ()
    browse(wrapper, proxy, tmp_path, f"--screenshot={shot}", f"--window-size={PHONE + DESK},800", "--virtual-time-budget=3000", *scheme)
    seen = grey(shot)
    for part in (seen[:, :PHONE], seen[:, PHONE : PHONE + DESK]):
        counts = np.bincount(part.ravel(), minlength=256)
        background = int(counts.argmax())
        assert (background < 60) == dark
        assert 0.01 < 1 - counts[background] / counts.sum() < 0.9, "there is something on it"
