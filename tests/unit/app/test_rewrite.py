import json
import os
import time
from types import SimpleNamespace

import pytest

from pete.app import rewrite as app
from pete.app.notify import Silent
from pete.app.rewrite import Drawn, open_rewriter, read_draft, rewrite, write_page
from pete.config import GenerateConfig
from pete.errors import DataError, UserError
from pete.generate.rewrite.choose import STRENGTHS, Draw
from pete.places import cache_root
from pete.run import RunDir
from tests.rewriting import rewriter

NORMAL = STRENGTHS["normal"]
SAMPLING = GenerateConfig()  # type: ignore[call-arg]


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.setenv("PETE_CACHE", str(tmp_path / "cache"))
    (tmp_path / "run" / "adapter").mkdir(parents=True)
    (tmp_path / "run" / "adapter" / "adapter_model.safetensors").write_bytes(b"weights")
    return RunDir(tmp_path / "run")


class Heard(Silent):
    def __init__(self):
        self.said = []

    def progress(self, what, done, of):
        self.said.append((what, done, of))

    def message(self, text, level="info"):
        self.said.append(text)


@pytest.mark.parametrize(
    ("data", "name", "text", "markdown", "mark", "encoding"),
    [
        (b"We open.\r\n", "a.md", "We open.\r\n", True, "", "utf-8"),
        (b"We open.", "A.TXT", "We open.", False, "", "utf-8"),
        ("\ufeffWe open.".encode(), "-", "We open.", True, "\ufeff", "utf-8"),
        ("Caf\u00e9 Anna".encode("cp1252"), "a.md", "Caf\u00e9 Anna", True, "", "cp1252"),
        ("We open.".encode("utf-16"), "a.md", "We open.", True, "", "utf-16"),
    ],
)
def test_a_draft_is_read_as_it_is(data, name, text, markdown, mark, encoding):
    draft = read_draft(data, name)
    assert (draft.text, draft.markdown, draft.mark, draft.encoding) == (text, markdown, mark, encoding)


