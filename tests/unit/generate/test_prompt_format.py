import pytest
from hypothesis import given
from hypothesis import strategies as st

from pete.adapter import Lineage
from pete.data.examples import Example
from pete.data.render import Message
from pete.engines.fake import fake_base
from pete.errors import AdapterError
from pete.generate.prompt_format import NEAR, PromptFormatter, open_renderer, read_prompt_format
from pete.generate.rules import Validator
from pete.persona import Limit, PromptFormat, plain_prompt_format


def row(number: int, prompt: str, words: int, form: str = "", topic: str = "") -> Example:
    return Example(prompt=prompt, completion=" ".join([f"w{number}"] * words), format=form, topic=topic or f"t{number}")


ROWS = [
    row(0, "Tagline for the bakery on our street", 5, "tagline", "bakery"),
    row(1, "Tagline for a quiet kettle", 6, "tagline", "kettle"),
    row(2, "Tagline for a slow lift", 9, "tagline", "lift"),
    row(3, "Say sorry to a customer whose parcel never came", 60, "apology", "parcels"),
    row(4, "Say sorry to a customer whose refund is late", 64, "apology", "refunds"),
    row(5, "Say sorry to a customer who was cut off twice", 66, "apology", "telephones"),
    row(6, "Explain churn to a director", 120, "memo", "churn"),
]
FORMATS = {"tagline": Limit.model_validate({"asked": ["slogan"]})}


def put(text: str, topic: str = "", **prompt_format: object) -> list[Message]:
    formatter = PromptFormatter(PromptFormat.model_validate(prompt_format), ROWS, Validator(formats=FORMATS, rows=ROWS))
    return formatter([Message("user", text)], topic)


def said(text: str, **prompt_format: object) -> str:
    return put(text, **prompt_format)[-1].content


def test_nothing_set_changes_nothing():
    talk = [Message("user", " A tagline? "), Message("assistant", "Yes."), Message("user", "Another.")]
    assert PromptFormatter(None, ROWS)(talk) == talk == PromptFormatter(PromptFormat.model_validate({"system": "You."}), ROWS)(talk)
    assert PromptFormatter(PromptFormat.model_validate({"shots": 2, "length": True, "form": True}))(talk) == talk, (
        "no rows, nothing to take from"
    )


def test_examples_are_of_the_format_that_is_named_and_usual_in_length():
    turns = put("A slogan for a ferry", shots=1)
    assert [turn.role for turn in turns] == ["user", "assistant", "user"]
    assert turns[0].content == ROWS[1].prompt and turns[1].content == ROWS[1].completion, "a tagline, of the median length"
    assert turns[2].content == "A slogan for a ferry"
    two = put("Say sorry to a customer", shots=2)
    assert {turn.content for turn in two if turn.role == "assistant"} <= {ROWS[n].completion for n in (3, 4, 5)}


def test_no_example_of_the_own_topic_by_name_by_word_or_as_the_same_request():
    assert "bakery" not in " ".join(turn.content for turn in put("A tagline for bread", topic="Bakery", shots=3))
    assert ROWS[1].prompt not in [turn.content for turn in put("A tagline for my kettle", shots=3)]
    assert len([turn for turn in put(ROWS[6].prompt, shots=3) if turn.content == ROWS[6].prompt]) == 1


def test_a_length_is_named_only_where_the_request_names_none():
    assert said("A tagline for a ferry", length=True) == "A tagline for a ferry. About 6 words."
    assert said("Say sorry to a customer whose order melted.", length=True) == "Say sorry to a customer whose order melted. About 60 words."
    for stated in ("Say sorry to a customer in 20 words", "Five subject lines for a ferry", "Say sorry, one to two lines"):
        assert said(stated, length=True) == stated


def test_a_format_is_named_by_the_request_or_by_rows_that_agree():
    assert said("slogan for a ferry", form=True) == "slogan for a ferry. Form: tagline."
    assert said("Say sorry to a customer whose order melted?", form=True).endswith("? Form: apology.")
    assert said("Explain the parcel to a lift", form=True) == "Explain the parcel to a lift", "nobody agrees: nothing is said"
    assert said("A slogan for a ferry", form=True, length=True).endswith("ferry. Form: tagline. About 6 words.")


