"""pete data pairs through the real command line, with a writer behind an address and the real sentence model."""

import json
from pathlib import Path

import pytest

from tests.bare_texts import GOOD, bare_persona, knows, subject_of
from tests.draft_texts import knows_drafts
from tests.fake_judge import FakeJudge, serve
from tests.pipeline.conftest import FAKE


@pytest.fixture
def persona(tmp_path: Path) -> Path:
    return bare_persona(tmp_path / "bea [b]")


def test_a_writer_behind_an_address(persona: Path, pete):
    with serve(FakeJudge(answers=lambda asked: "As an AI." if subject_of(asked) == "piano" else knows(asked))) as fake:
        done = pete("data", "pairs", "--persona", persona, "--by", fake.url, "--model", "m", "--json", PETE_PAIRS_KEY="k" * 12)
        assert done.returncode == 0, done.stderr
        made = json.loads(done.stdout)
        assert (made["texts"], made["made"], made["by"]) == (6, 5, "url:127.0.0.1 m") and made["refused"] == {"about": 1}
        assert f"6 questions go to {fake.url}/chat/completions on this machine, model m, with the key in PETE_PAIRS_KEY" in done.stderr
        assert fake.headers[0]["Authorization"] == "Bearer " + "k" * 12
    rows = [json.loads(line) for line in (persona / "examples" / "imported.jsonl").read_text().splitlines()]
    assert {row["topic"]: row["prompt"] for row in rows if row["origin"] != "rule" and "topic" in row} == {
        s: p for s, p in GOOD.items() if s != "piano"
    } and rows[4]["origin"] == "rule"


def test_without_an_address_nothing_is_sent_and_a_name_alone_is_refused(persona: Path, pete):
    done = pete("data", "pairs", "--persona", persona, *FAKE[:4], "--tries", "1")
    assert (
        done.returncode == 0
        and "nothing is sent anywhere" in done.stdout
        and "0 of 6 texts have a prompt by fake" in done.stdout
        and "pete data review --persona" in done.stdout
    )
    wrong = pete("data", "pairs", "--persona", persona, "--by", "http://127.0.0.1:9/v1")
    assert wrong.returncode == 2 and "--model NAME" in wrong.stderr
    theirs = pete("data", "pairs", "--persona", persona, "--by", "http://example.com/v1", "--model", "m")
    assert theirs.returncode == 2 and "unencrypted" in theirs.stderr


def test_drafts_of_texts_become_rows_of_rewriting(persona: Path, pete):
    with serve(FakeJudge(answers=lambda asked: "No." if "a piano" in asked or "own cup" in asked else knows_drafts(asked))) as fake:
        words = ("data", "pairs", "--task", "rewrite", "--kind", "plain", "--kind", "notes", "--tries", "1", "--persona", persona)
        done = pete(*words, "--by", fake.url, "--model", "m", *FAKE[:6], PETE_PAIRS_KEY="k" * 12)
        assert done.returncode == 0, done.stderr
        assert "14 questions go to" in done.stdout and "10 drafts by 127.0.0.1 m, of 14 wanted for 7 texts" in done.stdout
        assert "4 drafts refused" in done.stdout or "refused" in done.stdout
        assert "--task rewrite" in done.stdout.splitlines()[-1]
        made = json.loads(pete(*words, "--by", fake.url, "--model", "m", *FAKE[:6], "--json", PETE_PAIRS_KEY="k" * 12).stdout)
        assert (made["made"], made["asked"], made["passed"]) == (0, 0, {"there": 5}) and sum(made["refused"].values()) == 4
    rows = [json.loads(line) for line in (persona / "examples" / "rewrite.jsonl").read_text().splitlines()]
    assert len(rows) == 10 and {row["task"] for row in rows} == {"rewrite"}
    assert pete("data", "check", "--persona", persona, *FAKE[:6]).returncode == 0
    wrong = pete("data", "pairs", "--persona", persona, "--kind", "plain")
    assert wrong.returncode == 2 and "--task rewrite" in wrong.stderr
