import json
from pathlib import Path

import pytest

from pete.config import Config
from pete.errors import UserError, WorkError
from pete.generate.pairs.writers import KEY, AddressWriter, BaseWriter, Kept
from tests.fake_judge import FakeJudge, serve

SECRET = "sk-canary-3141592653589793"
FAKE = Config.model_validate({"engine": {"name": "fake"}, "model": {"base": "fake"}, "generate": {"max_new_tokens": 8}})


def test_a_base_answers_each_and_leaves_what_is_too_long():
    writer = BaseWriter(FAKE)
    questions = ["Say something.", "x" * 5000, *["Say more."] * 9]
    first = list(writer.ask(questions, 1))
    assert writer.origin == "base:fake" and len(first) == 11 and first[1] == "" and all(first[0:1] + first[2:])
    assert list(writer.ask(questions, 1)) == first and list(writer.ask(questions, 2)) != first
    assert "nothing is sent anywhere" in writer.announcement(questions)


def test_a_base_in_a_folder_is_named_without_the_way_there(tmp_path):
    from pete.generate.pairs.writers import _public

    (tmp_path / "my base").mkdir()
    assert _public(str(tmp_path / "my base")) == "my base" and _public("EleutherAI/pythia-1.4b") == "EleutherAI/pythia-1.4b"


def test_an_address_is_announced_with_what_goes_there_and_the_key_stays_out_of_it():
    writer = AddressWriter.of("https://api.example.com", "big", {KEY: SECRET})
    said = writer.announcement(["1234", "5678"])
    assert "2 questions go to https://api.example.com/v1/chat/completions, model big, with the key in PETE_PAIRS_KEY" in said
    assert "8 characters" in said and SECRET not in said and writer.origin == "url:api.example.com big"
    assert " on this machine," in AddressWriter.of("http://127.0.0.1:1", "m", {}).announcement([])
    assert " unencrypted," in AddressWriter.of("http://studio.local:1", "m", {}).announcement([])


@pytest.mark.parametrize(("url", "model", "said"), [
    ("https://a.example.com", None, "--by https://a.example.com --model NAME"),
    ("https://a.example.com", " ", "--model NAME"),
    ("http://a.example.com", "m", "unencrypted"),
])  # fmt: skip
def test_what_cannot_be_asked_is_refused_before_anything_is_sent(url, model, said):
    with pytest.raises(UserError) as failure:
        AddressWriter.of(url, model, {})
    assert said in failure.value.message + failure.value.hint


def test_an_address_is_asked_in_turn_and_a_refusal_names_the_writer():
    with serve(FakeJudge(answers=lambda asked: asked.upper())) as fake:
        writer = AddressWriter.of(fake.url, "m", {KEY: SECRET})
        assert list(writer.ask(["a", "b"], 1)) == ["A", "B"] and [r["model"] for r in fake.requests] == ["m", "m"]
        fake.always = "wrong key"
        with pytest.raises(WorkError, match="The writer at") as failure:
            list(writer.ask(["c"], 1))
    assert SECRET not in failure.value.message + failure.value.hint and KEY in failure.value.hint


class Counting:
    """A writer that says how often it was asked, and stops answering after a while."""

    origin = "test"

    def __init__(self, most: int = 100) -> None:
        self.most, self.questions = most, list[str]()

    def announcement(self, questions):
        return f"{len(questions)} asked"

    def ask(self, questions, attempt):
        for question in questions:
            if len(self.questions) == self.most:
                raise WorkError("It is gone.")
            self.questions.append(question)
            yield f"{question} {attempt} {len(self.questions)}"


def test_answers_are_kept_as_they_come_and_only_the_rest_is_asked(tmp_path: Path):
    path = tmp_path / "written.jsonl"
    first = Kept(Counting(2), path)
    assert first.announcement(["a", "b", "c"]) == "3 asked"
    with pytest.raises(WorkError):
        list(first.ask(["a", "b", "c"], 1))
    with path.open("a") as file:
        file.write('{"asked": "torn')
    again = Counting()
    second = Kept(again, path)
    assert second.announcement(["a", "b", "c"]) == "1 asked 2 answers are on disk from an earlier time."
    assert list(second.ask(["a", "b", "c", "c"], 1)) == ["a 1 1", "b 1 2", "c 1 1", "c 1 1"] and again.questions == ["c"]
    assert second.announcement(["a", "c"], 2) == "2 asked 2 answers are on disk from an earlier time.", "each attempt counts"
    assert list(second.ask(["a"], 2)) == ["a 2 2"] and second.asked == 2
    third = Kept(Counting(0), path)
    assert list(third.ask(["c", "a"], 1)) == ["c 1 1", "a 1 1"] and "nothing is asked at first" in third.announcement(["a"])
    assert all(json.loads(line) for line in path.read_text().split("\n") if line and "torn" not in line)


def test_another_writers_answers_are_not_taken_for_ones_own(tmp_path: Path):
    path = tmp_path / "written.jsonl"
    list(Kept(Counting(), path).ask(["a"], 1))
    other = Counting()
    other.origin = "another"
    assert list(Kept(other, path).ask(["a"], 1)) == ["a 1 1"] and other.questions == ["a"]
