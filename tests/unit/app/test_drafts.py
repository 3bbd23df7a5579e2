import json
from collections import Counter
from pathlib import Path

import pytest

from pete.app.drafts import FILE, MOST, PER_DOCUMENT, make_drafts, origin_of
from pete.app.notify import Silent
from pete.config import Config
from pete.data.examples import load_examples, load_prompts
from pete.engines.sentence import Embedder
from pete.errors import DataError, UserError, WorkError
from pete.generate.pairs.draft_kinds import prompt_name
from tests.bare_texts import SUBJECTS, bare_persona, subject_of
from tests.draft_texts import DRAFTS, knows_drafts
from tests.fake_judge import FakeJudge, serve
from tests.unit.app.test_pairs import Heard
from tests.unit.generate.pairs.test_back_translate import by_subject

KINDS = ("plain", "notes")


@pytest.fixture
def persona(tmp_path: Path) -> Path:
    folder = bare_persona(tmp_path / "bea")
    path = folder / "examples" / "imported.jsonl"
    records = [json.loads(line) for line in path.read_text().splitlines()][:6]
    records[4]["split"] = "test"
    made = {
        "id": "post-0-noise-1",
        "prompt": "write it",
        "completion": records[0]["completion"],
        "augmented_from": "post-0",
        "origin": "noise: x",
    }
    path.write_text("".join(json.dumps(record) + "\n" for record in [*records, made]))
    return folder


def config(persona: Path, **data) -> Config:
    given = {"persona": str(persona), "valid_share": 0.0, "test_share": 0.0, "max_length": 2000, **data}
    return Config.model_validate({"data": given, "engine": {"name": "fake"}, "model": {"base": "fake"}})


def drafts(persona: Path) -> list[dict]:
    path = persona / "examples" / FILE
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def test_texts_of_every_split_get_drafts_that_follow_their_row(persona):
    before, heard = (persona / "examples" / "imported.jsonl").read_bytes(), Heard()
    with serve(FakeJudge(answers=knows_drafts)) as fake:
        made = make_drafts(config(persona), heard, fake.url, "m", KINDS, embed=by_subject, environ={})
        assert heard.said[0].startswith(f"12 questions go to {fake.url}/chat/completions on this machine, model m, without a key.")
    assert made.record() == {
        "persona": str(persona), "by": "url:127.0.0.1 m", "texts": 6, "wanted": 12, "made": 12, "kinds": {"plain": 6, "notes": 6},
        "splits": {"train": 10, "test": 2}, "refused": {}, "passed": {}, "asked": 12,
    }  # fmt: skip
    rows = load_examples([persona / "examples" / FILE])
    assert {(row.draft_kind, row.completion): row.prompt for row in rows} == {
        (kind, SUBJECTS[subject]): draft for kind in KINDS for subject, draft in DRAFTS[kind].items()
    }
    assert {row.origin for row in rows} == {f"url:127.0.0.1 m, {prompt_name(kind)}" for kind in KINDS}
    assert all(row.task == "rewrite" and row.augmented_from and row.id.startswith(row.augmented_from) for row in rows)
    assert (persona / "examples" / "imported.jsonl").read_bytes() == before, "the author's rows are as they were"


def test_it_goes_on_where_it_was_broken_off_and_another_writer_adds_its_own_up_to_the_cap(persona):
    with serve(FakeJudge(answers=knows_drafts)) as fake:
        said = iter(range(100))

        def dying(asked: str) -> str:
            if next(said) == 4:
                fake.always = "wrong key"
            return knows_drafts(asked)

        fake.answers = dying
        with pytest.raises(WorkError, match="5 drafts are made and kept"):
            make_drafts(config(persona), Silent(), fake.url, "m", KINDS, embed=by_subject, environ={})
        assert len(drafts(persona)) == 5
        fake.always, fake.answers = "", knows_drafts
        fake.requests.clear()
        rest = make_drafts(config(persona), Silent(), fake.url, "m", KINDS, embed=by_subject, environ={})
        assert (rest.wanted, rest.made.total(), len(fake.requests)) == (7, 7, 7)
        again = make_drafts(config(persona), Silent(), fake.url, "m", KINDS, embed=by_subject, environ={})
        assert again.record()["passed"] == {"there": 6} and again.wanted == again.asked == 0
        fake.answers = lambda asked: knows_drafts(asked) + " That is all."
        other = make_drafts(config(persona), Silent(), fake.url, "n", KINDS, embed=by_subject, environ={})
        assert other.made.total() == 12
        third = make_drafts(config(persona), Silent(), fake.url, "o", KINDS, embed=by_subject, environ={})
    assert third.record()["passed"] == {"full": 6} and len(drafts(persona)) == 6 * MOST
    assert Counter(row["origin"].partition(",")[0] for row in drafts(persona)) == {"url:127.0.0.1 m": 12, "url:127.0.0.1 n": 12}


def test_a_prompt_of_the_evaluation_gets_drafts_of_its_reference(persona):
    record = {"id": "q", "format": "LinkedIn post", "prompt": "Write about it.", "reference": SUBJECTS["piano"], "own": 1}
    (persona / "prompts.jsonl").write_text(json.dumps(record) + "\n" + json.dumps({"id": "r", "prompt": "No reference."}) + "\n")
    with serve(FakeJudge(answers=knows_drafts)) as fake:
        made = make_drafts(config(persona), Silent(), fake.url, "m", KINDS, embed=by_subject, environ={})
        assert made.record()["splits"]["evaluation"] == 2 and made.asked == 12, "a text that stands in both is asked about once"
    first, second = load_prompts(persona / "prompts.jsonl")
    assert {draft.kind: draft.text for draft in first.drafts} == {kind: DRAFTS[kind]["piano"] for kind in KINDS} and not second.drafts
    assert first.drafts[0].origin == origin_of("url:127.0.0.1 m", first.drafts[0].kind)
    assert json.loads((persona / "prompts.jsonl").read_text().splitlines()[0])["own"] == 1


