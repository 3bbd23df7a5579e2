import datetime

from pete.data.examples import Example, Message
from pete.data.import_rows import INCOMING, RULE, edits_of, questions_of, rows_of, topic_of
from pete.data.importer import Kept
from pete.data.sources.record import Record

NOON = datetime.datetime(2023, 5, 4, 12, tzinfo=datetime.UTC)


def kept(text="The boiler came on a Thursday.", pieces=(), conversation=(), **more):
    record = Record(text=text, where="Shares.csv:2", **more)
    return Kept(record, "linkedin", "0123456789abcdef", tuple(pieces) or (text,), tuple(conversation))


def test_a_bare_text_gets_a_prompt_by_rule():
    (row,) = rows_of([kept(channel="LinkedIn post", date=NOON, id="l/2")], ["posts"])
    assert (
        row.origin == RULE and row.prompt.startswith("Write a LinkedIn post about") and row.completion == "The boiler came on a Thursday."
    )
    assert (row.id, row.category, row.format) == ("linkedin-0123456789abcdef", "posts", "LinkedIn post")
    assert (row.topic, row.date, row.found) == ("linkedin:l/2", "2023-05-04T12:00:00+00:00", "Shares.csv:2")


def test_an_answer_keeps_what_it_answers():
    (row,) = rows_of([kept(conversation=[Message("user", "When does it come?")])], ["mail"])
    assert (row.origin, row.prompt, row.messages, row.train) == (INCOMING, "When does it come?", (), None)


def test_of_a_conversation_only_the_last_answer_is_learned_by_this_row():
    turns = [Message("user", "a?"), Message("assistant", "b."), Message("user", "c?")]
    (row,) = rows_of([kept(conversation=turns)], ["mail"])
    assert row.train == "last" and [turn.content for turn in row.turns] == ["a?", "b.", "c?", "The boiler came on a Thursday."]


def test_passages_share_a_topic_and_have_ids_of_their_own():
    rows = rows_of([kept("One two three.\n\nFour five six.", ["One two three.", "Four five six."])], ["posts"])
    assert [row.id[-2:] for row in rows] == ["-1", "-2"] and len({row.topic for row in rows}) == 1 == len({row.found for row in rows})
    assert rows[0].prompt != rows[1].prompt


def test_only_the_first_passage_answers_a_message():
    rows = rows_of([kept("One.\n\nTwo.", ["One.", "Two."], [Message("user", "Well?")])], ["mail"])
    assert [row.origin for row in rows] == [INCOMING, RULE]


def test_forms_go_on_where_the_last_import_ended():
    assert rows_of([kept()], ["a"])[0].prompt != rows_of([kept()], ["a"], 1)[0].prompt


def test_edit_pairs_are_kept_where_something_was_edited():
    pairs = list(edits_of([kept("After.", draft="Before.", thread="t"), kept("Same.", draft="Same."), kept()]))
    assert pairs == [
        {"id": "linkedin-0123456789abcdef", "draft": "Before.", "final": "After.", "topic": "linkedin:t", "source": "Shares.csv:2"}
    ]


def test_a_topic_is_the_thread_then_the_id_then_the_text():
    assert [topic_of(kept(**more)) for more in ({"thread": "t", "id": "i"}, {"id": "i"}, {})] == [
        "linkedin:t", "linkedin:i", "linkedin:0123456789abcdef",
    ]  # fmt: skip


def test_a_prompt_that_was_trained_too_is_no_question():
    asked = (
        "Our lift has been out since Monday and the caretaker only shrugs: when will it be mended, and who carries the shopping until then?"
    )
    rows = [
        Example(id=f"r-{n}", category="a", topic=f"t{n}", prompt=prompt, completion=f"Answer {n}.", split=split)
        for n, (prompt, split) in enumerate(
            [("Thanks!", "train"), ("thanks!", "test"), (asked, "train"), (asked.replace("Monday", "Friday"), "test"), ("Other?", "test")]
        )
    ]  # fmt: skip
    assert [question["prompt"] for question in questions_of(rows)] == ["Other?"]


def test_a_topic_is_asked_about_once_and_a_part_never():
    of = {"category": "a", "split": "test", "completion": "c"}
    rows = [
        Example(id="r-1111111111111111", topic="t", prompt="Where is the key kept?", **of),
        Example(id="r-2222222222222222", topic="t", prompt="Who has signed for it?", **of),
        Example(id="r-3333333333333333-1", topic="u", prompt="Write the opening of a text.", **of),
    ]
    assert [question["prompt"] for question in questions_of(rows)] == ["Where is the key kept?"]
