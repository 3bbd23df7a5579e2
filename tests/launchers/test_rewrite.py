"""The shell part of the Quick Action, started as macOS starts it, against a live server."""

import shutil
import subprocess
from pathlib import Path

import pytest

from pete.data.rewriting import rewrite_request
from pete.machine.quick_action import install
from pete.resources import PROJECT
from tests.launchers.conftest import AWKWARD, MINIMAL
from tests.rewriting import told
from tests.server import KEY, MODEL, fake_tuned, serving

pytestmark = pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not here")


class Service:
    """The Quick Action, installed for a checkout and a server's folder with traps in their names."""

    def __init__(self, tmp: Path) -> None:
        self.checkout, self.place, self.home, self.stubs = tmp / AWKWARD, tmp / "the server's $place", tmp / "home", tmp / "stubs"
        for folder in (self.place, self.home, self.stubs):
            folder.mkdir(parents=True)
        shutil.copytree(PROJECT / "launchers", self.checkout / "launchers")
        (self.stubs / "osascript").write_text('#!/bin/sh\nfor last; do :; done\nprintf "%s\\n" "$last" >>"$HOME/notified"\n')
        (self.stubs / "osascript").chmod(0o755)
        bundle = install(tmp / "Services", self.place, self.checkout, lambda *_: None).path
        import plistlib

        workflow = plistlib.loads((bundle / "Contents/document.wflow").read_bytes())
        self.command = workflow["actions"][0]["action"]["ActionParameters"]["COMMAND_STRING"]

    def serve(self, url: str, key: str = KEY, model: str = MODEL) -> None:
        (self.place / "key").write_text(key + "\n")
        (self.place / "address").write_text(f"{url}\n{model}\n")

    def run(self, text: str | bytes, shell: str = "/bin/sh") -> subprocess.CompletedProcess[bytes]:
        """With nothing in the environment but what Finder gives: no LANG, no settings, a short PATH."""
        env = {"PATH": f"{self.stubs}:{MINIMAL}", "HOME": str(self.home), "http_proxy": "http://127.0.0.1:9"}
        data = text.encode() if isinstance(text, str) else text
        return subprocess.run([shell, "-c", self.command], input=data, env=env, cwd="/", capture_output=True, timeout=60, check=False)

    def refused(self, text: str | bytes) -> str:
        """What it says when it cannot: and then nothing goes where the text would be replaced."""
        (self.home / "notified").unlink(missing_ok=True)
        done = self.run(text)
        assert done.returncode == 1 and done.stdout == b"" and done.stderr.startswith(b"Pete: ")
        said = done.stderr.decode().removeprefix("Pete: ").strip()
        assert (self.home / "notified").read_text().strip() == said, "and a banner says the same"
        assert KEY not in said
        return said


@pytest.fixture
def service(tmp_path: Path) -> Service:
    return Service(tmp_path)


def heard(tuned) -> list[str]:
    """What the formatter is given, request by request."""
    asked: list[str] = []
    inner = tuned.formatter

    def formatter(turns, topic=""):
        asked.append(turns[-1].content)
        return inner(turns, topic)

    tuned.formatter = formatter
    return asked


TEXTS = [
    "Our bakery opens at 7.",
    'Quotes " and \\ backslashes \\n and $HOME `ls` %s %d stay in it.',
    "Two\nlines\n\n\tand a tab, which are as they were",
    "Ünïcödé — “quotes” 🎉 漢字 and the kettle is on for you.",
    "A line ending of Windows\r\nand more of them",
    "  spaces around the kettle  ",
    "'single' & <b> {json: [1]} and that is all of it, as far as anybody in the shop could tell us this morning, and we asked them all",
    "and " * 400,
]


def rewriting(tuned, **more):
    """A server that rewrites drafts, too."""
    return serving(tuned, rewriter=lambda: told(tuned), **more)


