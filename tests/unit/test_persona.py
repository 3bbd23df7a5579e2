import json
import re
import tomllib
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pytest

from pete.data.check import check_data, persona_prompts
from pete.data.checks.drafts import draft_findings
from pete.data.examples import Example, Question, load_examples, load_prompts, read_examples
from pete.data.text import sentences, words
from pete.errors import PersonaError
from pete.evaluate.scorers.formatting import refuse_unknown
from pete.generate.meaning.wording import strays
from pete.generate.request_parsing import RequestType
from pete.generate.rules import Validator
from pete.persona import Limit, Persona, PromptFormat, load_persona, plain_limits, set_prompt_format, write_prompt_format
from pete.resources import PERSONAS, PROJECT


def test_unknown_persona_lists_the_known():
    with pytest.raises(PersonaError) as error:
        load_persona("nobody")
    assert "pete-connor" in error.value.hint


def test_a_folder_is_a_persona(persona_folder):
    assert load_persona(str(persona_folder)).name == "Ada"


def test_problems_in_persona_toml_are_listed(persona_folder):
    (persona_folder / "persona.toml").write_text('name = ""\nshoe_size = 43\n')
    with pytest.raises(PersonaError) as error:
        load_persona(str(persona_folder))
    assert all(word in error.value.message for word in ("name", "shoe_size", "description", "categories"))


def test_limits_are_read_and_a_number_is_the_most(persona_folder):
    with (persona_folder / "persona.toml").open("a") as file:
        file.write('[limits.all]\nwords = 90\n[limits.marketing]\nfacts = 0.5\n[formats."subject lines"]\nitems = [2, 5]\n')
    persona = load_persona(str(persona_folder))
    assert persona.limits["all"].words == (0, 90) and persona.formats["subject lines"].items == (2, 5)
    assert persona.limits["marketing"].over(persona.limits["all"]) == Limit.model_validate({"words": 90, "facts": 0.5})
    assert plain_limits(persona.limits) == {"all": {"words": [0, 90]}, "marketing": {"facts": 0.5}}, "only what was said"


def test_a_persona_needs_no_limits(persona_folder):
    assert load_persona(str(persona_folder)).limits == {} == load_persona(str(persona_folder)).formats


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("[limits.all]\nwrods = 9\n", "limits.all.wrods: unknown, did you mean words?"),
        ("[formats.tagline]\nline_word = 9\n", "did you mean line_words?"),
        ("[limits.marketting]\nwords = 9\n", "limits.marketting: no such category, did you mean marketing?"),
        ("[limits.all]\nwords = [9, 3]\n", "the least comes first"),
        ("[limits.all]\nwords = -1\n", "limits.all.words"),
        ("[limits.all]\nfacts = 2\n", "limits.all.facts"),
        ("[formatz.tagline]\nwords = 9\n", "formatz: unknown, did you mean formats?"),
    ],
)
def test_a_rule_that_does_not_exist_is_named_with_the_nearest_that_does(persona_folder, lines, message):
    with (persona_folder / "persona.toml").open("a") as file:
        file.write(lines)
    with pytest.raises(PersonaError) as error:
        load_persona(str(persona_folder))
    assert message in error.value.message


BARE = 'name = "Ada"\ndescription = "Plain."\n[categories]\nmarketing = "Marketing"\n'


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('stop = ["END", ""]', "stop.1: '' would end every answer before it begins"),
        ('stop = ["\\n"]', "stop.0: '\\n' would end every answer"),
        ('stop = [" \\t"]', "would end every answer"),
        ('avoid = ["ok", " "]', "avoid.1: ' ' is blank, and would mark every word"),
        ('avoid = ["*"]', "avoid.0: '*' is blank"),
        ('avoid = ["* *"]', "is blank"),
        ('avoid = ["un*ing"]', "a * stands for any ending, and only at the end"),
    ],
)
def test_blank_strings_are_refused_by_line(persona_folder, line, message):
    path = persona_folder / "persona.toml"
    path.write_text(f"{line}\n{BARE}")
    with pytest.raises(PersonaError) as error:
        load_persona(str(persona_folder))
    assert "line 1: " in error.value.message and message in error.value.message


def test_strings_that_end_or_mark_something_are_read(persona_folder):
    path = persona_folder / "persona.toml"
    path.write_text('stop = ["\\n\\n", "###"]\navoid = ["\u2014", "unlock*"]\n' + BARE)
    assert load_persona(str(persona_folder)).stop == ("\n\n", "###")


