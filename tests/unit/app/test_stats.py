import json

import pytest

from pete.app.stats import NOWHERE, stats
from pete.config import Config
from pete.errors import DataError


def test_rows_are_counted_by_what_they_are_and_a_text_once(tmp_path):
    folder = tmp_path / "bea"
    (folder / "examples").mkdir(parents=True)
    (folder / "persona.toml").write_text('name = "Bea"\ndescription = "Dry."\n[categories]\npost = "Posts"\nmail = "Mail"\n')
    made = {"augmented_from": "a", "completion": "One two three.", "category": "post"}
    rows = [
        {"id": "a", "prompt": "1?", "completion": "One two three.", "category": "post", "origin": "rule", "split": "train"},
        {"id": "b", "prompt": "2?", "completion": "Four five.", "category": "mail", "split": "test"},
        {"id": "c", "prompt": "123", **made, "task": "rewrite", "draft_kind": "plain", "origin": "url:h m, plain-1"},
        {"id": "d", "prompt": "1 2 3", **made, "task": "rewrite", "draft_kind": "notes", "origin": "url:h m, notes-1"},
        {"id": "e", "prompt": "gone?", **made, "augmented_from": "gone", "origin": "noise: x"},
    ]
    edits = [{"id": "x", "draft": "Six.", "final": "Six seven eight.", "source": "chat", "category": "mail"},
             {"id": "y", "draft": "Nine.", "final": "Nine ten.", "source": "a.docx", "category": "mail"}]  # fmt: skip
    for path, records in ((folder / "examples" / "rows.jsonl", rows), (folder / "edits.jsonl", edits)):
        path.write_text("".join(json.dumps(record) + "\n" for record in records))
    found = stats(Config.model_validate({"data": {"persona": str(folder), "valid_share": 0.0, "test_share": 0.0}}))
    record = found.record()
    assert (found.rows, found.texts, found.words) == (7, 4, 10)
    assert record["tasks"] == {"rewrite": 4, "write": 3} and record["categories"] == {"post": 4, "mail": 3}
    assert record["splits"] == {"train": 5, "test": 1, NOWHERE: 1}
    assert record["draft_kinds"] == {"edited": 2, "plain": 1, "notes": 1} and record["edits"] == {"chat": 1, "imported": 1}
    assert record["origins"] == {"edited": 2, "rule": 1, "by hand": 1, "url:h m, plain-1": 1, "url:h m, notes-1": 1, "noise: x": 1}
    (folder / "edits.jsonl").write_text("no\n")
    with pytest.raises(DataError, match=r"edits\.jsonl"):
        stats(Config.model_validate({"data": {"persona": str(folder)}}))
