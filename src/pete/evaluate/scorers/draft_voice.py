"""The voice of a rewrite, its subject held fixed: a classifier of drafts against what the author made of them.

The same classifier as of free writing, but what is not the author's are drafts that say what his texts say, and the base's rewrites:
the words of a subject cannot decide. Folds by topic.
"""

from collections.abc import Sequence

from pete.data.text import windows
from pete.evaluate.advice import LARGER_ADAPTER
from pete.evaluate.log import EvaluationLog, Sample, pairs
from pete.evaluate.scorers.spec import Compared, Context, Gate, Metric, Scorer, Spec, StyleText, Unknown, shown
from pete.evaluate.scorers.voice import TELLS_APART, Voice, author_texts
from pete.evaluate.stats import Interval, share_of_way

LOGIT = "draft_voice.logit"


class DraftVoice:
    """`logit` of an answer, a short one read whole; `draft` of its draft; `beats`: 1 where it is more like the author than its draft."""

    def __init__(self, voice: Voice) -> None:
        """`voice`: trained on drafts."""
        self._voice = voice
        self.measures = voice.measures

    def score(self, sample: Sample) -> dict[str, float]:
        """Nothing for an empty answer."""
        if not sample.text.strip():
            return {}
        logit, draft = self._logit(sample.text, sample), self._logit(sample.prompt, sample)
        return {"logit": logit, "draft": draft, "beats": float(logit > draft)}

    def _logit(self, text: str, sample: Sample) -> float:
        return self._voice.logit(windows(text) or [text], sample.prompt_id)


def index_from_draft(log: EvaluationLog) -> Compared | None:
    """Mean logit of the answers, 0 where their drafts are and 1 where the author's own unseen text is."""
    both = [(b, t) for b, t in pairs(log) if LOGIT in b.scores and LOGIT in t.scores]
    base, tuned = _way(log, [b for b, _ in both]), _way(log, [t for _, t in both])
    if base is None or tuned is None:
        return None
    change = _way(log, [t for _, t in both], [b.scores[LOGIT] for b, _ in both])
    return None if change is None else Compared(base.mean, tuned.mean, change, 1.0)


def way_from_draft(log: EvaluationLog, rows: Sequence[Sample]) -> float | None:
    """How far rows came on the way from their drafts to the author; None where that is not known."""
    found = _way(log, rows)
    return None if found is None else found.mean


def _tuned_from_draft(log: EvaluationLog) -> Interval | None:
    return _way(log, [tuned for _, tuned in pairs(log)])


def _way(log: EvaluationLog, rows: Sequence[Sample], start: Sequence[float] | None = None) -> Interval | None:
    """From `start`, or the drafts, to the rows, as a share of the way from the drafts to the author."""
    rows = [row for row in rows if LOGIT in row.scores]
    own = [row for row in log.held_out if LOGIT in row.scores]
    if not rows or not own:
        return None
    drafts = [row.scores["draft_voice.draft"] for row in rows]
    return share_of_way(
        drafts if start is None else start, [row.scores[LOGIT] for row in rows], [row.prompt_id for row in rows],
        [row.scores[LOGIT] for row in own], [row.topic for row in own], origin=drafts,
    )  # fmt: skip


def _make(context: Context) -> Scorer:
    if context.training is None:
        raise Unknown("The training rows (data/train.jsonl) are missing: originality and the voice of the answers are unknown.")
    drafts = [StyleText(row.prompt, row.topic.lower() or row.source) for row in context.drafts]
    base = [StyleText(s.text, context.topics[s.prompt_id]) for s in context.log.samples if s.model == "base"]
    own = list(context.drafts)
    voice = Voice(author_texts(own), drafts, base, context.topics)
    if not drafts or not voice.able:
        raise Unknown("Too few drafts of 30 words and more among the training rows to tell the author from them: the voice is unknown.")
    return DraftVoice(voice)


def _tells_nobody_apart(log: EvaluationLog) -> str:
    reached = log.measures.get("draft_voice.auc_base", 0.0)
    return f"the classifier cannot tell the author from drafts (AUC {reached:.2f})" if reached < TELLS_APART else ""


SPEC = Spec(
    "draft_voice", 12, _make,
    metrics=(
        Metric("draft_voice", "voice index", "0 is the draft, 1 the author", "more", primary=True, compare=index_from_draft),
        Metric("draft_voice.beats", "more like the author", "share of answers", "more", binary=True),
    ),
    gates=(
        Gate(
            "voice", "voice index from the draft", "draft_voice", "above", 0.0,
            "Rewrites sound more like the author than drafts do", "Rewrites do not sound like the author", LARGER_ADAPTER,
            badness=lambda s: 1000 - s.scores[LOGIT] if LOGIT in s.scores else 0.0, why=shown(LOGIT),
            worth=0.05, doubt=_tells_nobody_apart, interval=_tuned_from_draft,
        ),
    ),
    tasks=("rewrite",),
)  # fmt: skip