def test_a_text_gets_a_close_draft_before_others_and_the_evaluation_none(persona):
    record = {"id": "q", "format": "LinkedIn post", "prompt": "Write about it.", "reference": SUBJECTS["piano"]}
    (persona / "prompts.jsonl").write_text(json.dumps(record) + "\n")
    with serve(FakeJudge(answers=knows_drafts)) as fake:
        made = make_drafts(config(persona), Silent(), fake.url, "m", ("close", "plain"), 1, embed=by_subject, environ={})
        assert made.record()["splits"]["evaluation"] == 1
        asked = [request["messages"][0]["content"] for request in fake.requests]
        assert {row["draft_kind"] for row in drafts(persona)} == {"close"} and sum("may be left out" in one for one in asked) == 1
        more = make_drafts(config(persona), Silent(), fake.url, "m", ("close", "plain"), 2, embed=by_subject, environ={})
    (prompt,) = load_prompts(persona / "prompts.jsonl")
    assert more.record()["kinds"] == {"plain": 6} and [draft.kind for draft in prompt.drafts] == ["plain"]


def test_light_drafts_are_held_to_the_guard(persona):
    bent = "Somebody has moved a piano into the lift of the new museum and took it out again within the hour. Visitors leave by the stairs."
    with serve(FakeJudge(answers=lambda asked: bent if "piano" in asked else knows_drafts(asked))) as fake:
        made = make_drafts(config(persona), Silent(), fake.url, "m", ("light", "close"), 1, tries=2, embed=Embedder(), environ={})
        again = [request["messages"][0]["content"] for request in fake.requests][-1]
    kept = drafts(persona)
    assert {row["draft_kind"] for row in kept} == {"light", "close"} and made.record()["refused"] == {"far": 1}
    assert sum(row["draft_kind"] == "light" for row in kept) in (2, 3) and "earlier try was refused" in again and "pete rewrite" in again


def test_what_is_refused_is_counted_by_reason_and_nothing_of_it_is_kept(persona):
    with serve(FakeJudge(answers=lambda asked: SUBJECTS[subject_of(asked)])) as fake:
        made = make_drafts(config(persona), Silent(), fake.url, "m", KINDS, tries=1, embed=by_subject, environ={})
    assert made.record()["refused"] == {"identical": 12} and made.record()["made"] == 0 and drafts(persona) == []


def test_of_one_kind_a_text_gets_one_draft_unless_more_are_asked_for(persona):
    with serve(FakeJudge(answers=knows_drafts)) as fake:
        make_drafts(config(persona), Silent(), fake.url, "m", KINDS, embed=by_subject, environ={})
        fake.answers = lambda asked: knows_drafts(asked) + " That is all."
        more = make_drafts(config(persona), Silent(), fake.url, "n", ["plain"], embed=by_subject, environ={})
        assert more.record()["kinds"] == {"plain": 6}
        with pytest.raises(UserError, match="--per-text 2"):
            make_drafts(config(persona), Silent(), fake.url, "n", ["plain"], per_text=2, embed=by_subject, environ={})


def test_long_texts_are_cut_short_ones_left_and_a_document_is_capped(persona):
    path = persona / "examples" / "imported.jsonl"
    paragraphs = [f"Paragraph {'abcdefghijklmnopqrst'[n]} about the kettle {'x' * n} and the tea." for n in range(20)]
    rows = [
        {"id": "long", "topic": "book", "prompt": "Tell it.", "completion": "\n\n".join(paragraphs)},
        {"id": "short", "prompt": "Yes?", "completion": "Yes, we do."},
        {"id": "word", "prompt": "Go on.", "completion": f"a b c d {'x' * 900}"},
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    with serve(FakeJudge(answers=lambda asked: "no")) as fake:
        made = make_drafts(config(persona, max_length=150), Silent(), fake.url, "m", KINDS, tries=1, embed=by_subject, environ={})
    assert made.texts == PER_DOCUMENT and made.record()["passed"] == {"document": 8, "short": 1, "long": 1}
    shown = [request["messages"][0]["content"] for request in fake.requests]
    assert all(sum(paragraph in asked for paragraph in paragraphs) == 1 for asked in shown) and len(shown) == 24


def test_what_cannot_be_is_said_before_anything_is_asked(persona):
    for kinds, per_text, said in (
        (["plain"], 1, "name a second --kind"),
        (["plain", "posh"], 2, "posh: no such kind"),
        (KINDS, 3, "--per-text 3"),
    ):
        with pytest.raises(UserError) as failure:
            make_drafts(config(persona), Silent(), kinds=kinds, per_text=per_text, embed=by_subject)
        assert said in failure.value.message + failure.value.hint
    path = persona / "examples" / "imported.jsonl"
    path.write_text(json.dumps({"prompt": "a?", "completion": "No."}) + "\n")
    with pytest.raises(DataError, match="no text that a draft could be made of"):
        make_drafts(config(persona), Silent(), embed=by_subject)
    assert not (persona / "written.jsonl").exists()


def test_edit_pairs_that_cannot_be_read_stop_it_before_anything_is_asked(persona):
    (persona / "edits.jsonl").write_text('{"draft": "One."}\n')
    with serve(FakeJudge(answers=knows_drafts)) as fake, pytest.raises(DataError, match=r"edits\.jsonl:1"):
        make_drafts(config(persona), Silent(), fake.url, "m", KINDS, embed=by_subject, environ={})
    assert not fake.requests