def test_a_blank_word_that_asks_for_a_format(persona_folder):
    with (persona_folder / "persona.toml").open("a") as file:
        file.write('\n# more\n[formats."subject lines"]\nitems = 3\nasked = ["", "mail"]\n')
    with pytest.raises(PersonaError, match=r"line \d+: formats.subject lines.asked.0: '' is blank"):
        load_persona(str(persona_folder))


def test_a_byte_order_mark_is_read_and_kept_and_other_encodings_are_named(persona_folder):
    path = persona_folder / "persona.toml"
    text = path.read_text()
    path.write_bytes(b"\xef\xbb\xbf" + text.encode())
    persona = load_persona(str(persona_folder))
    write_prompt_format(persona, FORMAT)
    assert path.read_bytes().startswith(b"\xef\xbb\xbf") and load_persona(str(persona_folder)).prompt_format == FORMAT
    path.write_bytes(text.encode("utf-16"))
    with pytest.raises(PersonaError, match="not UTF-8 text"):
        load_persona(str(persona_folder))


def test_which_files_are_examples(persona_folder):
    place = persona_folder / "examples"
    for name in ("b.JSONL", "._b.jsonl", ".DS_Store", "a.json", "LICENSE", "README.md", "rows.jsonl.gz"):
        (place / name).write_text("")
    persona = load_persona(str(persona_folder))
    assert "b.JSONL" in [path.name for path in persona.examples] and not any(path.name.startswith(".") for path in persona.examples)
    assert persona.passed_over == ["a.json", "rows.jsonl.gz"]


def test_no_examples(persona_folder):
    for path in (persona_folder / "examples").iterdir():
        path.unlink()
    (persona_folder / "examples" / "rows.json").write_text("[]")
    with pytest.raises(PersonaError, match=r"has no examples.*; it holds rows.json"):
        load_persona(str(persona_folder))


@dataclass(frozen=True)
class Bundled:
    """A persona that ships, and what its data card says of it."""

    name: str
    each: int
    """Rows of every category."""
    prompts: int
    """Held-out prompts of every category."""
    words: tuple[int, int]
    """The shortest and the longest answer lie within."""
    talks: int
    """Rows that are conversations, at least."""

    @cached_property
    def persona(self) -> Persona:
        return load_persona(self.name)

    @cached_property
    def every_row(self) -> list[Example]:
        return load_examples(self.persona.examples)

    @property
    def rows(self) -> list[Example]:
        return [row for row in self.every_row if row.task == "write"]

    @cached_property
    def asked(self) -> list[Question]:
        return load_prompts(self.persona.prompts)


PETE = Bundled("pete-connor", each=150, prompts=20, words=(5, 165), talks=8)
TILDA = Bundled("tilda-moss", each=20, prompts=6, words=(8, 165), talks=6)


def said(text: str) -> list[str]:
    return re.findall(r"[\w'-]+", text.lower())


