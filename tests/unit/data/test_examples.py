import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pete.data.examples import (
    Draft,
    Example,
    load_examples,
    load_prompts,
    phrase_pattern,
    phrases_used,
    record_key,
    write_examples,
    written,
)
from pete.data.rewriting import rewrite_request
from pete.data.text import visible
from pete.errors import DataError


def write(path: Path, *lines: object) -> Path:
    path.write_text("".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines))
    return path


def test_every_bad_line_is_named(tmp_path: Path):
    path = write(
        tmp_path / "rows.jsonl",
        {"prompt": "a", "completion": "b"},
        "{not json",
        [1, 2],
        {"prompt": "a"},
        "",
        {"prompt": "  ", "completion": "b"},
        {"prompt": "a", "completion": "\n"},
        {"prompt": 3, "completion": "b"},
        {"prompt": "a", "completion": "b", "split": "dev"},
        '{"prompt": "a", "completion": "\\ud83d"}',
    )
    with pytest.raises(DataError) as error:
        load_examples([path, tmp_path / "gone.jsonl"])
    text = error.value.message
    for number, words in {
        2: "not JSON", 3: "expected an object, found list", 4: "1 row with a prompt and no completion", 6: "prompt is empty",
        7: "completion is empty", 8: "prompt: expected text, found 3", 9: "expected train, valid or test", 10: "lone surrogate",
    }.items():  # fmt: skip
        assert f"{path}:{number}: " in text and words in text
    assert f"{path}:1:" not in text and "gone.jsonl: there is no such file" in text
    assert error.value.exit_code == 2


def test_empty_and_binary_files(tmp_path: Path):
    (tmp_path / "empty.jsonl").write_text("\n\n")
    (tmp_path / "binary.jsonl").write_bytes(b"\xff\xff\x01")
    with pytest.raises(DataError) as error:
        load_examples([tmp_path / "empty.jsonl", tmp_path / "binary.jsonl"])
    assert "empty.jsonl: empty" in error.value.message and "not UTF-8" in error.value.message


def test_a_thousand_problems_are_not_a_thousand_lines(tmp_path: Path):
    path = write(tmp_path / "rows.jsonl", *['{"a"'] * 1000)
    with pytest.raises(DataError) as error:
        load_examples([path])
    assert "1000 problems" in error.value.message and len(error.value.message.splitlines()) < 30


def test_deep_nesting_is_a_bad_line_and_not_a_crash(tmp_path: Path):
    with pytest.raises(DataError, match="not JSON"):
        load_examples([write(tmp_path / "rows.jsonl", "[" * 200_000)])


def test_foreign_names_and_a_byte_order_mark(tmp_path: Path):
    path = tmp_path / "rows.jsonl"
    path.write_text("\ufeff" + json.dumps({"prompt": "a", "completion": "b", "group": "chapter-1", "author": "x", "split": "test"}) + "\n")
    (row,) = load_examples([path])
    assert (row.topic, row.split, row.source) == ("chapter-1", "test", f"{path}:1")


@given(st.lists(st.tuples(st.text(min_size=1), st.text(min_size=1)), min_size=1, max_size=5))
def test_any_text_survives_the_file(pairs):
    import tempfile

    rows = [Example(prompt=p, completion=c) for p, c in pairs if visible(p) and visible(c)]
    if not rows:
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.jsonl"
        try:
            write_examples(path, rows)
        except UnicodeEncodeError:  # lone surrogates are refused when reading
            return
        back = load_examples([path])
    assert [(r.prompt, r.completion) for r in back] == [(r.prompt, r.completion) for r in rows]


@pytest.mark.parametrize("phrase", ["don't panic", "don\u2019t panic"])
@pytest.mark.parametrize("said", ["Don't panic", "DON\u2019T\u00a0PANIC", "don\u02bct panic"])
def test_straight_and_curly_are_one(phrase, said):
    pattern = phrase_pattern([phrase])
    (hit,) = phrases_used(pattern, f"\u201c{said}\u201d, it said.", "")
    assert hit.group() == said and not phrases_used(pattern, said, "Say: don\u2018t panic")


def test_a_phrase_of_a_script_without_spaces_stands_between_other_letters():
    pattern = phrase_pattern(["返品", "unlock*"])
    assert pattern is not None and pattern.search("ご返品は") and pattern.search("このunlocked品")[0] == "unlocked"


@pytest.mark.parametrize(
    ("text", "hit"), [("unlocked", True), ("Unlock", True), ("relock", False), ("in conclusion,", True), ("conclusions", False)]
)
def test_phrases_match_whole_words(text, hit):
    pattern = phrase_pattern(["unlock*", "in conclusion"])
    assert pattern is not None and bool(pattern.search(text)) is hit
    assert phrase_pattern([]) is None


def test_a_conversation_is_a_row_and_comes_back_as_one(tmp_path: Path):
    talk = [{"role": "system", "content": "Be."}, {"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Yes"}]
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps({"messages": talk}) + "\n")
    (row,) = load_examples([path])
    assert (row.prompt, row.completion) == ("Hi", "Yes") and [turn.role for turn in row.turns] == ["system", "user", "assistant"]
    write_examples(path, [row])
    assert "completion" not in path.read_text()
    assert load_examples([path])[0].turns == row.turns