def test_what_is_said_later_stays_as_it_was_said():
    talk = [
        Message("system", "S"),
        Message("user", "A slogan for a ferry"),
        Message("assistant", "No."),
        Message("user", "Shorter, please"),
    ]
    turns = PromptFormatter(PromptFormat.model_validate({"shots": 1, "length": True}), ROWS, Validator(formats=FORMATS, rows=ROWS))(talk)
    assert [turn.role for turn in turns] == ["system", "user", "assistant", "user", "assistant", "user"]
    assert turns[3].content.endswith("About 6 words.") and turns[4:] == talk[2:]


VOCABULARY = ["tagline", "for", "a", "bakery", "kettle", "lift", "parcel", "sorry", "customer", "memo", "churn", "quiet", "slow"]
words = st.lists(st.sampled_from(VOCABULARY), min_size=1, max_size=8)
topics = st.sampled_from(["bakery", "kettle", "quiet lift", "parcel", "churn", ""])
examples = st.lists(st.tuples(words, topics, st.sampled_from(["tagline", "memo", ""]), st.integers(1, 40)), max_size=9)


@given(words, topics, examples, st.integers(0, 3), st.booleans(), st.booleans())
def test_the_message_stays_last_and_no_row_of_its_topic_is_shown(request, topic, examples, shots, length, form):
    rows = [
        Example(prompt=" ".join(prompt), completion=f"{number} " + "x " * size, topic=own, format=name)
        for number, (prompt, own, name, size) in enumerate(examples)
    ]
    text = " ".join(request)
    prompt_format = PromptFormat.model_validate({"shots": shots, "length": length, "form": form})
    turns = PromptFormatter(prompt_format, rows, Validator(formats=FORMATS, rows=rows))([Message("user", text)], topic)
    assert turns[-1].role == "user" and turns[-1].content.startswith(text)
    assert [turn.role for turn in turns[:-1]] == ["user", "assistant"] * ((len(turns) - 1) // 2)
    shown = [rows[int(turn.content.split()[0])] for turn in turns if turn.role == "assistant"]
    assert len(shown) <= shots and len({id(example) for example in shown}) == len(shown)
    assert not [example for example in shown if example.topic and (example.topic == topic or example.topic in request)]
    assert turns == PromptFormatter(prompt_format, rows, Validator(formats=FORMATS, rows=rows))([Message("user", text)], topic)
    free = sum(not (e.topic and (e.topic == topic or set(e.topic.split()) <= set(request))) and e.prompt != text for e in rows)
    assert len(shown) == min(shots, free, NEAR), "as many as were asked for, where there are as many"


LINEAGE = Lineage("fake", "1", "f", "d", "c", "Ada", "Plain.", (), "You are Ada.", (), {}, {}, (), "0")


def test_system_line_and_template_take_the_place_of_the_adapters():
    folder = fake_base().folder
    assert open_renderer(folder, LINEAGE, PromptFormat(), 99).system == "You are Ada."
    assert open_renderer(folder, LINEAGE, PromptFormat.model_validate({"system": ""}), 99).system == ""
    other = open_renderer(
        folder,
        LINEAGE,
        PromptFormat.model_validate({"system": "Be.", "template": "{% for m in messages %}{{ m.content }}|{% endfor %}"}),
        99,
    )
    assert other.prompt_text([Message("user", "x")]) == "Be.|x|"


def test_what_an_adapter_keeps_comes_back_and_nothing_else_does():
    prompt_format = PromptFormat.model_validate({"system": "", "shots": 2, "template": "{{ 1 }}"})
    assert (
        read_prompt_format(plain_prompt_format(prompt_format)) == prompt_format
        and plain_prompt_format(PromptFormat()) == {}
        and read_prompt_format({}) == PromptFormat()
    )
    assert "template" not in plain_prompt_format(prompt_format, own_template=False), "a base with a template of its own keeps it"
    with pytest.raises(AdapterError, match="shouts"):
        read_prompt_format({"shouts": 2})
