"""Drafts against the texts that were made of them: details that one side has and the other has not, as findings of a data check."""

from collections.abc import Sequence

from pete.data.examples import DataFinding, Example
from pete.generate.meaning.letter import of_details
from pete.words import counted

LOOKED_AT = ("figure", "date", "link")
"""What a rewrite has to keep. Quoted words are often the author's own, and of 67 names that differed in the bundled persona's drafts most
were none (a line that begins with a capital, AI)."""
MOST = 5000
"""Drafts that are looked at, from all over the rows: some eight seconds."""


def detail_findings(rows: Sequence[Example]) -> list[DataFinding]:
    """Rows of rewriting that teach to make up a figure, date or link, or to leave one out."""
    drafts = [row for row in rows if row.task == "rewrite"]
    looked = drafts[:: -(-len(drafts) // MOST) or 1]
    places: dict[str, list[tuple[str, str]]] = {"added": [], "lost": []}
    for row in looked:
        found = [one for one in of_details(row.prompt, row.completion) if one.kind in LOOKED_AT]
        for way, at in places.items():
            if said := [one.words for one in found if one.way == way][:1]:
                at.append((row.source, said[0].replace("the rewrite", "the text")))
    of = f" of {len(looked):,} looked at" if len(looked) < len(drafts) else ""
    return [
        DataFinding.of(kind, f"{counted(len(places[way]), 'draft')}{of} with a text that {rest}", places[way])
        for kind, way, rest in (
            ("detail made up", "added", "has a figure, date or link that the draft has not: to make things up is what it teaches"),
            ("detail left out", "lost", "leaves out a figure, date or link: to leave things out is what it teaches"),
        )
        if places[way]
    ]
