"""What only all rows together show: near-duplicates, languages, too few of them, categories and lengths out of proportion."""

from collections import Counter
from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from pete.data.examples import DataFinding, Example, as_in
from pete.data.language import language_of
from pete.data.near import Near
from pete.words import counted, millions

FEW, FEW_SMALL = 100, 200
"""Rows to learn from that a base needs at least, and one below a billion parameters: people who were content had 100 to 1,000."""
SMALL = 1_000_000_000
TOLD = 12
"""Of a language's commonest words an answer has at least so many before its language is believed."""
SKEW = 10
"""Times as many rows as the smallest category has, or as many words as the median answer."""
LEAST = 8
"""Rows of a category that validation, test and training can share."""


def near_duplicates(rows: Sequence[Example], near: Near) -> list[DataFinding]:
    """Answers nearly the same as an earlier one, but not word for word: those are said elsewhere."""
    places = [
        (rows[one].source, as_in(rows[group[0]].source)) for group in near.groups for one in group[1:] if near.similarity(group[0], one) < 1
    ]
    are = "is" if len(places) == 1 else "are"
    message = f"{counted(len(places), 'answer')} {are} nearly the same as an earlier one (kept on one side of the split)"
    return [DataFinding.of("near-duplicates", message, sorted(places))] if places else []


def language(row: Example) -> str:
    """The language of a row's answer, where it is long enough to tell."""
    return language_of(row.completion, TOLD) if len(row.completion) > 5 * TOLD else ""


def languages(rows: Sequence[Example], told: Sequence[str]) -> list[DataFinding]:
    """Answers in another language than most, by the `language` of each."""
    counts = Counter(filter(None, told))
    if len(counts) < 2:
        return []
    usual = counts.most_common(1)[0][0]
    places = [(row.source, name) for row, name in zip(rows, told, strict=True) if name not in ("", usual)]
    others = ", ".join(f"{name} {count}" for name, count in counts.most_common()[1:])
    message = f"{counted(len(places), 'answer')} in another language than {usual}, in which {counts[usual]:,} are ({others})"
    return [DataFinding.of("mixed languages", message, places)]


def few_rows(rows: int, base: str, shape: Mapping[str, Any]) -> list[DataFinding]:
    """Whether there is enough to learn from, by the size of the base, where that is known.

    Args:
        rows: those of the training split.
        base: its name.
        shape: its config.json.
    """
    size = parameters(shape)
    if not size or rows >= (FEW_SMALL if size < SMALL else FEW):
        return []
    of = f"{base} ({millions(size)} parameters)"
    message = (
        f"{counted(rows, 'row')} to learn from {'is' if rows == 1 else 'are'} few for {of}: people who were content had 100 to 1,000, "
        "a base below a billion wants 200 (pete prompts try shows what examples in the prompt do instead)"
    )
    return [DataFinding("few rows", message, rows)]


def parameters(shape: Mapping[str, Any]) -> int:
    """About how many parameters a transformer of this config.json has; 0 where it does not say."""
    text = shape.get("text_config")
    part = text if isinstance(text, Mapping) else shape

    def number(*names: str) -> int:
        return next((value for name in names if isinstance(value := part.get(name), int)), 0)

    width, layers, words = number("hidden_size", "n_embd", "d_model"), number("num_hidden_layers", "n_layer"), number("vocab_size")
    inner = number("intermediate_size", "n_inner") or 4 * width
    gates = 3 if str(part.get("hidden_act", "")).startswith(("silu", "swi")) else 2
    return layers * (4 * width * width + gates * width * inner) + words * width


def categories(rows: Sequence[Example], titles: Mapping[str, str]) -> list[DataFinding]:
    """Categories with far fewer rows than others."""
    counts = Counter(row.category for row in rows)
    (most, high), (least, low) = counts.most_common(1)[0], counts.most_common()[-1]
    if len(counts) < 2 or (high < SKEW * low and low >= LEAST) or (high < 2 * LEAST and high < SKEW * low):
        return []
    few = [name for name, count in counts.items() if high >= SKEW * count or count < LEAST]
    message = (
        f"{titles.get(least, least)} has {counted(low, 'row')}, {titles.get(most, most)} {high:,}: what is rare is learned least, and with "
        f"fewer than {LEAST} nothing of it can be held out"
    )
    return [DataFinding.of("category skew", message, [("", f"{titles.get(name, name)}: {counts[name]}") for name in few])]


def lengths(rows: Sequence[Example]) -> list[DataFinding]:
    """Answers far longer than most: a handful of them can be most of what is learned."""
    words = [len(row.completion.split()) for row in rows]
    middle = median(words)
    long = [(row, count) for row, count in zip(rows, words, strict=True) if count > SKEW * max(middle, 5)]
    share = sum(count for _, count in long) / max(1, sum(words))
    if len(rows) < 2 * LEAST or not long:
        return []
    message = (
        f"{counted(len(long), 'answer')} of more than {SKEW} times the usual {middle:.0f} words: {share:.0%} of all words that are learned"
    )
    return [DataFinding.of("length skew", message, [(row.source, f"{count:,} words") for row, count in long])]
