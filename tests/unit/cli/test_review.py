import sys
from pathlib import Path

from pete.cli.console import console
from pete.cli.review import _edit
from pete.data.examples import Example, load_examples
from pete.data.review.record import ReviewSession
from pete.persona import load_persona
from tests.bare_texts import bare_persona


def edited(tmp_path: Path, monkeypatch, change: str, **texts: str) -> Example:
    """A row of these texts as it is after an editor that does `change` to t."""
    persona = load_persona(str(bare_persona(tmp_path / "bea")))
    persona.examples[0].write_text(Example(id="a", category="post", **texts).model_dump_json(include={"id", "category", *texts}) + "\n")
    editor = tmp_path / "editor.py"
    editor.write_text(f"import sys\nt = open(sys.argv[1]).read()\n{change}\nopen(sys.argv[1], 'w').write(t)\n")
    monkeypatch.setenv("VISUAL", f"{sys.executable} {editor}")
    session = ReviewSession(persona, load_examples(persona.examples))
    _edit(session, session.left[0], console(quiet=True))
    (row,) = load_examples(persona.examples)
    return row


def test_line_ends_of_the_text_that_nobody_touched_stay_as_they_were(tmp_path: Path, monkeypatch):
    texts = {"prompt": "Where is it?\r\nPlease.", "completion": "On its way.\r\n\r\nSoon.\n"}
    row = edited(tmp_path, monkeypatch, "", **texts)
    assert (row.prompt, row.completion, row.origin) == (*texts.values(), "")


def test_one_text_is_edited_and_the_other_stays_to_the_letter(tmp_path: Path, monkeypatch):
    row = edited(tmp_path, monkeypatch, "t = t.replace('Soon', 'Today')", prompt="Where?\r\nPlease.", completion="Soon.\r\n")
    assert (row.prompt, row.completion.strip(), row.origin) == ("Where?\r\nPlease.", "Today.", "edited")
