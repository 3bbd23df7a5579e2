import json
from pathlib import Path

import pytest

from pete.app.notify import Silent
from pete.app.pairs import make_pairs
from pete.config import Config
from pete.data.examples import load_examples
from pete.errors import DataError, UserError, WorkError
from pete.generate.pairs.filters import Refusal
from tests.bare_texts import GOOD, RULES, bare_persona, knows, subject_of
from tests.fake_judge import FakeJudge, serve
from tests.unit.generate.pairs.test_back_translate import by_subject


class Heard(Silent):
    def __init__(self) -> None:
        self.said: list[str] = []

    def message(self, text: str, level: str = "info") -> None:
        self.said.append(text)


@pytest.fixture
def persona(tmp_path: Path) -> Path:
    return bare_persona(tmp_path / "bea")


def config(persona: Path) -> Config:
    return Config.model_validate({"data": {"persona": str(persona)}, "engine": {"name": "fake"}, "model": {"base": "fake"}})


def rows(persona: Path) -> list[dict]:
    return [json.loads(line) for line in (persona / "examples" / "imported.jsonl").read_text().splitlines()]


def test_prompts_that_hold_go_into_the_rows_and_nothing_else_changes(persona):
    before, heard = rows(persona), Heard()
    with serve(FakeJudge(answers=lambda asked: "Write about Leeds." if subject_of(asked) == "piano" else knows(asked))) as fake:
        made = make_pairs(config(persona), heard, fake.url, "m", embed=by_subject, environ={})
        assert heard.said[0].startswith(f"6 questions go to {fake.url}/chat/completions on this machine, model m, without a key.")
    assert (made.texts, made.made, made.refused, made.asked) == (6, 5, {Refusal.INVENTED: 1}, 8)
    assert made.record()["refused"] == {"invented": 1} and made.record()["by_rule"] == 1
    after = rows(persona)
    for old, new in zip(before, after, strict=True):
        subject = old.get("topic")
        changed = {} if subject in (None, "piano") else {"prompt": GOOD[subject], "origin": "url:127.0.0.1 m"}
        assert new == {**old, **changed}
    assert not any("When do you open" in request["messages"][0]["content"] for request in fake.requests), "what has its message is not sent"
    load_examples([persona / "examples" / "imported.jsonl"])


def test_a_server_that_goes_away_leaves_what_was_made_and_is_asked_only_for_the_rest(persona):
    with serve(FakeJudge(answers=knows)) as fake:
        said = iter(range(100))

        def dying(asked: str) -> str:
            if next(said) == 3:
                fake.always = "wrong key"
            return knows(asked)

        fake.answers = dying
        with pytest.raises(WorkError, match="4 prompts are made and kept") as failure:
            make_pairs(config(persona), Silent(), fake.url, "m", embed=by_subject, environ={})
        assert "only for the rest" in failure.value.hint
        assert [row["origin"][:3] for row in rows(persona)] == ["url"] * 4 + ["rul"] * 2 + ["inc"]
        fake.always, fake.answers = "", knows
        fake.requests.clear()
        assert make_pairs(config(persona), Silent(), fake.url, "m", embed=by_subject, environ={}).made == 2 and len(fake.requests) == 2


def test_the_base_writes_noise_here_and_the_rows_keep_their_rules(persona):
    before = (persona / "examples" / "imported.jsonl").read_bytes()
    made = make_pairs(config(persona), Silent(), tries=1, embed=by_subject)
    assert made.by == "base:fake" and made.made == 0 and sum(made.refused.values()) == 6
    assert (persona / "examples" / "imported.jsonl").read_bytes() == before


def test_what_cannot_be_is_said_before_anything_is_asked(persona):
    for by, model, said in (
        ("ollama", None, "neither base nor an address"),
        ("base", "m", "--set model.base"),
        ("http://127.0.0.1:9", None, "--model"),
    ):
        with pytest.raises(UserError) as failure:
            make_pairs(config(persona), Silent(), by, model, embed=by_subject)
        assert said in failure.value.message + failure.value.hint
    path = persona / "examples" / "imported.jsonl"
    path.write_text(path.read_text().replace('"rule"', '"edited"'))
    with pytest.raises(DataError, match="No row of bea has a prompt by rule"):
        make_pairs(config(persona), Silent(), embed=by_subject)
    assert len(RULES) == 6 and not (persona / "written.jsonl").exists()
