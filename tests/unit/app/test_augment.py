import json
from collections import Counter
from pathlib import Path

import pytest

from pete.app.augment import Request, augment, remove
from pete.app.notify import Silent
from pete.config import Config
from pete.data.augment.rows import kind_of
from pete.data.examples import load_examples, written
from pete.data.split import split_rows
from pete.errors import UserError
from pete.persona import load_persona
from tests.fake_judge import FakeJudge, serve

SUBJECTS = (
    "rain", "kettles", "buses", "aunts", "cheese", "maps", "vans", "tea", "boots", "lamps",
    "clocks", "gardens", "bakers", "boats", "roofs", "shoes", "stairs", "pianos", "umbrellas", "plums",
)  # fmt: skip


@pytest.fixture
def persona(tmp_path: Path) -> Path:
    folder = tmp_path / "ada"
    (folder / "examples").mkdir(parents=True)
    (folder / "persona.toml").write_text('name = "Ada"\ndescription = "Plain."\n[categories]\npost = "Posts"\nmail = "Mail"\n')
    rows = [
        {"id": f"p{n}", "category": "post", "topic": s, "prompt": f"Write a post about {s}. About 8 words.",
         "completion": f"On {s} I have nothing to add, today.", "origin": "rule"}
        for n, s in enumerate(SUBJECTS)
    ] + [
        {"id": f"m{n}", "category": "mail", "topic": f"mail {s}", "prompt": f"Hello, my order 12{n} of {s} is late. Where is it?",
         "completion": f"Your {s} are on the van.", "origin": "incoming message"}
        for n, s in enumerate(SUBJECTS)
    ]  # fmt: skip
    (folder / "examples" / "imported.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


def config(persona: Path) -> Config:
    return Config.model_validate({"data": {"persona": str(persona)}, "engine": {"name": "fake"}, "model": {"base": "fake"}})


def splits(persona: Path):
    return split_rows(load_examples(load_persona(str(persona)).examples), config(persona).data)


def test_drafts_are_not_augmented_and_not_taken_out_with_what_is(persona):
    drafts = persona / "examples" / "rewrite.jsonl"
    row = {"task": "rewrite", "draft_kind": "plain", "category": "post", "origin": "paraphrase: no such thing"}
    row |= {"prompt": "About rain I say nothing.", "completion": "On rain I have nothing to add, today."}
    drafts.write_text(json.dumps({**row, "id": "p0-plain", "augmented_from": "p0"}) + "\n")
    (persona / "edits.jsonl").write_text(json.dumps({"draft": "Order is late.", "final": "Your order is on the van, slowly."}) + "\n")
    before = drafts.read_bytes()
    made = augment(config(persona), Request(("paraphrase", "windows", "noise"), categories=()), Silent())
    assert made.made and made.there == {} and not any(row.task == "rewrite" or "slowly" in row.completion for row in made.made)
    assert sum(remove(config(persona)).values()) == len(made.made) and drafts.read_bytes() == before


def test_rows_stand_in_training_beside_theirs_and_nothing_else_moves_and_all_can_be_taken_out(persona):
    own = (persona / "examples" / "imported.jsonl").read_bytes()
    before = splits(persona)
    made = augment(config(persona), Request(("paraphrase", "noise")), Silent())
    assert made.training == len(before["train"]) and Counter(map(kind_of, made.made)) == {"paraphrase": 16, "noise": 16}
    after = splits(persona)
    assert (after["valid"], after["test"]) == (before["valid"], before["test"]) and written(after["train"]) == before["train"]
    assert len(after["train"]) == len(before["train"]) + 32, "every one of them is trained on"
    answers = {row.completion for row in before["train"]}
    assert all(row.completion in answers for row in after["train"])
    again = augment(config(persona), Request(("paraphrase", "noise")), Silent())
    assert not again.made and again.there == {"paraphrase": 16, "noise": 16} and again.record()["made"] == {}
    assert remove(config(persona), ("noise",)) == {"noise": 16} and remove(config(persona)) == {"paraphrase": 16}
    assert remove(config(persona)) == {} and not made.file.exists() and (persona / "examples" / "imported.jsonl").read_bytes() == own


def test_another_split_seed_leaves_out_what_is_held_out_now(persona):
    augment(config(persona), Request(("paraphrase",)), Silent())
    data = config(persona).data.model_copy(update={"split_seed": 5})
    after = split_rows(load_examples(load_persona(str(persona)).examples), data)
    held = {row.key for name in ("valid", "test") for row in after[name]}
    made = [row for row in after["train"] if row.augmented_from]
    assert held and made and len(made) < 16 and not {row.augmented_from for row in made} & held


def test_caps_and_categories(persona):
    made = augment(config(persona), Request(("noise",), per_row=3, most=7), Silent())
    assert len(made.made) == 7 and max(Counter(row.augmented_from for row in made.made).values()) <= 3
    named = augment(config(persona), Request(("noise",), categories=("post",), most=4), Silent())
    assert made.record()["passed"]["noise"]["capped"] > 0 and not named.made, "the cap counts what is there"
    more = augment(config(persona), Request(("noise",), categories=("post",), most=10), Silent())
    assert {row.category for row in more.made} == {"post"} and len(more.made) == 3


def test_a_model_behind_an_address_sees_prompts_of_training_rows_alone(persona):
    before = splits(persona)
    held = [row.topic for name in ("valid", "test") for row in before[name]]
    with serve(FakeJudge(answers=lambda asked: "Please " + asked.split(">\nW")[1].split("\n<")[0].replace("rite", "write", 1))) as fake:
        made = augment(config(persona), Request(("paraphrase",), by=fake.url, model="m", most=5), Silent(), environ={})
        sent = [request["messages"][0]["content"] for request in fake.requests]
    assert len(sent) == 5 and len(made.made) == 5 and {row.origin for row in made.made} == {"paraphrase: url:127.0.0.1 m"}
    assert made.record()["passed"]["paraphrase"] == {"incoming": 16, "capped": 11}, "what nobody was asked about was not refused"
    assert not any(f"about {topic}." in text for text in sent for topic in held) and not any("nothing to add" in text for text in sent)


@pytest.mark.parametrize(("request_", "said"), [
    (Request(()), "--kind"),
    (Request(("nosie",)), "did you mean noise"),
    (Request(("noise",), by="base"), "--kind paraphrase"),
    (Request(("paraphrase",), model="m"), "--by URL"),
    (Request(("noise",), categories=("posts",)), "the persona has post, mail"),
])  # fmt: skip
def test_what_cannot_be_asked_for(persona, request_, said):
    with pytest.raises(UserError) as failure:
        augment(config(persona), request_, Silent())
    assert said in failure.value.message + failure.value.hint and not (persona / "examples" / "augmented.jsonl").exists()
