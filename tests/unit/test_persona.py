import json
import re

import pytest

from pete.config import PROJECT
from pete.data.examples import check_examples, load_examples, load_prompts
from pete.errors import PersonaError
from pete.persona import Limit, load_persona, plain_limits


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


def test_no_examples(persona_folder):
    for path in (persona_folder / "examples").iterdir():
        path.unlink()
    with pytest.raises(PersonaError, match="has no examples"):
        load_persona(str(persona_folder))


class TestTheBundledPersona:
    persona = load_persona("pete-connor")
    rows = load_examples(persona.examples)

    def test_enough_rows_of_every_category_and_twenty_prompts(self):
        prompts = load_prompts(self.persona.prompts)
        for category in ("marketing", "copywriting", "customer_service"):
            assert sum(row.category == category for row in self.rows) >= 60
            assert sum(prompt.category == category for prompt in prompts) == 20

    def test_an_editor_finds_nothing(self):
        assert check_examples(self.rows, self.persona.categories, self.persona.avoid) == []

    def test_lengths_vary_and_openings_do_not_repeat(self):
        words = sorted(len(re.findall(r"[\w'-]+", row.completion)) for row in self.rows)
        assert words[0] <= 8 and words[-1] >= 150 and words[-1] <= 190
        openings = [" ".join(re.findall(r"[\w'-]+", row.completion.lower())[:3]) for row in self.rows]
        assert max(openings.count(opening) for opening in set(openings)) <= 2

    def test_held_out_prompts_share_no_topic_with_the_examples(self):
        topics = {row.topic.lower() for row in self.rows}
        prompts = load_prompts(self.persona.prompts)
        assert len(prompts) == 60 and not [p.id for p in prompts if p.topic.lower() in topics]
        asked = {row.prompt for row in self.rows}
        assert not [p.id for p in prompts if p.prompt in asked]

    def test_no_tics_of_the_trade(self):
        for row in self.rows:
            assert "#" not in row.completion and not re.search(r"\[[A-Za-z ]+\]", row.completion), row.id
            assert not re.search("[\U0001f300-\U0001faff]", row.completion), row.id

    def test_ids_are_unique(self):
        ids = [json.loads(line)["id"] for path in self.persona.examples for line in path.read_text().splitlines()]
        assert len(ids) == len(set(ids)) == len(self.rows)

    def test_has_a_data_card(self):
        card = (PROJECT / "personas" / "pete-connor" / "README.md").read_text()
        assert "licen" in card.lower() and "written" in card.lower()
