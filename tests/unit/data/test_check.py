import json
import time
from pathlib import Path

import pytest

from pete.config import DataConfig
from pete.data.check import check_data, check_examples, check_rows, persona_prompts, refuse_errors
from pete.data.checks.prompts import trained_prompts
from pete.data.examples import Example, Question, read_examples
from pete.data.split import split_rows
from pete.errors import DataError
from pete.persona import Persona, load_persona

VOICE = {"name": "Ada", "description": "Plain.", "categories": {"marketing": "Marketing", "service": "Service"}, "folder": Path()}


def voice(**more: object) -> Persona:
    return Persona.model_validate(VOICE | more)


def rows(*texts: str | tuple[str, str], **fields: str) -> list[Example]:
    pairs = [text if isinstance(text, tuple) else ("?", text) for text in texts]
    made = {"category": "marketing"} | fields
    return [
        Example.model_validate({"prompt": p, "completion": c, "source": f"/d/f.jsonl:{n}", **made}) for n, (p, c) in enumerate(pairs, 1)
    ]


def found(examples: list[Example], **more: object) -> dict[str, tuple[int, tuple[tuple[str, str], ...]]]:
    return {f.kind: (f.count, f.examples) for f in check_examples(examples, voice(**more))}


def test_a_kind_is_one_line_however_many_rows_have_it():
    (finding,) = check_examples(rows(*[f"Unlocking {n}." for n in range(1000)]), voice(avoid=["unlock*"]))
    assert (finding.kind, finding.count, len(finding.examples)) == ("avoid", 1000, 3)
    assert finding.in_words() == (
        "1,000 answers use what persona.toml says to avoid: f.jsonl:1 ('Unlocking'), f.jsonl:2 ('Unlocking'), f.jsonl:3 ('Unlocking')"
        " and 997 more"
    )
    (one,) = check_examples(rows("Unlocking."), voice(avoid=["unlock*"]))
    assert one.in_words() == "1 answer uses what persona.toml says to avoid: f.jsonl:1 ('Unlocking')"


def test_repeats():
    assert found(rows("Same  words.", "other", "same words."))["repeated answer"] == (1, (("/d/f.jsonl:3", "as in f.jsonl:1"),))


@pytest.mark.parametrize("mark", ["<|im_end|>", "[INST]", "</s>", "<start_of_turn>user", "### Response:"])
@pytest.mark.parametrize("where", [0, 1])
def test_rows_that_were_put_into_a_template_before(mark, where):
    texts = ["a", "b"]
    texts[where] = f"a\n{mark} b"
    assert found(rows(("a", "b"), (texts[0], texts[1])))["control marks"][1][0][0] == "/d/f.jsonl:2"


def test_another_turn_is_a_mark_in_an_answer_and_may_be_quoted_in_a_prompt():
    assert found(rows(("User: hi\nSummarise it.", "b"))) == {}
    assert found(rows(("a", "b\nUser: and then?")))["control marks"][0] == 1


def test_wrecks_blanks_and_pages():
    kinds = found(rows("It\u00e2\u20ac\u2122s", "don\ufffdt", "Dear [NAME],", "&amp; so on", ("For {{company}}", "x"), "TODO"))
    assert {kind: count for kind, (count, _) in kinds.items()} == {
        "broken characters": 2, "markup": 1, "unfilled template": 2, "blanks": 1,
    }  # fmt: skip
    assert kinds["broken characters"][1][0][1] == repr("It\u00e2\u20ac\u2122s")


def test_a_blank_that_is_wanted():
    assert found(rows(("Begin with 'Dear [name]'.", "Dear [name],"))) == {}
    assert found(rows("Dear [name],"), limits={"marketing": {"placeholders": True}}) == {}


def test_categories_are_a_line_each_way_and_none_where_no_row_has_one():
    bare = [row.model_copy() for row in rows(*"abc")]
    for row in bare:
        row.__pydantic_fields_set__.discard("category")
    assert found(bare) == {}, "prompt and completion are all a row needs"
    assert found([*rows("x"), *bare])["no category"][0] == 3
    (finding,) = check_examples(rows(*"abc", category="cooking"), voice())
    assert finding.kind == "unknown category" and "'cooking' 3" in finding.message and "marketing, service" in finding.message


def test_a_stop_string_in_the_answers():
    assert found(rows("One. Two."), stop=[". "])["stop"] == (1, (("/d/f.jsonl:1", "'. '"),))
    assert found(rows("One."), stop=["\nQ:"]) == {} and found(rows("Q: One."), stop=["\nQ:"])["stop"][0] == 1


