"""What a scorer declares: its numbers, how base and tuned are compared by them, and the gates they stand in.

A scorer is one file of this folder with a `SPEC`. It looks at one answer and returns numbers; no model that writes, no network.
What it needs beside the answer (training rows, prompts, all answers, an embedder) it takes from the `Context` when it is made;
from then on the same answer always gets the same numbers.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

from pete.data.examples import Example, Task
from pete.evaluate.advice import Advice
from pete.evaluate.log import Asked, EvaluationLog, HeldOut, Mark, Sample
from pete.evaluate.stats import MARGIN, Interval

if TYPE_CHECKING:
    from pete.engines.sentence import Embedder
    from pete.generate.meaning import Meaning

Better = Literal["more", "less", "neither"]
Rule = Literal["above", "below", "not worse", "not shown worse", "not below author", "at most", "at least"]

UNPAIRED = 4 * MARGIN
"""What may be lost against the author. His rows answer other prompts, and what is not paired needs the wider margin: with 60
prompts and 40 rows the difference of two ranks is known to within 0.14, so that his own text in the model's place would not
pass at 0.05."""


class Scorer(Protocol):
    """Numbers of one answer. It may have `marks(sample)`, too, `measures` (numbers of the whole set) and `notes` (sentences)."""

    def score(self, sample: Sample) -> dict[str, float]:
        """Numbers for one answer; what cannot be known for this answer is left out. "any" is 1 for an answer with a mark against it."""
        ...


class Unknown(Exception):
    """A scorer cannot be made; the message is the reason, as a sentence."""


@dataclass(frozen=True)
class StyleText:
    """A text to learn a style from. Texts of a topic are never on both sides."""

    text: str
    topic: str


@dataclass(frozen=True)
class Compared:
    """One number of base and tuned, and the interval of tuned minus base."""

    base: float
    tuned: float
    change: Interval
    author: float | None = None
    """The author's own unseen rows by the same ruler, where that makes sense."""


@dataclass(frozen=True)
class Metric:
    """A number by which base and tuned are compared. `key` is that of the score, as "scorer.number"."""

    key: str
    title: str
    unit: str
    better: Better
    binary: bool = False
    primary: bool = False
    """Named in advance, and read without a correction for there being many."""
    compare: Callable[[EvaluationLog], Compared | None] | None = None
    """How, if not answer by answer."""


def _score_above_0(row: Sample | HeldOut, key: str) -> bool | None:
    return row.scores[key] > 0 if key in row.scores else None


@dataclass(frozen=True)
class Gate:
    """One condition of the verdict.

    rule            passed when                               failed when
    above           the interval lies above `limit`           it lies below `worth`: what there is, is too little to matter
    below           the interval lies below `limit`           it lies above it
    not worse       its lower bound is above -`limit`         it lies below 0: significantly worse than the base
    not shown worse it is not failed; a cap bounds it too     the same
    not below author  tuned minus author is above -`limit`    it lies below 0: significantly less than the author
    at most         the share is at most `limit`              the interval lies above `limit`
    at least        the share is at least `limit`             the interval lies below `limit`

    Where the author's own rows do worse than the base, "not worse" and "not shown worse" are about him: tuned minus author, with
    the margin of what is not paired (`UNPAIRED`).
    A share passes only when its interval, too, stays within `room` of the limit: none of 24 prompts may still be 14% of all.
    """

    name: str
    title: str
    key: str
    """The metric or score that is judged."""
    rule: Rule
    limit: float
    good: str
    """What a report says where it holds, and where it does not."""
    bad: str
    advice: Advice
    badness: Callable[[Sample], float] = lambda _: 0.0
    """Above 0: the answer speaks against it; the higher, the louder."""
    why: Callable[[Sample], str] = lambda _: ""
    """What is wrong with such an answer."""
    rows: Literal["", "held_out", "neutral"] = ""
    """Where no answer but a text speaks against it: which."""
    worth: float = 0.0
    asked_only: bool = False
    """Only where prompts ask for it: a suite without such prompts is not held back."""
    room: float = MARGIN
    hit: Callable[[Sample | HeldOut, str], bool | None] = _score_above_0
    """Whether an answer, or a row of the author's, counts in a share; None where that is not known, or no question to him."""
    beside: Literal["", "guarded"] = ""
    """Which answers are judged, where these are not the tuned model's own."""
    interval: Callable[[EvaluationLog], Interval | None] | None = None
    """What is judged, if neither a metric's difference nor a share."""
    doubt: Callable[[EvaluationLog], str] = lambda _: ""
    """Why a gate that seems to hold does not count."""

    @property
    def is_share(self) -> bool:
        """Whether a share of answers is judged, and no difference."""
        return self.rule in ("at most", "at least")

    @property
    def in_percent(self) -> bool:
        """Whether its numbers are read as percents."""
        return self.is_share or self.rule == "below"

    @property
    def condition(self) -> str:
        """The threshold in words."""
        number = f"{self.limit:.0%}" if self.in_percent else f"{self.limit:g}"
        return {
            "above": f"95% interval above {number}",
            "below": f"95% interval below {number}",
            "not worse": f"95% interval above -{number} against the base; above -{UNPAIRED:g} against the author's own where that is lower",
            "not shown worse": "not significantly worse than the base, or than the author's own where that is worse",
            "not below author": f"95% interval above -{number} against the author's own",
            "at most": f"at most {number}",
            "at least": f"at least {number}",
        }[self.rule]


