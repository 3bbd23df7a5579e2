"""What the rules said of the answers, at first and as they were given, and what drawing again cost."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pete.evaluate.log import MODELS, EvaluationLog, Model, Sample
from pete.evaluate.stats import Rate

RULE_TITLES = {
    "empty": "nothing was said", "unfinished": "cut off before its end", "loop": "repeats itself", "leak": "shows a control mark",
    "avoid": "a phrase to avoid", "placeholder": "a blank to be filled in", "length": "too long or too short",
    "items": "too many or too few points", "facts": "leaves out facts of the prompt", "language": "another language",
    "copied": "out of a training row",
}  # fmt: skip
"""The persona's rules as people call them; one that is not listed is called by its name."""


@dataclass(frozen=True)
class Shares:
    """A share of a model's answers, as it said them at first and as they were given."""

    first: Rate
    given: Rate

    @property
    def seen(self) -> bool:
        """Whether it happened at all."""
        return self.first.hits + self.given.hits > 0


@dataclass(frozen=True)
class Attempts:
    """All answers of one model."""

    model: Model
    answers: int
    flagged: Shares
    """Answers that break a rule."""
    rules: Mapping[str, Shares]
    """The same by rule; an answer that breaks three counts in each."""
    stops: Mapping[str, Shares]
    """By why they ended."""
    leaks: Rate
    """First attempts with a control mark or a second turn in the raw text: what the extraction had to keep from the reader."""
    again: int
    """Prompts for which more than one round was drawn."""
    preferred: int
    """Answers that are not the first attempt."""
    drawn: int
    """Answers drawn in all."""
    tokens: int
    """Tokens of the answers that were given."""
    tokens_drawn: int
    seconds: float
    """What the answers took, batch after batch."""
    seconds_again: float
    """How much of that the second and third rounds took."""


def attempts(log: EvaluationLog) -> tuple[Attempts, ...]:
    """Both models, if their answers were held against the rules; nothing is known of logs from before that."""
    if not log.validated:
        return ()
    found: list[tuple[Model, list[Sample]]] = [(model, [s for s in log.samples if s.model == model]) for model in MODELS]
    return tuple(_attempts(model, samples) for model, samples in found if samples)


def _attempts(model: Model, samples: Sequence[Sample]) -> Attempts:
    firsts = [s.at_first for s in samples]
    said = [[{flag.rule for flag in s.flags} for s in part] for part in (firsts, samples)]
    often = Counter(rule for part in said for rules in part for rule in rules)
    # answers of a batch wait for each other, so its time is that of its last one
    batches = [[s for s in samples if s.seed == seed] for seed in dict.fromkeys(s.seed for s in samples)]
    later = [max(s.seconds for s in batch) - max(s.seconds_at_first for s in batch) for batch in batches if any(s.tries > 1 for s in batch)]
    return Attempts(
        model=model,
        answers=len(samples),
        flagged=Shares(*(Rate.count(bool(rules) for rules in part) for part in said)),
        rules={rule: Shares(*(Rate.count(rule in rules for rules in part) for part in said)) for rule, _ in often.most_common()},
        stops={
            stop: Shares(*(Rate.count(s.stop == stop for s in part) for part in (firsts, samples)))
            for stop in dict.fromkeys(s.stop for s in (*firsts, *samples))
        },
        leaks=Rate.count(s.leaks_raw > 0 or s.scores.get("leak.raw", 0) + s.scores.get("leak.turn_raw", 0) > 0 for s in firsts),
        again=sum(s.tries > 1 for s in samples),
        preferred=sum(s.first is not None for s in samples),
        drawn=sum(s.attempts for s in samples),
        tokens=sum(s.tokens for s in samples),
        tokens_drawn=sum(max(s.tokens, s.tokens_drawn) for s in samples),
        seconds=sum(max(s.seconds for s in batch) for batch in batches),
        seconds_again=sum(later),
    )