def test_a_conversation_beside_another_exchange_is_refused(tmp_path: Path):
    talk = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Yes"}]
    path = write(tmp_path / "rows.jsonl", {"prompt": "Hi", "completion": "No", "messages": talk}, {"messages": "x"})
    with pytest.raises(DataError, match=r"rows.jsonl:1: messages: completion beside it says something else"):
        load_examples([path])


@pytest.mark.parametrize(
    ("messages", "said"),
    [
        ([{"role": "user", "content": "x"}, {"role": "user", "content": "y"}], "user and assistant in turn, found user, user"),
        ([{"role": "user", "content": "x"}], "in turn, found user"),
        ([{"role": "system", "content": "x"}], "in turn, found system"),
        ([{"role": "user", "content": " "}, {"role": "assistant", "content": "y"}], "a message is empty"),
        ([{"role": "human", "content": "x"}, {"role": "assistant", "content": "y"}],
         "messages.0.role: expected system, user or assistant, found 'human'"),
        ([{"role": "user", "content": 3}, {"role": "assistant", "content": "y"}], "messages.0.content: expected text, found 3"),
    ],
)  # fmt: skip
def test_a_conversation_that_is_none_is_refused_by_its_line(tmp_path: Path, messages, said):
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps({"messages": messages}) + "\n")
    with pytest.raises(DataError) as error:
        load_examples([path])
    assert f"{path}:1" in error.value.message and said in error.value.message


def test_a_rewrite_row_is_asked_for_with_its_draft_and_a_writing_row_says_nothing_of_tasks(tmp_path: Path):
    rows = [
        Example(prompt="Write a note.", completion="Back at noon."),
        Example(task="rewrite", prompt="I return at 12.", completion="Back at noon.", draft_kind="plain", augmented_from="note"),
    ]
    write_examples(tmp_path / "rows.jsonl", rows)
    assert '"task"' not in (tmp_path / "rows.jsonl").read_text().splitlines()[0]
    plain, draft = load_examples([tmp_path / "rows.jsonl"])
    assert plain.request == "Write a note." and (draft.prompt, draft.draft_kind) == ("I return at 12.", "plain")
    assert draft.request == draft.turns[0].content == rewrite_request("I return at 12.") and draft.turns[1].content == "Back at noon."


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"task": "translate"}, "task: expected write or rewrite, found 'translate'"),
        ({"draft_kind": "plain"}, "draft_kind: the row has no draft"),
        ({"task": "rewrite", "augmented_from": "x", "split": "train"}, "split: a draft is where the row is that augmented_from names"),
        ({"task": "rewrite", "messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]},
         "messages: a row with task rewrite is one draft and one text"),
    ],
)  # fmt: skip
def test_a_rewrite_row_that_is_none_is_refused_by_its_line(tmp_path: Path, fields, said):
    path = write(tmp_path / "rows.jsonl", {"prompt": "a", "completion": "b", **fields})
    with pytest.raises(DataError) as error:
        load_examples([path])
    assert f"{path}:1: {said}" in error.value.message


def test_a_prompt_may_carry_drafts_of_its_reference(tmp_path: Path):
    drafts = [{"kind": "plain", "text": "We open at nine."}]
    (prompt,) = load_prompts(write(tmp_path / "prompts.jsonl", {"prompt": "a", "drafts": drafts}))
    assert prompt.drafts == (Draft("plain", "We open at nine."),)
    for wrong, said in (("x", "drafts: expected a list such as"), ([{"kind": "plain", "text": " "}], "drafts: a draft is empty"),
                        ([{"kind": "plain"}], "drafts.0.text: expected text, found nothing")):  # fmt: skip
        with pytest.raises(DataError) as error:
            load_prompts(write(tmp_path / "prompts.jsonl", {"prompt": "a", "drafts": wrong}))
        assert f"prompts.jsonl:1: {said}" in error.value.message


def test_one_row_for_each_text_is_what_somebody_wrote():
    row = Example(id="a", prompt="p", completion="Back at noon.")
    part = Example(prompt="q", completion="Back", augmented_from="a")
    drafts = [Example(task="rewrite", prompt=text, completion=row.completion, augmented_from="a") for text in ("x", "y")]
    edit = Example(task="rewrite", prompt="z", completion="back  at NOON.")
    other = Example(task="rewrite", prompt="z", completion="Closed.")
    assert written([edit, *drafts, row, part, other]) == [row, other]
    assert written([*drafts, edit, other]) == [drafts[0], other], "of a row that was left out, its draft has the text"


def test_the_key_of_a_row_without_an_id_tells_a_draft_from_its_row():
    records = [{"prompt": "p", "completion": "c"}, {"task": "rewrite", "prompt": "p", "completion": "c"}]
    keys = [Example.model_validate(record).key for record in records]
    assert keys[0] != keys[1] and keys == [record_key(record) for record in records]
