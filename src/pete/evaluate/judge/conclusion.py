"""What a judge's verdicts amount to: the record that the evaluation log keeps, how it is concluded, and the same in sentences."""

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, ValidationError

from pete.errors import DataError
from pete.evaluate.log import EvaluationLog
from pete.evaluate.stats import FEW, Interval, share, share_change

FIT = 0.8
"""Share of control pairs to be found; whoever guesses finds a quarter, and 16 of 20 once in two million times."""
CONSISTENT = 0.7
READABLE = 0.8
"""Share of pairs whose answers must be readable: those that are not may be the hard ones."""

Outcome = Literal["tuned", "base", "tie", "split", "unread"]
"""split: the two orders disagree. unread: an answer of the judge's said neither A nor B nor tie."""
Conclusion = Literal["tuned preferred", "base preferred", "no significant difference", "no conclusion", "unfit"]


class _Record(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class JudgedPair(_Record):
    """One answer of each model to one prompt, shown in both orders."""

    prompt_id: str
    number: int
    outcome: Outcome
    longer: Literal["tuned", "base", "neither"]
    """By words."""


class ControlResult(_Record):
    """Control pairs of one kind: in how many of them both orders found the known winner."""

    kind: str
    passed: int
    of: int


class Share(_Record):
    """A share with its 95% interval, prompts counted as what is independent."""

    mean: float
    low: float
    high: float


class Tally(NamedTuple):
    """The tuned model's wins and losses among some of the pairs."""

    wins: int
    losses: int
    pairs: int


class JudgeResult(_Record):
    """A judge's work. `win_rate` is None unless the judge passed its own examination and was consistent."""

    version: int = 1
    created: str
    url: str
    model: str
    answered_as: tuple[str, ...] = ()
    """The names under which the server answered; more than one means that the judge changed midway."""
    conclusion: Conclusion = "unfit"
    reason: str = ""
    """Why there is no conclusion."""
    controls: tuple[ControlResult, ...] = Field(default=(), validation_alias=AliasChoices("controls", "planted"))
    pairs: tuple[JudgedPair, ...] = ()
    consistency: float | None = None
    """Share of readable pairs that were judged alike in both orders."""
    win_rate: Share | None = None
    """Of the tuned model; ties and splits are half a win."""
    longer_wins: Share | None = None
    """How often the longer answer won, where one answer won and one was longer."""
    confounded: bool = False
    """The judge likes length, and where the winner was not the longer one it does not win."""
    strict: int = 0
    """Answers that were the JSON asked for."""
    lenient: int = 0
    """Answers that said it in another way."""
    unread: int = 0

    @property
    def readable(self) -> list[JudgedPair]:
        """The pairs that were judged, one way or the other."""
        return [pair for pair in self.pairs if pair.outcome != "unread"]

    def count(self, outcome: Outcome) -> int:
        """How many pairs ended like this."""
        return sum(pair.outcome == outcome for pair in self.pairs)

    def tally(self, *longer: str) -> Tally:
        """Wins and losses of the tuned model where the longer answer is one of these."""
        pairs = [pair for pair in self.readable if pair.longer in longer]
        return Tally(sum(p.outcome == "tuned" for p in pairs), sum(p.outcome == "base" for p in pairs), len(pairs))

    @property
    def controls_passed(self) -> Tally:
        """Control pairs found, missed, and all of them."""
        passed, total = sum(kind.passed for kind in self.controls), sum(kind.of for kind in self.controls)
        return Tally(passed, total - passed, total)

    @property
    def fit(self) -> bool:
        """Whether it found enough of the known winners to be believed."""
        return self.controls_passed.wins >= FIT * self.controls_passed.pairs


def judge_result(log: EvaluationLog) -> JudgeResult | None:
    """What a judge said of a log's answers; None where none was asked.

    Raises:
        DataError: the record of it is damaged.
    """
    try:
        return None if log.judge is None else JudgeResult.model_validate(log.judge)
    except ValidationError as error:
        raise DataError(f"The judge's record in the evaluation log is damaged: {error}", "evaluate again: pete evaluate") from None


def conclude(result: JudgeResult, asked: int, identical: int) -> JudgeResult:
    """The result with its rate, where there may be one, and why not where not.

    Args:
        result: what the judge said.
        asked: pairs of different answers.
        identical: pairs of the same text twice: they are ties in `result.pairs`, and nobody was asked about them.
    """

    def without(reason: str, conclusion: Conclusion = "no conclusion", **facts: float) -> JudgeResult:
        return result.model_copy(update={"conclusion": conclusion, "reason": reason, **facts})

    controls = result.controls_passed
    if not asked:
        return without("no pair of different answers to compare")
    if not result.fit:
        return without(f"it found {controls.wins} of {controls.pairs} known winners, and {FIT:.0%} are needed", "unfit")
    readable = result.readable
    judged = len(readable) - identical
    if not judged:
        return without("no pair was answered readably")
    consistency = 1 - result.count("split") / judged
    if judged < READABLE * asked:
        return without(f"only {judged} of {asked} pairs were answered readably, and {READABLE:.0%} are needed", consistency=consistency)
    if consistency < CONSISTENT:
        reason = f"the order of the answers decided too often: {consistency:.0%} judged alike in both, and {CONSISTENT:.0%} are needed"
        return without(reason, consistency=consistency)
    return result.model_copy(update={"consistency": consistency, **_rates(result, readable)})


def _rates(result: JudgeResult, readable: Sequence[JudgedPair]) -> Mapping[str, object]:
    clusters = [p.prompt_id for p in readable]
    change = share_change([p.outcome == "base" for p in readable], [p.outcome == "tuned" for p in readable], clusters)
    decided = [p for p in readable if p.outcome in ("tuned", "base") and p.longer != "neither"]
    likes = share([p.outcome == p.longer for p in decided], [p.prompt_id for p in decided]) if decided else None
    conclusion, lead = _preferred(result, change)
    return {
        "conclusion": conclusion,
        "win_rate": Share(mean=(1 + change.mean) / 2, low=(1 + change.low) / 2, high=(1 + change.high) / 2),
        "longer_wins": likes and Share(mean=likes.mean, low=likes.low, high=likes.high),
        "confounded": likes is not None and likes.low > 0.5 and lead <= 0,
    }


def _preferred(result: JudgeResult, change: Interval) -> tuple[Conclusion, int]:
    """Who won, and by how much where the winner's answer was not the longer one."""
    if change.low > 0:
        tuned = result.tally("base", "neither")
        return "tuned preferred", tuned.wins - tuned.losses
    if change.high < 0:
        base = result.tally("tuned", "neither")
        return "base preferred", base.losses - base.wins
    return "no significant difference", 1


def sentences(result: JudgeResult) -> list[str]:
    """The result for people, one line each; a rate never stands without what it depends on."""
    kinds = ", ".join(f"{kind.kind} {kind.passed} of {kind.of}" for kind in result.controls)
    controls = result.controls_passed
    lines = [f"judge {result.model} at {result.url}: {result.conclusion}" + (f" ({result.reason})" if result.reason else "")]
    if result.controls:
        lines.append(f"pairs with a known winner: {controls.wins} of {controls.pairs} found ({kinds}); {FIT:.0%} are needed")
    if result.consistency is not None:
        lines.append(f"same verdict in both orders: {result.consistency:.0%}; below {CONSISTENT:.0%} says nothing")
    if (rate := result.win_rate) is not None:
        counts = f"{result.count('tuned')} won, {result.count('base')} lost, {result.count('tie')} tied, {result.count('split')} split"
        prompts = len({pair.prompt_id for pair in result.readable})
        lines.append(
            f"win rate of the tuned model {rate.mean:.0%} (95% between {rate.low:.0%} and {rate.high:.0%}, {prompts} prompts"
            f"{', underpowered' if prompts < FEW else ''}): {counts}; ties and splits count half"
        )
    if (likes := result.longer_wins) is not None:
        parts = (("longer", result.tally("tuned")), ("not longer", result.tally("base", "neither")))
        when = "; ".join(f"tuned {name}: {part.wins} won, {part.losses} lost of {part.pairs}" for name, part in parts)
        lines.append(f"the longer answer won {likes.mean:.0%} (95% between {likes.low:.0%} and {likes.high:.0%}); {when}")
    if result.confounded:
        lines.append("this judge likes length, and the preferred model does not win where its answer is not the longer one: no proof")
    if len(result.answered_as) > 1:
        lines.append(f"the server answered as {', '.join(result.answered_as)}: the judge changed midway")
    lines.append(f"answers of the judge: {result.strict} as asked, {result.lenient} in other words, {result.unread} not readable")
    return lines
