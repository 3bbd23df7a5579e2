"""Prompts that say nothing, and what is held out standing in training: errors, because a night on them is lost or tells nothing."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from pete.data.examples import DataFinding, Example, Question, Split, as_in
from pete.data.near import SIMILAR, Near
from pete.data.private import mask
from pete.data.text import same_prompt
from pete.words import counted

SHARE = 0.2
"""Of the rows that one prompt, or one beginning, may have."""
LEAST = 20
"""Rows: in fewer, three of a kind would be such a share."""
BEGINNING = 60
"""Characters of a beginning that is looked at, where the rest of each prompt is shorter than the beginning."""
MOST_BEGINNING = 2000
"""Characters: what is longer is a text to rewrite or to answer."""
NEARLY = 0.8
"""Of prompts, which are made by rule more often than answers: a share of .7 may be the rule's own words."""


def one_prompt(rows: Sequence[Example]) -> list[DataFinding]:
    """One prompt, or one beginning with little behind it, on more than a fifth of the rows: the model learns to answer to anything."""
    if len(rows) < LEAST:
        return []
    asked = [same_prompt("\n".join(turn.content for turn in row.turns[:-1])) for row in rows]
    (text, count) = Counter(asked).most_common(1)[0]
    if count > SHARE * len(rows):
        places = [(row.source, "") for row, prompt in zip(rows, asked, strict=True) if prompt == text]
        message = (
            f"{counted(count, 'row')} of {len(rows):,} have one prompt, {mask(text)[:40]!r}: it says nothing of what is asked for "
            "(pete data show; write what each text is about)"
        )
        return [DataFinding.of("one prompt", message, places, "error")]
    alike: dict[str, list[int]] = defaultdict(list)
    for number, prompt in enumerate(asked):
        if BEGINNING <= len(prompt) <= 2 * MOST_BEGINNING:
            alike[prompt[:BEGINNING]].append(number)
    for numbers in alike.values():
        if len(numbers) > SHARE * len(rows):
            prompts = [asked[number] for number in numbers]
            length = _shared(min(prompts), max(prompts))
            if all(len(prompt) < 2 * length for prompt in prompts):
                message = (
                    f"{counted(len(numbers), 'prompt')} of {len(rows):,} begin with the same {length} characters, "
                    f"{mask(prompts[0])[:40]!r}, and say less behind it: what holds for every row belongs into `system` in persona.toml"
                )
                return [DataFinding.of("one beginning", message, [(rows[number].source, "") for number in numbers], "error")]
    return []


def _shared(one: str, other: str) -> int:
    """Characters that two texts begin with alike."""
    return next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


def standing(prompts: Sequence[str], rows: Sequence[Example]) -> tuple[dict[int, str], dict[int, str]]:
    """Which prompts stand in rows that may be trained on, word for word and nearly: number of the prompt -> where."""
    trained = [row for row in rows if row.split in (None, "train") and row.task == "write"]
    exact = {same_prompt(row.prompt): row.source for row in reversed(trained)}
    same = {number: exact[key] for number, prompt in enumerate(prompts) if (key := same_prompt(prompt)) in exact}
    nearly: dict[int, str] = {}
    near = Near([*prompts, *(row.prompt for row in trained)] if prompts else [])
    for group in near.groups:
        asked, learned = ([one for one in group if (one < len(prompts)) == which] for which in (True, False))
        for one in asked:
            like = max(learned, key=lambda other, one=one: near.similarity(one, other), default=None)
            if like is not None and one not in same and near.similarity(one, like) >= NEARLY:
                nearly[one] = trained[like - len(prompts)].source
    return same, nearly


def asked_again(prompts: Sequence[str], rows: Sequence[Example]) -> list[int]:
    """The rows, by number, whose prompt is one of these, word for word or nearly."""
    exact = set(map(same_prompt, prompts))
    found = {number for number, row in enumerate(rows) if same_prompt(row.prompt) in exact}
    near = Near([*prompts, *(row.prompt for row in rows)] if prompts else [])
    for group in near.groups:
        asked, others = ([one for one in group if (one < len(prompts)) == which] for which in (True, False))
        found |= {other - len(prompts) for other in others if any(near.similarity(one, other) >= NEARLY for one in asked)}
    return sorted(found)


def trained_prompts(prompts: Sequence[Question], rows: Sequence[Example]) -> list[DataFinding]:
    """Prompts of the evaluation that stand in rows which may be trained on, word for word or nearly."""
    same, nearly = standing([prompt.prompt for prompt in prompts], rows)
    findings = _trained_drafts(prompts, rows)
    for kind, found, how in (("trained prompt", same, "also"), ("nearly trained prompt", nearly, "nearly")):
        if found:
            places = [(prompts[number].source, as_in(where)) for number, where in sorted(found.items())]
            message = (
                f"{counted(len(places), 'prompt')} of the evaluation {how} stand{'s' if len(places) == 1 else ''} in the examples: "
                "what was trained is no test (take it out of one of the two)"
            )
            findings.append(DataFinding.of(kind, message, places, "error"))
    return findings


def _trained_drafts(prompts: Sequence[Question], rows: Sequence[Example]) -> list[DataFinding]:
    learned = {same_prompt(row.prompt): row.source for row in rows if row.task == "rewrite"}
    drafts = [(prompt.source, same_prompt(draft.text)) for prompt in prompts for draft in prompt.drafts]
    places = [(source, as_in(learned[text])) for source, text in drafts if text in learned]
    message = (
        f"{counted(len(places), 'draft')} of the evaluation {'is' if len(places) == 1 else 'are'} in the examples too: what was trained "
        "is no test (take it out of one of the two)"
    )
    return [DataFinding.of("trained draft", message, places, "error")] if places else []


def held_out(rows: Sequence[Example], near: Near, splits: Mapping[Split, Sequence[Example]]) -> list[DataFinding]:
    """Rows of validation and test whose answers stand in training, nearly; only a split that stands in the rows can make that."""
    side = {id(row): name for name, part in splits.items() for row in part}
    places: list[tuple[str, str]] = []
    for group in near.groups:
        learned = [one for one in group if side.get(id(rows[one])) == "train"]
        for one in (one for one in group if side.get(id(rows[one])) in ("valid", "test")):
            like = max(learned, key=lambda other, one=one: near.similarity(one, other), default=None)
            if like is not None and near.similarity(one, like) >= SIMILAR:
                places.append((rows[one].source, as_in(rows[like].source)))
    if not places:
        return []
    message = (
        f"{counted(len(places), 'held-out answer')} stand{'s' * (len(places) == 1)} in training too, or nearly: what was learned "
        "there would be tested here (give both rows one `split`, or take one out)"
    )
    return [DataFinding.of("held-out row in training", message, sorted(places), "error")]
