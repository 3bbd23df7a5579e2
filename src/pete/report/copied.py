"""The section "Originality": the longest stretches that answers share with training rows, shown in both."""

from collections.abc import Iterator, Mapping

from pete.data.text import Corpus, words, words_in
from pete.evaluate.log import Mark, Sample
from pete.report.blocks import Passage, Passages, Section, Text
from pete.report.comparison import Comparison
from pete.report.marks import pieces
from pete.report.numbers import percent
from pete.words import counted

SPAN, COVERED, NEAREST = "originality.span", "originality.covered", "originality.nearest"
SHOWN = 3
LEAST = 4
"""Words; shorter runs are what any two texts of a language share."""


def originality(comparison: Comparison, rows: Mapping[str, str]) -> Iterator[Section]:
    """The section, if the evaluation looked.

    Args:
        comparison: the evaluation.
        rows: the training rows' completions by the names the evaluation gave them.
    """
    if not any(SPAN in s.scores for s in comparison.log.samples):
        return
    tuned = sorted((s for s in comparison.log.samples if s.model == "tuned" and SPAN in s.scores), key=lambda s: -s.scores[SPAN])
    corpus = Corpus([words(text) for text in rows.values()])
    passages = [p for s in tuned if s.scores[SPAN] >= LEAST and (p := _passage(s, rows, corpus))]
    unique = list({p.source_pieces: p for p in reversed(passages)}.values())[::-1]
    blocks = (Passages(tuple(unique[:SHOWN])),) if unique else ()
    yield Section("Originality", (Text(_words(comparison)), *blocks))


def _words(comparison: Comparison) -> str:
    longest = {
        model: max((s.scores[SPAN] for s in comparison.log.samples if s.model == model and SPAN in s.scores), default=None)
        for model in ("tuned", "base")
    }
    each = [f"{model} {counted(int(n), 'word')}" for model, n in longest.items() if n is not None]
    parts = [f"The longest run of words an answer shares with one training row: {', '.join(each)}."]
    covered = [s.scores[COVERED] for s in comparison.log.samples if s.model == "tuned" and COVERED in s.scores]
    if covered:
        parts.append(f"On average {percent(sum(covered) / len(covered))} of a tuned answer lies in shared runs of eight words and more.")
    measures = comparison.log.measures
    if "originality.limit" in measures:
        parts.append(
            f"The author's own unseen texts share up to {counted(int(measures['originality.author_p99']), 'word')} "
            f"(99th percentile); from {int(measures['originality.limit'])} on an answer counts as recited."
        )
    return " ".join(parts)


def _passage(sample: Sample, rows: Mapping[str, str], corpus: Corpus) -> Passage | None:
    answer = words_in(sample.text)
    spans = corpus.copied(words(sample.text), words(sample.prompt), LEAST)
    if not spans:
        return None
    longest = max(spans, key=len)
    length, name = longest.last - longest.first, list(rows)[longest.document]
    source = words_in(rows[name])
    row, span = words(rows[name]), words(sample.text)[longest.first : longest.last]
    at = next(i for i in range(len(row)) if row[i : i + length] == span)
    there, here = source[at : at + length], answer[longest.first : longest.last]
    return Passage(
        pieces(sample.text, [Mark(start=here[0].start, end=here[-1].end, kind="copied")]),
        f"{counted(len(longest), 'word')}, in the answer to {sample.prompt_id}",
        pieces(rows[name], [Mark(start=there[0].start, end=there[-1].end, kind="copied")]),
        f"training row {name}",
    )
