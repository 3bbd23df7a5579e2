from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from pete.data.augment.rows import INCOMING, KINDS, Other, Passed, by_rule, kind_of, make, records
from pete.data.examples import Example, Message
from pete.data.text import same_prompt

LONG = "\n\n".join(f"This is paragraph number {n} of a text about rain. {'It rained on. ' * 20}" for n in range(4))
ROWS = [
    Example(id=f"r{n}", prompt=f"Write a post about rain {n}.", completion=f"It rains {n}.", topic=f"t{n}", category="post", origin="rule",
            date="2024-01-01")
    for n in range(8)
]  # fmt: skip
MAIL = Example(
    id="m", prompt="Hello, my order 123 is late. Where is it, please?", completion="On its way.", origin=INCOMING, category="mail"
)
TALK = Example(
    prompt="Where is order 77, please? It is late.", completion="There.", origin=INCOMING, train="last",
    messages=(Message("user", "Hi"), Message("assistant", "Hello."), Message("user", "Where is order 77, please? It is late."),
              Message("assistant", "There.")),
)  # fmt: skip


def made(kind, rows, there=(), banned=(), per_row=1, most=100, named=False, others=None):
    return make(kind, rows, [*rows, *there], banned, per_row, most, named, others or by_rule(kind))


def test_answers_and_topics_stay_and_the_way_back_is_written_down():
    for kind, rows in (("paraphrase", ROWS), ("windows", [ROWS[0].model_copy(update={"completion": LONG})]), ("noise", [MAIL])):
        making = made(kind, rows)
        assert making.rows and len(making.rows) == len({row.id for row in making.rows})
        for row in making.rows:
            source = next(other for other in rows if other.key == row.augmented_from)
            assert row.completion == source.completion if kind != "windows" else row.completion in source.completion
            assert (row.topic, row.category, row.format, row.split) == (source.topic, source.category, source.format, None)
            assert kind_of(row) == kind and row.prompt != source.prompt and row.date == source.date
    assert "source" not in next(records(making.rows))


def test_a_conversation_gets_noise_in_its_last_question_alone():
    (row,) = made("noise", [TALK]).rows
    assert [turn.content for turn in row.messages][:2] == ["Hi", "Hello."] and row.messages[3].content == "There."
    assert row.messages[2].content != TALK.prompt and "77" in row.prompt and row.train == "last" and row.augmented_from == TALK.key


def test_what_is_not_for_a_kind_is_counted():
    assert made("paraphrase", [MAIL, TALK]).passed == {("paraphrase", Passed.INCOMING): 1, ("paraphrase", Passed.CONVERSATION): 1}
    assert made("noise", ROWS).passed == {("noise", Passed.NO_MESSAGE): 8}
    assert len(made("noise", ROWS, named=True).rows) == 8, "somebody said that these are messages"
    assert made("windows", ROWS).passed == {("windows", Passed.SHORT): 8}
    odd = ROWS[0].model_copy(update={"prompt": "Rain?"})
    assert made("paraphrase", [odd]).passed == {("paraphrase", Passed.NO_REQUEST): 1}


@given(st.integers(1, 5), st.integers(1, 30), st.sampled_from(KINDS))
def test_caps_hold_and_a_second_time_adds_nothing(per_row, most, kind):
    rows = [row.model_copy(update={"origin": INCOMING}) for row in ROWS] if kind == "noise" else ROWS
    first = made(kind, rows, per_row=per_row, most=most)
    counts = Counter(row.augmented_from for row in first.rows)
    assert len(first.rows) <= most and all(count <= per_row for count in counts.values())
    if kind != "windows":
        assert len(first.rows) == min(most, 8 * per_row) or kind == "noise"
    again = made(kind, rows, there=first.rows, per_row=per_row, most=most)
    assert not again.rows or (kind == "noise" and len(first.rows) + len(again.rows) <= most)


def test_no_prompt_stands_twice_nor_in_the_evaluation_and_no_answer_is_new():
    says = [Other("Write of rain!", ROWS[0].completion, "x"), Other("Write of rain!", "It rains 1.", "x"), Other("New.", "New.", "x")]
    assert len(made("paraphrase", ROWS, per_row=5, others=lambda row: says).rows) == 1
    banned = [prompt for row in ROWS for prompt in (other.prompt for other in by_rule("paraphrase")(row))]
    assert made("paraphrase", ROWS, banned=banned).rows == []
    prompts = [same_prompt(row.prompt) for row in [*ROWS, *made("paraphrase", ROWS, per_row=5).rows]]
    assert len(prompts) == len(set(prompts)) > 30