@pytest.mark.parametrize("one", [PETE, TILDA], ids=lambda one: one.name)
class TestTheBundledPersonas:
    def test_so_many_rows_and_prompts_of_every_category(self, one):
        assert {category: sum(row.category == category for row in one.rows) for category in one.persona.categories} == dict.fromkeys(
            one.persona.categories, one.each
        )
        assert Counter(prompt.category for prompt in one.asked) == dict.fromkeys(one.persona.categories, one.prompts)
        assert sum(len(row.turns) > 2 for row in one.rows) >= one.talks

    def test_an_editor_finds_nothing(self, one):
        found = check_data(one.persona, read_examples(one.persona.examples), persona_prompts(one.persona))
        assert {finding.kind for finding in found} <= {"private: name"}, "the names of people who do not exist"

    def test_lengths_vary_and_openings_do_not_repeat(self, one):
        words = sorted(len(said(row.completion)) for row in one.rows)
        assert one.words[0] <= words[0] and words[-1] <= one.words[1] and words[-1] > 4 * words[0]
        openings = Counter((Path(row.source).name.partition(":")[0], *said(row.completion)[:2]) for row in one.rows)
        assert [opening for opening, count in openings.items() if count > 1] == []

    def test_no_two_answers_share_seven_words(self, one):
        first: dict[tuple[str, ...], str] = {}
        shared = []
        for row in one.rows:
            words = said(row.completion)
            for span in {tuple(words[i : i + 7]) for i in range(len(words) - 6)}:
                if first.setdefault(span, row.id) != row.id:
                    shared.append((first[span], row.id, " ".join(span)))
        assert shared == []

    def test_held_out_prompts_share_no_topic_with_the_examples(self, one):
        topics = {row.topic.lower() for row in one.rows}
        assert [p.id for p in one.asked if p.topic.lower() in topics] == []
        asked = {row.prompt for row in one.rows}
        assert [p.id for p in one.asked if p.prompt in asked] == []

    def test_the_checks_of_its_prompts_can_be_run(self, one):
        refuse_unknown({f"prompt {p.id}": p.checks for p in one.asked})
        assert sum(bool(p.checks or p.facts) for p in one.asked) >= 0.9 * len(one.asked)

    def test_the_rows_keep_to_its_own_limits(self, one):
        validator = Validator(one.persona.limits, one.persona.formats, one.persona.avoid)
        kinds = [RequestType(row.category, row.format) for row in one.rows]
        flagged = [row.id for row, kind in zip(one.rows, kinds, strict=True) if validator.check(row.completion, row.prompt, kind)]
        assert len(flagged) <= len(one.rows) / 50, flagged

    def test_no_tics_of_the_trade(self, one):
        for row in one.rows:
            assert "#" not in row.completion and not re.search(r"\[[A-Za-z ]+\]", row.completion), row.id
            assert not re.search("[\U0001f300-\U0001faff]", row.completion), row.id

    def test_ids_are_unique(self, one):
        ids = [json.loads(line)["id"] for path in one.persona.examples for line in path.read_text(encoding="utf-8").splitlines()]
        assert len(ids) == len(set(ids)) == len(one.every_row)

    def test_has_a_data_card(self, one):
        card = (PROJECT / "personas" / one.name / "README.md").read_text(encoding="utf-8")
        assert "licen" in card.lower() and "written" in card.lower()
        assert f"{len(one.rows)} rows" in card and f"{len(one.asked)} held-out prompts" in card


def test_every_row_of_the_first_has_a_close_draft_a_light_one_and_one_or_two_of_other_kinds():
    texts = {row.id: row.completion for row in PETE.rows}
    drafts = [row for row in PETE.every_row if row.task == "rewrite"]
    assert all(row.completion == texts[row.augmented_from] for row in drafts), "the author's text, to the letter"
    kept = [row for row in drafts if row.draft_kind != "light"]
    counts = Counter(Counter(row.augmented_from for row in kept)[id] for id in texts)
    assert counts == {2: 225, 3: 225} and {row.origin for row in drafts} == {"a language model, to a brief"}
    kinds = Counter(row.draft_kind for row in drafts)
    assert kinds.keys() == {"light", "close", "plain", "polished", "notes", "dictated"} and min(kinds.values()) >= 30
    assert kinds["close"] == len(texts) == kinds["light"] + 30, (
        "what nothing plain can be a light edit for: lists of names, taglines, a signed letter"
    )
    light = [row for row in drafts if row.draft_kind == "light"]
    assert sum(len(words(row.completion)) for row in light) > 0.88 * sum(len(words(row.prompt)) for row in light), (
        "wordy ones teach to delete"
    )
    pairs = [pair for row in light for pair in zip(sentences(row.prompt), sentences(row.completion), strict=True)]
    changed = [(draft, text) for draft, text in pairs if words(draft) != words(text)]
    assert len(changed) > 0.9 * len(pairs) and [pair for pair in changed if strays(*pair)] == [], "the guard lets the text stand, all of it"
    assert [prompt.id for prompt in PETE.asked if not prompt.drafts] == [], "held-out drafts for every prompt"
    said = draft_findings(drafts)
    assert not [one for one in said if one.kind != "uneven draft"] and sum(one.count for one in said) < len(drafts) / 50


def test_the_second_voice_is_not_the_first():
    assert not PETE.persona.categories.keys() & TILDA.persona.categories.keys()
    assert not {row.topic for row in PETE.rows} & {row.topic for row in TILDA.rows}
    signed = [row for row in TILDA.rows if row.format == "email"]
    assert len(signed) > 20 and [row.id for row in signed if not row.completion.endswith("\n\nTilda")] == []
    assert sum("!" in row.completion for row in TILDA.rows) == 2, "where a child was born"


def test_every_persona_that_ships_is_looked_at():
    assert {path.parent.name for path in PERSONAS.glob("*/persona.toml")} == {PETE.name, TILDA.name}