@pytest.mark.parametrize("data", [b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", b"%PDF-1.4\n" + bytes(range(1, 256)) * 3])
def test_a_file_that_is_no_text_is_refused(data):
    with pytest.raises(DataError) as raised:
        read_draft(data, "a.docx")
    assert "a.docx" in raised.value.message and "paste the text" in raised.value.hint


def test_nothing_to_rewrite_is_refused_before_anything_is_loaded():
    for data in (b"", b"```\ncode\n```\n"):
        with pytest.raises(UserError):
            read_draft(data, "a.md")


def test_what_was_drawn_is_kept_for_its_owner_and_not_drawn_again(run):
    one, heard = rewriter({"We open up on Tuesdays.": ["We open on Tuesdays."]}), Heard()
    plan = one.plan("We open up on Tuesdays.\n\n# B\n\nThe kettle whistles loudly.")
    made = rewrite(one, plan, NORMAL, heard, Drawn(run, SAMPLING, NORMAL))
    assert len(one.tuned.asked) == 2 and heard.said == [("passages", 0, 2), ("passages", 1, 2), ("passages", 2, 2)]
    (file,) = (cache_root() / "rewrites").iterdir()
    assert os.stat(file).st_mode & 0o777 == 0o600 and os.stat(file.parent).st_mode & 0o077 == 0
    assert "kettle" in file.read_text() and json.loads(file.read_text().splitlines()[0])["draws"]
    with file.open("a") as torn:
        torn.write('{"passage": "half')
    again = rewrite(one, plan, NORMAL, Silent(), Drawn(run, SAMPLING, NORMAL))
    assert len(one.tuned.asked) == 2 and again == made
    for other in (Drawn(run, SAMPLING, STRENGTHS["full"]), Drawn(run, SAMPLING.model_copy(update={"seed": 1}), NORMAL)):
        assert other.of("The kettle whistles loudly.") is None
    (run.adapter / "adapter_model.safetensors").write_bytes(b"trained again")
    assert Drawn(run, SAMPLING, NORMAL).of("The kettle whistles loudly.") is None


def test_a_text_that_was_interrupted_goes_on_where_it_was_left(run):
    one = rewriter()
    plan = one.plan("\n\n# H\n\n".join(f"The kettle number {number} whistles loudly." for number in range(4)))
    ask = one.tuned.ask

    def interrupted(*given):
        if len(one.tuned.asked) == 2:
            raise KeyboardInterrupt
        return ask(*given)

    one.tuned.ask = interrupted
    with pytest.raises(KeyboardInterrupt):
        rewrite(one, plan, NORMAL, Silent(), Drawn(run, SAMPLING, NORMAL))
    one.tuned.ask = ask
    rewrite(one, plan, NORMAL, Silent(), Drawn(run, SAMPLING, NORMAL))
    assert one.tuned.asked == [passage.text for passage in plan.passages], "each was asked once"


def test_what_is_older_than_a_week_is_forgotten_and_a_full_disk_holds_nothing_up(run, monkeypatch):
    Drawn(run, SAMPLING, NORMAL).keep("a", [Draw("b", "end")])
    assert Drawn(run, SAMPLING, NORMAL).of("a") == [Draw("b", "end")]
    (file,) = (cache_root() / "rewrites").iterdir()
    os.utime(file, (time.time() - 8 * 86400,) * 2)
    assert Drawn(run, SAMPLING, NORMAL).of("a") is None and not file.exists()
    monkeypatch.setattr("builtins.open", lambda *_, **__: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    Drawn.keep(SimpleNamespace(_file=file), "a", [])  # type: ignore[arg-type]


def test_a_long_text_says_how_long_it_will_take(run, monkeypatch):
    monkeypatch.setattr(app, "LONG", -1)
    heard = Heard()
    one = rewriter()
    rewrite(one, one.plan("The kettle whistles loudly.\n\n# H\n\nThe pot is silent today."), NORMAL, heard, Drawn(run, SAMPLING, NORMAL))
    assert sum("the same command goes on" in str(said) for said in heard.said) == 1


class Counting:
    """A tokenizer that counts words."""

    context = 600
    encode = staticmethod(str.split)

    def answer_ids(self, turns):
        return turns[-1].content.split()


def opened(run, rows, monkeypatch):
    """A rewriter of these rows, and what was said."""
    run.data.mkdir(exist_ok=True)
    run.split_file("train").write_text("".join(json.dumps(row) + "\n" for row in rows))
    monkeypatch.setattr(app, "Embedder", lambda: None)
    heard = Heard()
    tuned = SimpleNamespace(renderer=Counting(), formatter=lambda turns, topic: turns)
    return open_rewriter(tuned, run, heard), " ".join(map(str, heard.said))  # type: ignore[arg-type]


def test_passages_are_as_long_as_the_drafts_that_the_run_learned_from(run, monkeypatch):
    own = [{"id": f"r{n}", "prompt": f"Say {n}.", "completion": f"And the kettle is on for you and {n} of the others."} for n in range(9)]
    drafts = [
        {"prompt": "word " * (60 + n), "completion": row["completion"], "task": "rewrite", "augmented_from": row["id"]}
        for n, row in enumerate(own)
    ]
    one, said = opened(run, own + drafts, monkeypatch)
    assert one.fullness("word " * 67) == pytest.approx(1.0) and "to rewrite" not in said
    assert one.languages == {"English"} and one.voice is None and "too little" in said
    one, said = opened(run, own, monkeypatch)
    assert one.fullness("word " * app.SHORTEST) == pytest.approx(1.0) and "pete data pairs --task rewrite" in said


def test_a_run_without_its_rows_rewrites_by_meaning_alone(run, monkeypatch):
    run.data.mkdir()
    monkeypatch.setattr(app, "Embedder", lambda: None)
    one = open_rewriter(SimpleNamespace(renderer=Counting(), formatter=lambda turns, topic: turns), run, Silent())  # type: ignore[arg-type]
    assert one.voice is None and not one.languages


def test_a_page_that_cannot_be_written_says_so(tmp_path):
    write_page(tmp_path / "a.html", "page")
    assert (tmp_path / "a.html").read_text() == "page"
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError) as raised:
        write_page(tmp_path / "file" / "a.html", "page")
    assert "--html" in raised.value.hint
