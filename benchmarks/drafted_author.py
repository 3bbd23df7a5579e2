"""Another author with drafts, for `task_form.py`: a persona whose texts are known both by a prompt and by a plain draft.

    PYTHONPATH=src .venv/bin/python -m benchmarks.drafted_author --author A.jsonl --drafts benchmarks/jerome_drafts.jsonl --out FOLDER

A.jsonl has prompt, completion, group, author and split (train, test) a row; the drafts have the number of the row that they say in other
words (`n`, from 0) and their kind. jerome_drafts.jsonl was written by a language model for 140 paragraphs of Jerome's *Idle Thoughts*:
half plain, a quarter over-polished, a quarter notes. Of the test rows twenty drafts are what the evaluation asks for, some of them
dictated, which no training row is; the others stay test rows.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.another_author import make_persona
from pete.data.jsonl import read_rows
from pete.data.row_files import append_rows, rewrite_rows

ASKED = 20
"""Drafts of the evaluation."""


def read(path: Path) -> list[dict[str, Any]]:
    return [row for _, row in read_rows(path)]


def make_drafted(folder: Path, rows: Sequence[dict[str, Any]], drafts: Sequence[dict[str, Any]]) -> None:
    """A persona folder of the rows that have a draft; raises FileExistsError where there is one."""
    make_persona(folder, [rows[draft["n"]] for draft in drafts])
    unseen = [draft for draft in drafts if rows[draft["n"]]["split"] == "test"]
    asked = unseen[:ASKED]
    pairs = []
    for draft in drafts:
        row = rows[draft["n"]]
        if draft not in asked:
            pair = {
                "task": "rewrite",
                "category": "essay",
                "topic": row["group"],
                "prompt": draft["draft"],
                "completion": row["completion"],
            }
            pairs.append(pair | {"draft_kind": draft["kind"]} | ({"split": "test"} if row["split"] == "test" else {}))
    append_rows(folder / "examples" / "rewrite.jsonl", pairs)
    given = iter(asked)  # fewer than prompts: each has one at the most

    def with_draft(prompt: dict[str, Any]) -> dict[str, Any]:
        draft = next(given, None)
        return prompt if draft is None else prompt | {"drafts": [{"kind": draft["kind"], "text": draft["draft"]}]}

    rewrite_rows(folder / "prompts.jsonl", with_draft)


def main() -> None:
    """Make it, and say what is in it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--author", type=Path, required=True)
    parser.add_argument("--drafts", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    drafts = read(args.drafts)
    make_drafted(args.out, read(args.author), drafts)
    print(f"{len(drafts)} texts with drafts: {args.out}")


if __name__ == "__main__":
    main()
