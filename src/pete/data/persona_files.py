"""The files of a persona made from somebody's writing: persona.toml with what can be counted of the voice, and its data card."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from pete.config import in_toml
from pete.data.examples import Example
from pete.data.profile import Profile
from pete.words import and_between, counted

BEGIN, END = "<!-- imports: written by Pete, again at every import -->", "<!-- end of imports -->"
"""Around what the data card says of the imports."""
STOP = ("\n### Instruction:", "\n### Response:")
IGNORE = "# These are somebody's own texts: git leaves them alone. Delete this file to keep them in a repository.\n*\n"
"""The .gitignore of such a persona."""


def persona_toml(name: str, kinds: Sequence[str], categories: Mapping[str, str], profile: Profile) -> str:
    """persona.toml of a voice, ready to be mended by hand."""
    lines = [
        f"# {name}: made by pete persona new. Everything here may be changed by hand.",
        "",
        f"name = {in_toml(name)}",
        "",
        "# For people, reports and a judge. Two or three sentences on how you write are worth more than these figures.",
        f"description = {in_toml(f'{name}: {_kinds(kinds)}; {profile.in_words()}.')}",
        "",
        "# The system line stands before every conversation, in training and afterwards. Each word of it costs time on every row.",
        f"system = {in_toml(system_line(name, kinds))}",
        "",
        "# Words and phrases this voice would not use; answers are checked against them. A trailing * stands for any ending.",
        "avoid = []",
        "",
        "# An answer ends where one of these begins a line.",
        f"stop = {in_toml(STOP)}",
        "",
        "[categories]",
        *(f"{key} = {in_toml(title)}" for key, title in categories.items()),
        "",
        f"# What {profile.texts:,} texts have in common, as they were imported. Nothing here is read by Pete.",
        *(f"#   {line}" for line in profile.lines()),
        "#",
        "# Limits that answers keep to (docs/answers.md), from the same figures; take the # away from what should hold.",
        *_limits(profile),
    ]
    return "\n".join(lines) + "\n"


def system_line(name: str, kinds: Sequence[str]) -> str:
    """The system line: who speaks, and what."""
    return f"You are {name.rstrip('.')}. You write {_kinds(kinds)}."


def data_card(name: str) -> str:
    """README.md: what only the author can say, with a place for what `updated_card` says of the imports."""
    return f"""# {name}: data card

Made by `pete persona new`. Change the texts by hand, or in `pete data review`; import more with `pete data import`.

| | |
|---|---|
| whose | {name}'s own texts, chosen by author; quotations, forwards and other people's words were left out where the source shows them |
| whose prompts | messages that were answered are other people's words: see that you may use them |
| licence | **to be answered by you**: may these texts be trained on, and who may have the adapter? \
An adapter of a small model can repeat what it was trained on |
| personal data | `pete data check` names what it finds; look before the adapter or this folder leaves your machine |

{BEGIN}
{END}

## Files

- `persona.toml`: name, system line, categories; the figures of the voice as comments.
- `examples/imported.jsonl`: one row a line. `origin` is how its prompt was made, `found` where the text came from, `split` what it is for.
- `prompts.jsonl`: what the evaluation asks, with your own answers as reference; from texts that are never trained on.
- `edits.jsonl`: drafts and what became of them, where the sources had such pairs.
- `imports.json`: every import's ledger, hashes of the sources, and the keys by which nothing comes in twice.
- `.gitignore`: keeps all of it out of a repository, until you delete it.
"""


def updated_card(card: str, record: Mapping[str, Any], rows: Sequence[Example]) -> str:
    """A data card with the imports as they are now; one without the marks stays as it is."""
    before, begin, rest = card.partition(BEGIN)
    _, end, after = rest.partition(END)
    return f"{before}{_section(record, rows)}{after}" if begin and end else card


def _section(record: Mapping[str, Any], rows: Sequence[Example]) -> str:
    lines = [BEGIN, "## What it is made of", "", "| source | sha256 | read | kept | dropped |", "|---|---|---|---|---|"]
    for entry in record["imports"]:
        ledger = entry["ledger"]
        dropped = ", ".join(f"{count:,} {reason.replace('_', ' ')}" for reason, count in ledger["dropped"].items()) or "nothing"
        names = ", ".join(f"`{source['name'].replace('|', '/')}`" for source in entry["sources"])
        hashes = ", ".join(f"`{source['sha256'][:16]}`" for source in entry["sources"])
        lines.append(f"| {names}, {entry['at'][:10]} | {hashes} | {ledger['read']:,} | {ledger['kept']:,} | {dropped} |")
    dates = sorted(row.date[:10] for row in rows if row.date)
    facts = {
        "rows": f"{len(rows):,}",
        "categories": _counts(row.category for row in rows),
        "split": _counts(row.split or "by Pete, when it trains" for row in rows),
        "prompts": _counts(row.origin or "by hand" for row in rows),
        "written": f"{dates[0]} to {dates[-1]} ({len(dates):,} with a date)" if dates else "no dates",
    }
    lines += ["", "| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in facts.items()), END]
    return "\n".join(lines)


def _counts(values: Any) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in Counter(values).most_common())


def _kinds(kinds: Sequence[str]) -> str:
    named = [kind.lower() if kind[1:].islower() else kind for kind in kinds if kind][:3]
    return and_between(named) or "texts"


def _limits(profile: Profile) -> list[str]:
    lines = ["# [limits.all]", "# copied = 8      # so many words in a row out of one row are a copy", "# language = true # of the prompt"]
    for kind, count, (low, _, high) in profile.lengths:
        if count >= 10:
            lines += [f"# [formats.{in_toml(kind.lower())}] # half of {counted(count, 'text')}", f"# words = [{low}, {high}]"]
    return lines
