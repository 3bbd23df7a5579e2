"""A profile of somebody's writing: what can be counted of a voice, in plain figures, from the texts alone."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median, quantiles

from pete.data.language import FUNCTION_WORDS, language_of
from pete.data.text import grams, sentences, size, words
from pete.words import and_between

PHRASE = (3, 5)
"""Words of a phrase, least and most."""
SAID_BY = 3
"""Texts that use a phrase of theirs."""
SHOWN = 8
READ = 5000
"""Texts that a profile is made of; more say the same."""
MARKS = (
    ("dashes", re.compile("[\u2014\u2013]|(?<= )-(?= )")),
    ("ellipses", re.compile(r"\u2026|\.\.\.")),
    ("semicolons", re.compile(";")),
    ("brackets", re.compile(r"\(")),
    ("exclamation marks", re.compile("!")),
    ("emoji", re.compile("[\u2600-\u27bf\U0001f300-\U0001faff]")),
    ("hashtags", re.compile(r"(?<!\w)#\w")),
)
"""Marks that are counted: (name, what it looks like)."""


@dataclass(frozen=True)
class Profile:
    """Figures of a voice."""

    texts: int
    sentence: tuple[float, float, float]
    """Words of a sentence: a quarter have fewer than the first, half than the second, a quarter more than the third."""
    questions: float
    """Share of sentences."""
    paragraphs: float
    """Of a text, the middle of them."""
    marks: tuple[tuple[str, float], ...]
    """(name, for 1,000 words)."""
    lengths: tuple[tuple[str, int, tuple[int, int, int]], ...]
    """(kind of text, how many, words at the quarters), the commonest kind first."""
    openers: tuple[tuple[str, int], ...]
    """First words that several texts share."""
    phrases: tuple[tuple[str, int], ...]
    """Turns of phrase, and in how many texts."""
    languages: tuple[tuple[str, int], ...]

    def lines(self) -> list[str]:
        """For people, one thing a line."""
        low, middle, high = self.sentence
        marks = ", ".join(f"{name} {rate:.1f}" for name, rate in self.marks if rate >= 0.05)
        lines = [
            f"sentences    half have fewer than {middle:.0f} words; a quarter fewer than {low:.0f}, a quarter more than {high:.0f}",
            f"questions    {self.questions:.0%} of the sentences",
            f"paragraphs   {self.paragraphs:g} in a text",
            f"in 1,000 words: {marks or 'none of the marks that are counted'}",
            *(f"length       {kind}: {a} to {c} words, half below {b} ({count:,} texts)" for kind, count, (a, b, c) in self.lengths),
        ]
        if self.openers:
            lines.append("begins with  " + ", ".join(f'"{words}" {count}x' for words, count in self.openers))
        if self.phrases:
            lines.append("says         " + ", ".join(f'"{words}" {count}x' for words, count in self.phrases))
        if self.languages:
            lines.append("languages    " + ", ".join(f"{name} {count:,}" for name, count in self.languages))
        return lines

    def in_words(self) -> str:
        """One sentence, for a description."""
        often = [name for name, rate in self.marks if rate >= 3]
        never = [name for name, rate in self.marks if rate < 0.05 and name in ("exclamation marks", "emoji", "hashtags", "dashes")]
        kind = "short" if self.sentence[1] < 10 else "long" if self.sentence[1] > 18 else "middling"
        parts = [f"{kind} sentences (half have fewer than {self.sentence[1]:.0f} words)"]
        parts += [f"{much} {and_between(names)}" for much, names in (("many", often), ("no", never)) if names]
        return ", ".join(parts)


def profile_of(texts: Sequence[tuple[str, str]]) -> Profile:
    """The profile of (kind, text) pairs; of evenly chosen ones where there are very many."""
    chosen = texts[:: max(1, len(texts) // READ)][:READ]
    said = [(kind, text, words(text)) for kind, text in chosen]
    total = max(1, sum(size(spoken) for _, _, spoken in said))
    every = [sentence for _, text, _ in said for sentence in sentences(text)]
    joined = "\n".join(text for _, text, _ in said)
    kinds = Counter(kind or "text" for kind, _ in texts)
    lengths = tuple(
        (kind, count, _whole(_quarters([len(text.split()) for k, text in texts if (k or "text") == kind])))
        for kind, count in kinds.most_common(SHOWN)
    )
    return Profile(
        texts=len(texts),
        sentence=_quarters([len(sentence.split()) for sentence in every]),
        questions=sum(sentence.rstrip("\"'\u201d\u2019)").endswith(("?", "\uff1f")) for sentence in every) / max(1, len(every)),
        paragraphs=median([len(re.findall(r"\n\s*\n", text.strip())) + 1 for _, text, _ in said] or [0]),
        marks=tuple((name, 1000 * len(pattern.findall(joined)) / total) for name, pattern in MARKS),
        lengths=lengths,
        openers=_openers(spoken for _, _, spoken in said),
        phrases=_phrases(text for _, text, _ in said),
        languages=tuple(Counter(name for _, text, _ in said if (name := language_of(text))).most_common(3)),
    )


def _openers(texts: Iterable[Sequence[str]]) -> tuple[tuple[str, int], ...]:
    found = Counter(" ".join(spoken[:2]) for spoken in texts if len(spoken) > 1)
    return tuple((first, count) for first, count in found.most_common(5) if count >= SAID_BY)


def _phrases(texts: Iterable[str]) -> tuple[tuple[str, int], ...]:
    """The longest runs of words that several texts have in a sentence, and that say something."""
    found: Counter[tuple[str, ...]] = Counter()
    for text in texts:
        spoken = [words(sentence) for sentence in sentences(text)]
        every = {gram for said in spoken for n in range(PHRASE[0], PHRASE[1] + 1) for gram in grams(said, n)}
        found.update(gram for gram in every if not FUNCTION_WORDS.issuperset(gram))
    chosen: list[tuple[tuple[str, ...], int]] = []
    said = [(gram, count) for gram, count in found.items() if count >= SAID_BY]
    for gram, count in sorted(said, key=lambda item: (-item[1] * len(item[0]), item[0])):
        if len(chosen) == SHOWN:
            break
        if not any(_inside(gram, other) or _inside(other, gram) for other, _ in chosen):
            chosen.append((gram, count))
    return tuple((" ".join(gram), count) for gram, count in chosen)


def _inside(short: Sequence[str], long: Sequence[str]) -> bool:
    """Whether most of a phrase stands in another."""
    return len(set(short) & set(long)) > len(short) / 2


def _quarters(counts: Sequence[int]) -> tuple[float, float, float]:
    if len(counts) < 2:
        return (*[float(counts[0])] * 3,) if counts else (0.0, 0.0, 0.0)  # type: ignore[return-value]
    low, middle, high = quantiles(counts, n=4, method="inclusive")
    return low, middle, high


def _whole(quarters: tuple[float, float, float]) -> tuple[int, int, int]:
    return round(quarters[0]), round(quarters[1]), round(quarters[2])
