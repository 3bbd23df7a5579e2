import pytest

from benchmarks.drafted_author import ASKED, make_drafted
from pete.data.examples import load_examples, load_prompts
from pete.persona import load_persona


def test_a_draft_is_either_asked_for_or_a_row_and_what_is_asked_for_was_never_trained(tmp_path):
    rows = [
        {
            "author": "A",
            "group": f"essay {n // 5}",
            "prompt": "Write.",
            "completion": f"Text number {n} of his.",
            "split": "test" if n < 25 else "train",
        }
        for n in range(40)
    ]
    drafts = [{"n": n, "kind": "plain", "draft": f"The draft of number {n}."} for n in range(40)]
    make_drafted(tmp_path / "a", rows, drafts)
    pairs = [row for row in load_examples(load_persona(str(tmp_path / "a")).examples) if row.task == "rewrite"]
    asked = {draft.text for prompt in load_prompts(tmp_path / "a" / "prompts.jsonl") for draft in prompt.drafts}
    assert len(asked) == ASKED and len(pairs) == 40 - ASKED and not asked & {row.prompt for row in pairs}
    assert sum(row.split == "test" for row in pairs) == 25 - ASKED
    with pytest.raises(FileExistsError):
        make_drafted(tmp_path / "a", rows, drafts)
