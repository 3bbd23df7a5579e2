"""What a judge said, as the evaluation log keeps it, and in sentences for people."""

from collections.abc import Mapping, Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Outcome = Literal["tuned", "base", "tie", "split", "unread"]
"""split: the two orders disagree. unread: an answer of the judge's said neither A nor B nor tie."""
Conclusion = Literal["tuned preferred", "base preferred", "no significant difference", "no conclusion", "unfit"]

VERSION = 1


class _Record(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class JudgedPair(_Record):
    """One answer of each model to one prompt, shown in both orders."""

    prompt_id: str
    number: int
    outcome: Outcome
    longer: Literal["tuned", "base", "neither"]
    """By words."""


class Planted(_Record):
    """Pairs of one kind with a known winner: in how many of them both orders found it."""

    kind: str
    passed: int
    of: int


class Share(_Record):
    """A share with its 95% interval, prompts counted as what is independent."""

    mean: float
    low: float
    high: float


class WhenLonger(_Record):
    """The tuned model's wins and losses among some of the pairs."""

    wins: int
    losses: int
    pairs: int


class JudgeResult(_Record):
    """A judge's work. `win_rate` is None unless the judge passed its own examination and was consistent."""

    version: int = VERSION
    created: str
    url: str
    model: str
    answered_as: tuple[str, ...] = ()
    """The names under which the server answered; more than one means that the judge changed midway."""
    conclusion: Conclusion
    reason: str = ""
    """Why there is no conclusion."""
    planted: tuple[Planted, ...] = ()
    pairs: tuple[JudgedPair, ...] = ()
    identical: int = 0
    """Pairs of the same text twice: ties, and never sent."""
    consistency: float | None = None
    """Share of readable pairs that were judged alike in both orders."""
    win_rate: Share | None = None
    """Of the tuned model; ties and splits are half a win."""
    clusters: int = 0
    """Prompts behind the rate."""
    longer_wins: Share | None = None
    """How often the longer answer won, where one answer won and one was longer."""
    tuned_longer: WhenLonger | None = None
    tuned_not_longer: WhenLonger | None = None
    confounded: bool = False
    """The judge likes length, and where the winner was not the longer one it does not win."""
    strict: int = 0
    """Answers that were the JSON asked for."""
    lenient: int = 0
    """Answers that said it in another way."""
    unread: int = 0
    requests: int = 0
    """Sent this time, tries included; the rest came from the cache."""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    seconds: float = 0.0
    limits: Mapping[str, float] = Field(default_factory=dict)
    """The thresholds that held: fit, consistency, read."""

    def count(self, outcome: Outcome) -> int:
        """How many pairs ended like this."""
        return sum(pair.outcome == outcome for pair in self.pairs)


def sentences(result: JudgeResult) -> list[str]:
    """The result for people, one line each; a rate never stands without what it depends on."""
    passed, planted = sum(p.passed for p in result.planted), sum(p.of for p in result.planted)
    kinds = ", ".join(f"{p.kind} {p.passed} of {p.of}" for p in result.planted)
    lines = [f"judge {result.model} at {result.url}: {result.conclusion}" + (f" ({result.reason})" if result.reason else "")]
    if planted:
        lines.append(f"pairs with a known winner: {passed} of {planted} found ({kinds}); {result.limits.get('fit', 0):.0%} are needed")
    if result.consistency is not None:
        lines.append(f"same verdict in both orders: {result.consistency:.0%}; below {result.limits.get('consistency', 0):.0%} says nothing")
    if result.win_rate is not None:
        rate = result.win_rate
        counts = f"{result.count('tuned')} won, {result.count('base')} lost, {result.count('tie')} tied, {result.count('split')} split"
        lines.append(
            f"win rate of the tuned model {rate.mean:.0%} (95% between {rate.low:.0%} and {rate.high:.0%}, {result.clusters} prompts"
            f"{', underpowered' if result.clusters < 20 else ''}): {counts}; ties and splits count half"
        )
    if result.win_rate is not None and result.longer_wins is not None:
        likes, parts = result.longer_wins, (("longer", result.tuned_longer), ("not longer", result.tuned_not_longer))
        told = "; ".join(f"tuned {name}: {part.wins} won, {part.losses} lost of {part.pairs}" for name, part in parts if part)
        lines.append(f"the longer answer won {likes.mean:.0%} (95% between {likes.low:.0%} and {likes.high:.0%}); {told}")
    if result.confounded:
        lines.append("this judge likes length, and the preferred model does not win where its answer is not the longer one: no proof")
    if len(result.answered_as) > 1:
        lines.append(f"the server answered as {', '.join(result.answered_as)}: the judge changed midway")
    lines.append(f"answers of the judge: {result.strict} as asked, {result.lenient} in other words, {result.unread} not readable")
    return lines


def longer_of(tuned: str, base: str) -> Literal["tuned", "base", "neither"]:
    """Which text has more words."""
    a, b = len(tuned.split()), len(base.split())
    return "tuned" if a > b else "base" if b > a else "neither"


def tally(pairs: Sequence[JudgedPair]) -> WhenLonger:
    """Wins, losses and all of some pairs."""
    return WhenLonger(wins=sum(p.outcome == "tuned" for p in pairs), losses=sum(p.outcome == "base" for p in pairs), pairs=len(pairs))