def test_prompts_of_the_evaluation_that_are_trained():
    examples = rows(("Ask this.", "a"), ("And  \u201cthat\u201d", "b"), ("held", "c"))
    examples[2] = examples[2].model_copy(update={"split": "test"})
    prompts = [
        Question.model_validate({"prompt": p, "source": f"/d/prompts.jsonl:{n}"})
        for n, p in enumerate(("ask this.", 'and "that"', "held", "new"), 1)
    ]
    (finding,) = trained_prompts(prompts, examples)
    assert finding.count == 2 and finding.examples[0] == ("/d/prompts.jsonl:1", "as in f.jsonl:1")


def write(folder: Path, name: str, *records: object) -> None:
    (folder / name).write_text("".join(json.dumps(record) + "\n" for record in records))


def test_what_the_files_alone_show(persona_folder):
    place = persona_folder / "examples"
    write(
        place, "MORE.JSONL", {"prompt": "a", "completion": "more", "input": "the order", "url": "x", "catagory": "service", "source": "a:1"}
    )
    write(place, "own.jsonl", {"prompt": "a", "completion": "own", "mood": 3, "weight": 0.5, "source": "mine", "input": ""})
    write(place, "._own.jsonl", "\x00")
    write(place, "old.json", 1)
    write(place, "README.md", 1)
    (place / "sub").mkdir()
    write(persona_folder, "prompts.jsonl", {"prompt": "new", "fact": ["3"]})
    persona = load_persona(str(persona_folder))
    read = read_examples(persona.examples)
    assert {row.completion for row in read.rows} >= {"more", "own"}
    lines = [f.in_words() for f in check_data(persona, read, persona_prompts(persona))]
    assert "examples/ also holds old.json, sub/: not read, rows come from *.jsonl" in lines
    (line,) = (line for line in lines if "in MORE.JSONL" in line)
    assert "catagory (did you mean category?), input in MORE.JSONL: not used" in line and "url too: passed over" in line
    assert any(line.startswith("mood, source, weight in own.jsonl: passed over: own.jsonl:1 (mood)") for line in lines)
    assert any("fact (did you mean facts?) in prompts.jsonl" in line for line in lines)


def test_a_system_line_with_a_mark():
    persona = voice(system="<|im_start|>system\nYou are Ada.")
    assert [f.kind for f in check_data(persona, read_examples([]), None)] == ["system line"]


def test_numbers_and_nulls_of_a_database(tmp_path):
    write(
        tmp_path,
        "rows.jsonl",
        {"prompt": "a", "completion": "b", "id": 7, "topic": None, "category": 2.0, "format": float("nan"), "split": None},
    )
    (row,) = read_examples([tmp_path / "rows.jsonl"]).rows
    assert (row.id, row.topic, row.category, row.format, row.split) == ("7", "", "2", "", None)


@pytest.mark.parametrize("name", ["id", "topic", "category", "format", "group"])
def test_half_an_emoji_in_any_field(tmp_path, name):
    from pete.errors import DataError

    write(tmp_path, "rows.jsonl", {"prompt": "a", "completion": "b", name: "x\ud83d"})
    with pytest.raises(DataError, match=f"rows.jsonl:1: {'topic' if name == 'group' else name}: a lone surrogate"):
        read_examples([tmp_path / "rows.jsonl"])


def test_many_rows_are_checked_in_time_that_grows_with_their_number(tmp_path):
    persona = load_persona("pete-connor")

    def seconds(count: int) -> float:
        examples = rows(
            *[(f"Ask {n} about the kettle.", f"Answer {n}. " + "The kettle is on its way, and so is the tea. " * 5) for n in range(count)]
        )
        start = time.process_time()
        check_examples(examples, persona)
        return time.process_time() - start

    few, many = min(seconds(500) for _ in range(3)), seconds(4000)
    assert many < 8 * few * 3


ERRORS = {
    "unfilled template": ("Dear *|FNAME|*, it is here.", "Dear you, it is 100% here."),
    "prompt is answer": ("?", "? It is."),
}


@pytest.mark.parametrize("kind", ERRORS)
def test_an_error_and_what_is_nearly_one(kind):
    bad, good = ERRORS[kind]
    assert [f.severity for f in check_examples(rows(bad), voice()) if f.kind == kind] == ["error"]
    assert kind not in found(rows(good))
    with pytest.raises(DataError, match="cannot be trained on as it is") as raised:
        refuse_errors(check_examples(rows(bad), voice()))
    assert "f.jsonl:1" in raised.value.message
    refuse_errors(check_examples(rows(good, "TODO"), voice()))


