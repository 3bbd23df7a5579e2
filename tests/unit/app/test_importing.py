import json

import pytest

from pete.app.importing import import_into
from pete.config import resolve
from pete.data.authors import EVERYBODY
from pete.data.examples import Message
from pete.data.importer import Wishes
from pete.data.sources.record import Reader, Record
from pete.errors import DataError, PersonaError
from tests.unit.app.conftest import Heard

ANSWERS = ["The van comes on Thursday, with both boxes.", "Your parcel is in Leeds, and leaves today.", "We sent the green one again."]


@pytest.fixture
def source(tmp_path, monkeypatch):
    """A file that a reader reads as three texts of two authors."""
    authors = (("ada@example.org", "Ada"), ("olu@example.org",), ("ada@example.org", "Ada"))

    def read(file, options):
        for number, (text, author) in enumerate(zip(ANSWERS, authors, strict=True)):
            yield Record(text=text, where=f"a.x:{number}", author=author, channel="email")

    monkeypatch.setattr("pete.data.sources.READERS", (Reader("test", "test file", lambda file: file.suffix == ".x", read),))
    path = tmp_path / "a.x"
    path.write_text("x")
    return path


class Answers(Heard):
    def __init__(self, answer):
        super().__init__()
        self.answer, self.asked = answer, []

    def ask(self, question, choices, default):
        self.asked.append((question, tuple(choices), default))
        return self.answer or default


def imported(sets, source, wishes=None, notify=None, **options):
    return import_into(resolve(None, None, sets).config, [source], wishes or Wishes(), notify or Heard(), **options)


def test_who_the_author_is_is_asked_once(sets, source):
    notify = Answers("ada@example.org")
    result = imported(sets, source, notify=notify, category="marketing")
    (asked,) = notify.asked
    assert asked[1:] == (("ada@example.org", "olu@example.org", EVERYBODY), "") and "2  ada@example.org (Ada)" in asked[0]
    assert [row.completion for row in result.rows] == [ANSWERS[0], ANSWERS[2]] and result.ledger.read == 3


def test_where_nobody_answers_it_is_an_error_with_the_ready_command(sets, source, persona_folder):
    with pytest.raises(DataError) as error:
        imported(sets, source, category="marketing")
    assert "1  olu@example.org" in error.value.message and '--author "ada@example.org"' in error.value.hint
    assert not (persona_folder / "imports.json").exists()


def test_a_category_is_told_by_likeness_where_nothing_says_it(sets, source):
    pytest.importorskip("tokenizers")
    result = imported(sets, source, Wishes(authors=(EVERYBODY,)))
    assert set(result.counts("category")) <= {"marketing", "copywriting"} and len(result.rows) == 3


def test_without_the_sentence_model_the_category_is_asked_for(sets, source, monkeypatch):
    monkeypatch.setattr("pete.app.importing.find_embedder", lambda: None)
    with pytest.raises(PersonaError, match="which category") as error:
        imported(sets, source, Wishes(authors=(EVERYBODY,)))
    assert "--category" in error.value.hint


def test_a_limit_that_leaves_no_room_is_refused(sets, source):
    with pytest.raises(DataError, match=r"data.max_length = 90 leaves"):
        import_into(resolve(None, None, [*sets, "data.max_length=90"]).config, [source], Wishes(), Heard(), category="marketing")


def test_a_persona_without_rows_takes_its_first(sets, source, persona_folder):
    for path in (persona_folder / "examples").iterdir():
        path.unlink()
    assert imported(sets, source, Wishes(authors=("Ada",)), category="marketing").written
    assert len((persona_folder / "examples" / "imported.jsonl").read_text().splitlines()) == 2
    assert json.loads((persona_folder / "imports.json").read_text())["imports"][0]["authors"] == ["Ada"]


def test_a_new_category_is_written_beside_the_others_and_nothing_else_changes(sets, source, persona_folder):
    before = (persona_folder / "persona.toml").read_text()
    result = imported(sets, source, Wishes(authors=(EVERYBODY,)), category="support=Customer service")
    assert result.counts("category") == {"support": 3} and result.persona.categories["support"] == "Customer service"
    assert (persona_folder / "persona.toml").read_text() == before.replace("[categories]\n", '[categories]\nsupport = "Customer service"\n')


def test_a_new_kind_of_text_is_a_category_where_the_others_are_kinds(sets, source, persona_folder):
    for path in (persona_folder / "examples").iterdir():
        path.unlink()
    row = {"prompt": "p", "completion": "A post of old.", "category": "marketing", "format": "marketing", "origin": "rule"}
    (persona_folder / "examples" / "imported.jsonl").write_text(json.dumps(row) + "\n")
    assert imported(sets, source, Wishes(authors=(EVERYBODY,))).counts("category") == {"email": 3}
    assert 'email = "Emails"' in (persona_folder / "persona.toml").read_text()


def test_categories_in_another_form_are_left_alone_and_said(sets, source, persona_folder):
    path = persona_folder / "persona.toml"
    path.write_text(path.read_text().split("[categories]")[0] + 'categories = {marketing = "M", copywriting = "C"}\n')
    with pytest.raises(PersonaError, match="otherwise than in a table"):
        imported(sets, source, Wishes(authors=(EVERYBODY,)), category="support=Customer service")
    assert not (persona_folder / "imports.json").exists()


def test_a_row_with_a_prompt_of_the_evaluation_is_held_out(sets, source, persona_folder, monkeypatch):
    exchanges = (
        ("Thanks!", "Any time you like, the kettle is on.", "1"),
        ("How does it come?", "By van, on Thursday, to the back door.", "2"),
        ("thanks!", "Not at all, it was a small thing to do.", "3"),
    )

    def read(file, options):
        for number, (asked, text, thread) in enumerate(exchanges):
            yield Record(text=text, where=f"a.x:{number}", before=(Message("user", asked),), thread=thread, channel="email")

    monkeypatch.setattr("pete.data.sources.READERS", (Reader("test", "test file", lambda file: file.suffix == ".x", read),))
    config = [*sets, "data.valid_share=0", "data.test_share=0"]
    splits = [row.split for row in imported(config, source, category="marketing", dry_run=True).rows]
    assert splits == ["train", "train", "train"]
    (persona_folder / "prompts.jsonl").write_text('{"prompt": "Thanks!", "category": "marketing"}\n')
    splits = [row.split for row in imported(config, source, category="marketing").rows]
    assert splits == ["test", "train", "test"]