@dataclass(frozen=True)
class Spec:
    """One scorer, as everything that reads its numbers sees it."""

    name: str
    """Prefixes its numbers."""
    order: int
    """Where it stands among the others in tables."""
    tasks: tuple[Task, ...] = field(default=("write",), kw_only=True)
    """Whose answers it says something of."""
    make: "Callable[[Context], Scorer | None]" = lambda _: None
    """None: there is nothing to score. Raises Unknown."""
    metrics: tuple[Metric, ...] = ()
    gates: tuple[Gate, ...] = ()
    tag: str = ""
    """What an answer with a mark against it is called."""
    legend: Mapping[str, str] = field(default_factory=dict)
    """What its kinds of marks mean."""
    rules: Mapping[str, str] = field(default_factory=dict)
    """Rules of the persona that say the same more exactly -> the kind of mark they share with it, or nothing."""


@dataclass
class Context:
    """What scorers are made from."""

    log: EvaluationLog
    training: Sequence[Example] | None
    """The texts that the author wrote; None: missing."""
    author: Mapping[str, Example]
    """The author's unseen rows that the log measured, by the source it names."""
    neutral: Sequence[Example]
    others: Sequence[StyleText]
    """Texts in other voices."""
    embedder: "Embedder | None"
    drafts: Sequence[Example] = ()
    """Training rows of rewriting."""
    find: "Callable[[str], Scorer | None]" = lambda _: None
    """Another scorer by name; None where it is not known."""

    @cached_property
    def prompts(self) -> list[Asked]:
        """The prompts asked, and the author's rows whose prompt is one of them: they have to keep what it asks for."""
        from pete.data.text import same_prompt

        suite = {same_prompt(p.prompt): p for p in self.log.prompts}
        keys = {source: same_prompt(row.prompt) for source, row in self.author.items()}
        return [*self.log.prompts, *(suite[key].model_copy(update={"id": source}) for source, key in keys.items() if key in suite)]

    @cached_property
    def prompt_texts(self) -> dict[str, str]:
        """The text of each prompt asked, by id."""
        return {p.id: p.prompt for p in self.log.prompts} or {s.prompt_id: s.prompt for s in self.log.samples}

    @cached_property
    def topics(self) -> dict[str, str]:
        """The topic of every answer and of the author's rows, by prompt id."""
        topics = {p.id: p.topic.lower() or p.id for p in self.log.prompts} | {key: r.topic.lower() or key for key, r in self.author.items()}
        return {s.prompt_id: s.prompt_id for s in self.log.samples} | topics

    @cached_property
    def compared(self) -> "Callable[[Sample], Meaning]":
        """What an answer says of the draft that stands in its prompt; each is looked at once.

        Raises:
            Unknown: the sentence model is missing.
        """
        from pete.generate.meaning import compare

        embed = self.embedder
        if embed is None:
            raise Unknown("The sentence model is missing: whether a rewrite says what its draft says is unknown.")
        found: dict[tuple[str, str], Meaning] = {}

        def of(sample: Sample) -> "Meaning":
            key = (sample.prompt, sample.text)
            if key not in found:
                found[key] = compare(*key, embed)
            return found[key]

        return of

    @cached_property
    def author_answers(self) -> list[Sample]:
        """The author's unseen rows as if a model had written them: what no gate may fail."""
        return [_as_answer(row, self.author[row.source]) for row in self.log.held_out if row.source in self.author]

    @property
    def unfit(self) -> list[Scorer]:
        """Scorers whose "any" makes an answer count as nothing: it gives the prompt back, loops, or is no English."""
        return [scorer for name in ("echo", "degenerate", "fluency") if (scorer := self.find(name)) is not None]


def source_of(row: Example) -> str:
    """A row as the log names it: file name and line, without the folder."""
    path, line = row.source.rsplit(":", 1)
    return f"{Path(path).name}:{line}"


def is_unfit(sample: Sample, unfit: Iterable[Scorer]) -> bool:
    """Whether an answer counts as nothing."""
    return not sample.text.strip() or any(scorer.score(sample).get("any", 0.0) for scorer in unfit)


def mark(kind: str, start: int, end: int, note: str = "") -> Mark:
    """A marked span of an answer."""
    return Mark(start=start, end=end, kind=kind, note=note)


def scored(key: str) -> Callable[[Sample], float]:
    """A badness: the score itself."""
    return lambda sample: sample.scores.get(key, 0.0)


def lost(key: str) -> Callable[[Sample], float]:
    """A badness: what a score lacks to 1."""
    return lambda sample: 1 - sample.scores.get(key, 1.0)


def shown(*keys: str) -> Callable[[Sample], str]:
    """A reason: these scores."""
    return lambda sample: ", ".join(f"{key.split('.')[1]} {sample.scores[key]:.2g}" for key in keys if key in sample.scores)


def differs(sample: Sample) -> str:
    """A reason: how a rewrite differs from its draft, as it is marked."""
    notes = [mark.note for mark in sample.marks if mark.kind == "meaning" and mark.note]
    return "; ".join(notes) or "something of the draft is gone"


def _as_answer(row: HeldOut, example: Example) -> Sample:
    return Sample(
        model="tuned", prompt_id=row.source, category=row.category, prompt=example.prompt, text=example.completion, raw=example.completion,
        tokens=row.tokens, stop="end", seconds=0.0, batch=1, seed=0, leaks_raw=0, leaks_clean=0,
        fluency_nats=row.fluency_nats,
    )  # fmt: skip