def test_a_template_that_is_asked_for_is_meant_so():
    assert found(rows(("A mail with {{first_name}}, please.", "Dear {{first_name}},"))) == {}
    assert found(rows("Dear {{first_name}},"), limits={"all": {"placeholders": True}}) == {}
    assert "unfilled template" in found(rows(("A mail to {{first_name}}, please.", "Dear Ada,")))


def test_what_is_private_is_counted_by_kind_and_never_told():
    secret = "sk-" + "4f9Kd02mQx7LpZ3vT8cYb1Ng6Rw5Hs0J"
    texts = [f"Use {secret} and ring +49 30 23125 014.", "Ring +49 30 23125 015, or 030 23125 016.", "Order 4711-2024-0099812."]
    findings = check_rows(rows(*texts), voice())
    told = {f.kind: f.count for f in findings if f.kind.startswith("private")}
    assert told == {"private: key": 1, "private: phone": 2}
    words = " ".join(f.in_words() for f in findings)
    assert "23125" not in words and secret[3:9] not in words and "--redact" in words


def test_no_finding_tells_what_is_private():
    key = "sk-" + "4f9Kd02mQx7LpZ3vT8cYb1Ng6Rw5Hs0J"
    findings = check_rows(
        rows((key, key), (f"a {key}", f"#{key} #x"), ("b", f"<|im_end|> {key} and the " + "word " * 40 + f"{key},")), voice()
    )
    assert {"prompt is answer", "no ending"} <= {f.kind for f in findings}
    assert key[6:14] not in str([(f.message, f.examples) for f in findings])


def test_rows_of_nobodys_persona_are_checked_on_their_own_terms():
    examples = rows("Unlocking it.", category="cooking")
    assert check_rows(examples, None) == []
    assert {f.kind for f in check_rows(examples, voice(avoid=["unlock*"]))} == {"unknown category", "avoid"}


def test_the_bundled_persona_passes():
    persona = load_persona("pete-connor")
    read = read_examples(persona.examples)
    findings = check_data(persona, read, persona_prompts(persona), split_rows(read.rows, DataConfig()))
    assert not [f.in_words() for f in findings if f.severity == "error"]
    assert {f.kind for f in findings} <= {"private: name"}, "no false alarm"


def test_machine_style_is_said_of_a_share_of_the_answers():
    machine = "It\u2019s not just a kettle, it\u2019s a commitment to mornings. Moreover, we ensure a seamless pour."
    few = rows(*[f"Number {n} is on its way." for n in range(97)], *[f"{machine} {n}" for n in range(2)])
    assert not [f for f in check_rows(few, voice()) if f.kind == "machine style"]
    (finding,) = (f for f in check_rows([*few, *rows(*[f"{machine} {n}" for n in range(5, 9)])], voice()) if f.kind == "machine style")
    assert finding.count == 6 and "6 answers of 103" in finding.message and "no proof" in finding.message


def test_ten_times_the_rows_take_ten_times_as_long():
    """Near-duplicates, endings, private data: everything that is new since rows were counted in dozens."""

    def seconds(count: int) -> float:
        examples = rows(
            *[
                (f"Ask {n} about order {n * 7}.", f"Answer {n}. " + f"The kettle {n} is on its way by {n % 24}:00, on foot. " * 5)
                for n in range(count)
            ]
        )
        start = time.process_time()
        check_rows(examples, voice())
        return time.process_time() - start

    seconds(10)
    few, many = min(seconds(200) for _ in range(3)), seconds(2000)
    assert many < 10 * few * 3


def test_what_is_wrong_with_a_text_is_said_once_and_not_again_of_its_drafts():
    text = "As an AI language model, I don\u00e2\u20ac\u2122t sleep, and I say so on every page that anybody has ever asked me to write for"
    row = Example(id="a", prompt="Write a note.", completion=text, source="f:1")
    drafts = [
        Example(task="rewrite", prompt=f"{kind}: machines need no rest at night.", completion=text, augmented_from="a", source=f"f:{kind}")
        for kind in ("plain", "notes")
    ]
    alone, beside = (check_examples(rows, None) for rows in ([row], [row, *drafts]))
    assert alone == beside and {"broken characters", "assistant phrase"} <= {finding.kind for finding in alone}
    (found,) = check_examples([drafts[0].model_copy(update={"prompt": "<|im_start|>user Machines do not sleep."})], None)
    assert found.kind == "control marks", "the draft itself is looked at"
