import json
from pathlib import Path

import pytest

from pete.data.review.page import about, make_page, read_result
from pete.errors import DataError
from pete.persona import load_persona
from tests.unit.data.review.test_record import lines, opened, persona

__all__ = ["persona"]


def saved(folder: Path, **more) -> Path:
    path = folder / "pete-review.json"
    path.write_text(json.dumps({"kind": "review of pairs", "version": 1, "persona": "bea", "decisions": []} | more))
    return path


def content(page: str) -> dict:
    return json.loads(page.partition('id="review-data">')[2].partition("</script>")[0])


def test_the_page_has_what_is_left_and_its_result_goes_into_the_rows_once(persona, tmp_path):
    session = opened(persona, most=4)
    session.accept(session.left[0])
    page = content(make_page(session))
    assert page["done"] == 1 and len(page["rows"]) == 3 and page["seed"] == session.review.seed
    verdicts = (
        {"verdict": "accept"},
        {"verdict": "reject"},
        {"verdict": "edit", "prompt": "New.", "completion": page["rows"][2]["completion"]},
    )
    decisions = [{"key": row["key"], "face": row["face"], **said} for row, said in zip(page["rows"], verdicts, strict=True)]
    path = saved(tmp_path, decisions=decisions)
    assert read_result(opened(persona, most=4), path) == (3, 0)
    after = opened(persona, most=4)
    assert [d.verdict for d in after.decided] == ["accept", "accept", "reject", "edit"] and not after.left
    assert len(lines(after.rejected)) == 1 and any(record.get("origin") == "edited" for record in lines(persona.examples[0]))
    assert read_result(opened(persona, most=4), path) == (1, 2), "what was accepted is that again, the others say something else by now"
    assert len(opened(persona, most=4).decided) == 4


def test_a_conversation_shows_what_went_before(persona):
    rows = content(make_page(opened(persona)))["rows"]
    assert [row["before"] for row in rows if row["before"]] == [[["user", "One?"], ["assistant", "Two."]]]
    piano = next(row for row in opened(persona).left if row.topic == "piano")
    assert (
        about(piano.model_copy(update={"date": "2024-03-02T10:00:00"}))
        == "LinkedIn post \u00b7 2024-03-02 \u00b7 prompt: rule \u00b7 imported.jsonl:5"
    )


@pytest.mark.parametrize(("more", "said"), [
    ({"kind": "pete blind test"}, "kind"),
    ({}, "decisions"),
    ({"decisions": [{"key": "a", "face": "b", "verdict": "maybe"}]}, "verdict"),
    ({"persona": "ada", "decisions": [{"key": "a", "face": "b", "verdict": "accept"}]}, "of the persona 'ada', not of 'bea'"),
])  # fmt: skip
def test_what_is_no_result_of_this_review_is_refused(persona, tmp_path, more, said):
    with pytest.raises(DataError, match=said):
        read_result(opened(persona), saved(tmp_path, **more))


def test_a_file_that_is_not_there_or_no_text(persona, tmp_path):
    with pytest.raises(DataError, match="No such file"):
        read_result(opened(persona), tmp_path / "none.json")
    (tmp_path / "b.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError, match="not text"):
        read_result(opened(persona), tmp_path / "b.json")


def test_a_page_of_drafts_shows_them_and_its_result_is_put_in_nowhere_else(persona, tmp_path):
    text = opened(persona).left[0]
    draft = {"id": "d", "task": "rewrite", "prompt": "Said plainly.", "completion": text.completion, "draft_kind": "plain",
             "origin": "url:h m, plain-1", "augmented_from": text.key}  # fmt: skip
    (persona.folder / "examples" / "rewrite.jsonl").write_text(json.dumps(draft) + "\n")
    session = opened(load_persona(str(persona.folder)), task="rewrite")
    page = content(make_page(session))
    (row,) = page["rows"]
    assert (row["prompt"], row["completion"]) == ("Said plainly.", text.completion) and page["task"] == "rewrite"
    assert row["about"].startswith("plain") and "draft: url:h m, plain-1" in row["about"] and "--task rewrite --read" in page["command"]
    said = {"key": row["key"], "face": row["face"], "verdict": "edit", "prompt": "Plainer.", "completion": row["completion"]}
    path = saved(tmp_path, decisions=[said], task="rewrite")
    with pytest.raises(DataError, match="review of drafts") as failure:
        read_result(opened(persona), path)
    assert "with --task rewrite" in failure.value.hint
    assert read_result(session, path) == (1, 0)
    assert lines(persona.folder / "examples" / "rewrite.jsonl")[0]["prompt"] == "Plainer."
