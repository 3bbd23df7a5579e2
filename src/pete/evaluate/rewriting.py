"""Rewriting as it is evaluated: held-out drafts are asked for, and what else could have been given stands beside the answers."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean

from pete.data.examples import Example, Message, Question
from pete.data.rewriting import rewrite_request
from pete.errors import DataError
from pete.evaluate.log import Beside, EvaluationLog, Mark, Sample
from pete.evaluate.results import asked_anew
from pete.evaluate.scorers.draft_voice import way_from_draft
from pete.evaluate.scorers.given_draft import recovered
from pete.evaluate.scorers.markers import shifts
from pete.evaluate.stats import Rate
from pete.generate.rewrite.diff import word_diff

EXAMPLES = 5
"""Pairs of draft and text that the base is shown in its prompt."""
PLAINLY = "Say this in plain words."
"""What the base is asked where it is to predict a draft from its rewrite; and, to compare with, from nothing."""
NAMES: dict[Beside, str] = {
    "draft": "the draft as it is",
    "examples": f"base, shown {EXAMPLES} examples",
    "guarded": "tuned, after the guard",
    "author_guarded": "the author, after the guard",
}


class Drafted(Question):
    """A held-out draft in the place of a prompt."""

    draft_kind: str = ""

    @property
    def request(self) -> str:
        """To rewrite it."""
        return rewrite_request(self.prompt)


def drafts_of(prompts: Sequence[Question]) -> list[Drafted]:
    """The drafts of evaluation prompts, one question each; of one prompt they share its topic.

    Raises:
        DataError: no prompt has a draft.
    """
    found = [
        Drafted.model_validate(
            {
                **prompt.model_dump(include={"category", "facts", "source"}),
                "id": prompt.id if len(prompt.drafts) == 1 else f"{prompt.id}-{number}",
                "topic": prompt.topic or prompt.id,
                "prompt": draft.text,
                "draft_kind": draft.kind,
            }
        )
        for prompt in prompts
        for number, draft in enumerate(prompt.drafts, 1)
    ]
    if not found:
        raise DataError(
            "No evaluation prompt has a draft: there is nothing to rewrite.",
            'add drafts to lines of prompts.jsonl: "drafts": [{"kind": "plain", "text": "..."}]; or evaluate writing: --task write',
        )
    return found


def shown_examples(rows: Sequence[Example], room: Callable[[Sequence[Message]], bool]) -> list[Message]:
    """Pairs of draft and text as a conversation, the shorter half of the rows evenly spread; as many as there is room for."""
    short = sorted(rows, key=lambda row: (len(row.prompt) + len(row.completion), row.key))[: max(EXAMPLES, len(rows) // 2)]
    chosen = short[:: max(1, len(short) // EXAMPLES)][:EXAMPLES]
    while chosen:
        turns = [turn for row in chosen for turn in row.turns]
        if room(turns):
            return turns
        chosen.pop()
    return []


def changed_words(sample: Sample) -> list[Mark]:
    """The stretches of an answer that its draft has not."""
    found, at = [], 0
    for change in word_diff(sample.prompt, sample.text):
        if not change.same and change.new.strip():
            start = at + len(change.new) - len(change.new.lstrip())
            found.append(Mark(start=start, end=at + len(change.new.rstrip()), kind="new"))
        at += len(change.new)
    return found


@dataclass(frozen=True)
class Standing:
    """One way to answer a draft, by the numbers that only together say anything. None: not known."""

    name: str
    answers: int
    facts: float | None
    """Share of the drafts' facts kept."""
    added: Rate | None
    """Answers with a figure, name or link that the draft has not."""
    says: float | None
    """Share of sentences that say what the draft says."""
    left: float | None
    """Share of sentences left as they were."""
    same: Rate | None
    """Answers that are the draft."""
    voice: float | None
    """0 is the draft, 1 the author."""
    beats: Rate | None
    """Answers that are more like the author than their draft."""
    recovered: float | None
    """Bits per byte of the draft that they give away."""


def standings(log: EvaluationLog) -> list[Standing]:
    """The draft, the base with the instruction, the base shown examples, the tuned model and the author before and after the guard.

    Drafts that are training rows count nowhere.
    """
    log = asked_anew(log)
    by = {
        NAMES["draft"]: log.beside.get("draft", []),
        "base": [s for s in log.samples if s.model == "base"],
        NAMES["examples"]: log.beside.get("examples", []),
        "tuned": [s for s in log.samples if s.model == "tuned"],
        NAMES["guarded"]: log.beside.get("guarded", []),
    }
    found = [_of(name, [row.scores for row in rows], way_from_draft(log, rows), recovered(rows)) for name, rows in by.items() if rows]
    own = [row.scores for row in log.held_out if row.scores]
    if own:
        found.append(_of("the author, on other drafts", own, 1.0 if any("draft_voice.logit" in s for s in own) else None, None))
    if put_back := log.beside.get("author_guarded"):
        found.append(_of(NAMES["author_guarded"], [row.scores for row in put_back], way_from_draft(log, put_back), None))
    return found


def marker_shifts(log: EvaluationLog) -> dict[str, dict[str, float]]:
    """For base, tuned and guarded how far each readable marker came on the way from the draft to the author; no draft trained on."""
    log = asked_anew(log)
    drafts, own = log.beside.get("draft", []), [row.scores for row in log.held_out]
    rows = {
        "base": [s for s in log.samples if s.model == "base"],
        "tuned": [s for s in log.samples if s.model == "tuned"],
        NAMES["guarded"]: log.beside.get("guarded", []),
    }
    return {name: shifts(samples, drafts, own) for name, samples in rows.items() if samples}


def _of(name: str, scores: Sequence[dict[str, float]], voice: float | None, saved: float | None) -> Standing:
    return Standing(
        name, len(scores), _mean(scores, "kept.facts"), _rate(scores, "kept.added"), _mean(scores, "meaning.says"),
        _mean(scores, "change.left"), _rate(scores, "change.same"), voice, _rate(scores, "draft_voice.beats"), saved,
    )  # fmt: skip


def _mean(scores: Sequence[dict[str, float]], key: str) -> float | None:
    known = [one[key] for one in scores if key in one and math.isfinite(one[key])]
    return fmean(known) if known else None


def _rate(scores: Sequence[dict[str, float]], key: str) -> Rate | None:
    known = [one[key] > 0 for one in scores if key in one]
    return Rate.count(known) if known else None
