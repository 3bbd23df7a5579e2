from pete.data.sources.record import ImportOptions, Reason
from pete.data.sources.row_record import SHOWN, record_of, unusable
from pete.data.sources.tables import Row


def test_what_a_row_says_beside_its_text():
    row = Row("a.csv:2", {"id": 7.0, "createdat": "1/2/2024", "group": "tea", "subject": "Leaves", "category": None, "format": "note"})
    record = record_of(row, ImportOptions(day_first=True))
    assert (record.id, record.thread, record.title, record.category, record.channel, record.where) == (
        "7",
        "tea",
        "Leaves",
        "",
        "note",
        "a.csv:2",
    )
    assert record.own is True and record.date and record.date.month == 2


def test_a_damaged_row_shows_its_beginning_in_letters_a_file_can_hold():
    row = Row("a.jsonl:2", {"a": "half \ud83d", "b": 3, "c": "x" * 999}, "a lone surrogate")
    record = unusable(row, Reason.DAMAGED)
    assert record.text.startswith("half ? | xxx") and len(record.text) == SHOWN and record.where == "a.jsonl:2 (a lone surrogate)"
    assert unusable(row, Reason.EMPTY).text == ""
