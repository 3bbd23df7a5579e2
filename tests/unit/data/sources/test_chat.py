import datetime

from hypothesis import given
from hypothesis import strategies as st

from pete.data.examples import Message
from pete.data.sources.chat import Said, turns
from pete.data.sources.record import Reason

START = datetime.datetime(2026, 1, 5, 12, tzinfo=datetime.UTC)


def said(seconds: float | None, who: str, text: str, **more: object) -> Said:
    date = None if seconds is None else START + datetime.timedelta(seconds=seconds)
    return Said(text=text, where=f"a:{seconds}", author=(who,), date=date, **more)  # type: ignore[arg-type]


def chat(*messages: Said, **how: object):
    return list(turns(messages, chat="c", **how))  # type: ignore[arg-type]


def test_messages_in_a_row_are_one_turn_and_the_one_before_is_its_prompt():
    ada, me = chat(said(0, "Ada", "Tea?"), said(30, "Me", "Yes."), said(150, "Me", "At ten…"))
    assert (ada.text, ada.before, me.text) == ("Tea?", (), "Yes.\nAt ten…") and me.before == (Message("user", "Tea?"),)
    assert me.where == "a:30" and me.date == START + datetime.timedelta(seconds=30) and me.thread == ada.thread


def test_two_minutes_join_and_five_answer():
    assert [r.text for r in chat(said(0, "Me", "One"), said(120, "Me", "two"))] == ["One\ntwo"]
    later = chat(said(0, "Me", "One"), said(121, "Me", "two"))
    assert [(r.text, r.before) for r in later] == [("One", ()), ("two", ())], "an afterthought answers nobody"
    assert (
        chat(said(0, "Ada", "Tea?"), said(300, "Me", "Yes"))[1].before
        and not chat(said(0, "Ada", "Tea?"), said(301, "Me", "Yes"))[1].before
    )
    assert chat(said(0, "Ada", "Tea?"), said(90_000, "Me", "Yes"), window=None, silence=None)[1].before


def test_the_conversation_so_far_is_told_from_the_authors_side():
    said_all = [said(0, "Me", "Hello"), said(10, "Ada", "Tea?"), said(20, "Me", "Yes"), said(30, "Ada", "When?"), said(40, "Me", "Ten")]
    last = chat(*said_all)[-1]
    assert last.before == (Message("user", "Tea?"), Message("assistant", "Yes"), Message("user", "When?"))


def test_in_a_group_the_others_are_told_apart():
    last = chat(said(0, "Ada", "Tea?"), said(10, "Bo", "Or coffee?"), said(20, "Me", "Tea"))[-1]
    assert last.before == (Message("user", "Ada: Tea?\nBo: Or coffee?"),)


def test_an_answer_that_names_what_it_answers_is_believed():
    messages = [
        said(0, "Ada", "Tea?", id="1"),
        said(10, "Bo", "Nice day"),
        said(20, "Me", "Yes", answers="1"),
        said(25, "Me", "Who?", answers="9"),
    ]
    assert [r.before for r in chat(*messages)[2:]] == [(Message("user", "Tea?"),), ()]


def test_what_is_no_turn_is_given_with_its_reason_and_a_picture_may_be_what_is_answered():
    messages = [
        said(0, "Ada", "Tea?"),
        said(5, "Ada", "", dropped=None),
        said(10, "", "Bo joined", dropped=Reason.SYSTEM),
        said(20, "Me", "Lovely"),
    ]
    found = chat(*messages)
    assert [r.dropped for r in found] == [Reason.EMPTY, Reason.SYSTEM, None, None]
    assert found[-1].before == (Message("user", "Tea?"),)
    assert chat(said(0, "Me", "Tea"), said(5, "Ada", ""), said(20, "Me", "Lovely"))[-1].before == ()


def test_a_long_silence_begins_another_thread_with_the_same_name_in_the_next_export():
    day = 24 * 3600
    one = chat(said(0, "Ada", "Tea?"), said(10, "Me", "Yes"), said(day, "Ada", "Again?"))
    assert one[0].thread == one[1].thread != one[2].thread
    assert chat(said(day, "Ada", "Again?"))[0].thread == one[2].thread


@given(
    st.lists(st.tuples(st.integers(0, 2000) | st.none(), st.sampled_from(["Ada", "Bo", "Me", ""]), st.sampled_from(["a", "b\nc", "", " "])))
)
def test_every_message_is_in_one_record_and_prompts_alternate(lines):
    found = chat(*(said(seconds, who, text) for seconds, who, text in lines))
    assert sorted(w for r in found if not r.dropped for w in r.text.split()) == sorted(w for _, _, text in lines for w in text.split())
    assert sum(r.dropped is not None for r in found) == sum(not text.strip() for _, _, text in lines)
    for record in found:
        roles = [message.role for message in record.before]
        assert roles == (["user", "assistant"] * 6)[: len(roles)] and roles[-1:] in ([], ["user"]), roles