@pytest.mark.parametrize("shell", ["/bin/sh", *(path for name in ("bash", "zsh") if (path := shutil.which(name)))])
def test_selected_text_goes_in_and_what_of_it_could_be_rewritten_comes_out(service, shell):
    tuned = fake_tuned(max_new_tokens=5)
    asked = heard(tuned)
    with rewriting(tuned) as server:
        service.serve(server.url)
        answers = [service.run(text, shell) for text in TEXTS]
        good = service.run("# Hours\n\nOur establishment opens on Tuesdays at 9.\n", shell)
        assert server.metrics.get("pete_requests_total", path="/v1/chat/completions", status="200") == len(TEXTS) + 1
    assert [done.stdout.decode() for done in answers] == TEXTS, "a model of noise changes nothing"
    assert all(done.returncode == 0 and done.stderr == b"" for done in answers)
    assert good.stdout.decode() == "# Hours\n\nWe open on Tuesdays at 9."
    assert asked[0] == rewrite_request(TEXTS[0])


def test_control_characters_are_left_out_and_what_is_no_text_is_refused(service):
    tuned = fake_tuned(max_new_tokens=5)
    asked = heard(tuned)
    with rewriting(tuned) as server:
        service.serve(server.url)
        assert service.run(b"The kettle\x00 is on\x1b and so\x7f are we.\n").stdout == b"The kettle is on and so are we."
        assert asked == [rewrite_request("The kettle is on and so are we.")]
        assert "did not take" in service.refused(b"caf\xe9 \xff\xfe") and len(asked) == 1
        assert "did not take the text. There is no prose in this text" in service.refused("```\ncode\n```")
        assert "in German, which the author never wrote" in service.refused(
            "Wir sind am Dienstag und am Mittwoch für euch da, und das ist viel."
        )


def test_a_model_with_quotes_in_its_name(service):
    import threading

    from pete.serve.server import Server, listen

    tuned = fake_tuned(max_new_tokens=5)
    server = Server(tuned, 'my "own" \\ run', listen("127.0.0.1", 0), KEY, rewriter=lambda: told(tuned))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    service.serve(server.url, model='my "own" \\ run')
    service.run("The kettle is on.")
    server.stop()
    thread.join(10)
    assert server.metrics.get("pete_requests_total", path="/v1/chat/completions", status="200") == 1


def test_whatever_goes_wrong_the_text_stays_and_a_sentence_says_why(service):
    assert "has not been started yet" in service.refused("Text.")
    service.serve("http://127.0.0.1:9")
    assert "No server answers" in service.refused("Text.")
    tuned = fake_tuned(max_new_tokens=20)
    with rewriting(tuned) as server:
        service.serve(server.url)
        assert "Select some text" in service.refused(" \n\t ") and "Select some text" in service.refused("")
        assert "too long" in service.refused("word " * 300_000)
        service.serve(server.url, model="another")
        assert "another model" in service.refused("Text.")
        service.serve(server.url, key=KEY + "x")
        assert "key does not fit" in service.refused("Text.")
        (service.place / "key").chmod(0o600)
    tuned = fake_tuned()
    with rewriting(tuned) as server:
        service.serve(server.url)
        tuned.engine.faults.append(RuntimeError())
        assert "status 500" in service.refused("The kettle is on.") and tuned.engine.faults == []
    (service.place / "address").write_text("")
    assert "has not been started yet" in service.refused("Text.")
    assert not list(Path("/tmp").glob("tmp.*/body")), "no text is left behind"


def test_the_key_is_no_argument_of_any_program(service):
    (service.stubs / "curl").write_text('#!/bin/sh\nprintf "%s\\n" "$*" >>"$HOME/curled"\ncat >>"$HOME/piped"\nprintf 000\n')
    (service.stubs / "curl").chmod(0o755)
    service.serve("http://127.0.0.1:9")
    service.refused("Words of a secret.")
    arguments = (service.home / "curled").read_text()
    assert KEY not in arguments and "secret" not in arguments and f"Bearer {KEY}" in (service.home / "piped").read_text()
