import pytest

from pete.data.sources.record import Reason
from tests.unit.data.sources.damage import harmful, harmless, said
from tests.unit.data.sources.reading import outcome, records_of


def test_a_file_is_a_document_word_for_word(tmp_path):
    text = "# no *markup*\n> here\n\n  \u201cOne\u201d \u2014 two\u2026 [x](y) &amp; <b> \U0001f600"
    (record,) = records_of(tmp_path, {"2024-01-02-my-tea.txt": f"\n{text}\n\n"})
    assert record.text == text and record.title == "my tea" and record.thread == "2024-01-02-my-tea.txt"
    assert record.own is None and record.author == () and record.date and record.date.day == 2


def test_blank_files_and_other_encodings(tmp_path):
    assert [r.dropped for r in records_of(tmp_path, {"a.txt": "\n \n"})] == [Reason.EMPTY]
    for number, (kind, data) in enumerate(harmless("One \u2014 caf\u00e9.\nTwo.\n")):
        records, problem = outcome(tmp_path / str(number), "a.text", data)
        assert said(records) == ["One \u2014 caf\u00e9.\nTwo."] and not problem, kind
    records, _ = outcome(tmp_path / "windows", "a.txt", "The \u201cCaf\u00e9\u201d \u2013 so they say.".encode("cp1252"))
    assert said(records) == ["The \u201cCaf\u00e9\u201d \u2013 so they say."]


@pytest.mark.parametrize("kind", ["NUL in the middle", "zeros", "noise", "blank", "one letter"])
def test_what_is_no_text_is_said(tmp_path, kind):
    data = dict(harmful(b"One. Two. Three."))[kind]
    records, problem = outcome(tmp_path, "a.txt", data)
    assert bool(problem) == (kind not in ("blank", "one letter")) and (records or problem)