# --- [prompt_format] ------------------------------------------------------------------------------------------------------

TABLE = '[prompt_format]\n# how a request is put before the model; written by pete prompts try\nsystem = ""\nshots = 1\nlength = true\n'
FORMAT = PromptFormat.model_validate({"system": "", "shots": 1, "length": True})


def test_a_persona_says_how_it_is_asked_and_what_it_cannot_say_is_named(persona_folder):
    assert load_persona(str(persona_folder)).prompt_format == PromptFormat(), "nothing: as in training"
    path = persona_folder / "persona.toml"
    text = path.read_text()
    path.write_text(text + TABLE)
    assert load_persona(str(persona_folder)).prompt_format == FORMAT
    for lines, message in (("shorts = 1", "prompt_format.shorts: unknown, did you mean shots?"), ("shots = 9", "prompt_format.shots")):
        path.write_text(f"{text}[prompt_format]\n{lines}\n")
        with pytest.raises(PersonaError, match=re.escape(message)):
            load_persona(str(persona_folder))


def test_writing_keeps_every_other_byte_and_can_be_undone():
    text = (PROJECT / "personas" / "pete-connor" / "persona.toml").read_text(encoding="utf-8")
    changed = set_prompt_format(text, FORMAT)
    assert changed == text.rstrip() + "\n\n" + TABLE
    assert set_prompt_format(changed, FORMAT) == changed
    assert set_prompt_format(changed, PromptFormat()).rstrip() == text.rstrip()


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize(
    "old",
    [
        "[prompt_format]\nshots = 3\n",
        "[ prompt_format ]  # mine\n# why\nshots = 3 # many\n\nform = true\n",
        'x = 1\n[prompt_format]\nsystem = """\n[not a table]\n# not a comment\n"""\nshots = 3\n',
        '[other]\ntext = """\n[prompt_format]\nshots = 2\n"""\n[prompt_format]\nshots = 3\n',
    ],
)
@pytest.mark.parametrize("after", ["", "\n# about limits\n[limits.all] # c\nwords = 9\n", "[prompt_format_not]\nz = [\n  [1],\n]\n"])
def test_a_table_that_is_there_is_replaced_where_it_stands(old, after, newline):
    text = ("# head\na = 1\n" + old + after).replace("\n", newline)
    changed = set_prompt_format(text, FORMAT)
    before = text[: text.rindex("[prompt_format]" if "[prompt_format]" in old else "[ prompt_format ]")]
    assert changed == before + (TABLE + after).replace("\n", newline)
    assert tomllib.loads(changed) == tomllib.loads(text) | {"prompt_format": {"system": "", "shots": 1, "length": True}}
    assert "prompt_format" not in tomllib.loads(set_prompt_format(text, PromptFormat()))


def test_text_of_any_kind_survives_being_written():
    odd = 'Say "so".\nThen \\ tab\t \x7f \u2028 \U0001f600 {% if %}'
    prompt_format = PromptFormat.model_validate({"system": odd, "template": odd})
    assert tomllib.loads(set_prompt_format("", prompt_format))["prompt_format"] == {"system": odd, "template": odd}


@pytest.mark.parametrize("line", ["prompt_format = {shots = 1}\n", "prompt_format.shots = 1\n"])
def test_a_prompt_format_in_another_spelling_is_left_to_its_author(persona_folder, line):
    path = persona_folder / "persona.toml"
    path.write_text(line + path.read_text())
    before = path.read_bytes()
    with pytest.raises(PersonaError, match="otherwise than in a table") as error:
        write_prompt_format(load_persona(str(persona_folder)), FORMAT)
    assert "shots = 1" in error.value.hint and path.read_bytes() == before


def test_the_earlier_name_of_the_table_is_refused_with_the_new_one(persona_folder):
    path = persona_folder / "persona.toml"
    path.write_text(path.read_text() + "[asking]\nshots = 1\n")
    with pytest.raises(PersonaError, match=r"line \d+: asking: this table is called \[prompt_format\] now"):
        load_persona(str(persona_folder))


def test_writing_goes_through_a_link_and_is_read_back(persona_folder, tmp_path):
    path = persona_folder / "persona.toml"
    kept = path.rename(tmp_path / "kept.toml")
    path.symlink_to(kept)
    assert write_prompt_format(load_persona(str(persona_folder)), FORMAT) == kept
    assert path.is_symlink() and load_persona(str(persona_folder)).prompt_format == FORMAT
