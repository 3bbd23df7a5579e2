"""What a draft must hold against the text it was made of: the same facts and nothing more, in words that are not the author's."""

import difflib
import re
from collections.abc import Sequence
from enum import StrEnum

from pete.data.artefacts import UNFILLED, blanks_in, control_in
from pete.data.language import language_of
from pete.data.text import Corpus, fold, same_prompt, visible, words, words_in
from pete.engines.sentence import Embed
from pete.generate.meaning.compare import compare
from pete.generate.meaning.details import QUOTED
from pete.generate.meaning.difference import Difference, Place
from pete.generate.meaning.letter import of_details
from pete.generate.pairs.draft_kinds import LIGHT, SHARED
from pete.generate.pairs.filters import ABOUT
from pete.generate.pairs.tries import Objection
from pete.generate.rewrite.choose import LEFT, STRENGTHS, Draw, choose
from pete.generate.rewrite.markup import Shown
from pete.generate.rewrite.passages import Passage

RATIO = 0.5, 2.0
"""Words of a draft to those of its text. The bundled persona's 371 drafts: 0.63 to 1.40."""
LIGHT_RATIO = 0.9, 1.3
"""The same of a light draft, 1.0 to 1.29 for 99 of 100 of the persona's. Wordy ones teach to leave words out: see docs/log.md."""
SLACK = 6
"""Words by which a draft may be off beside that, a light one by half as many: a tagline has five."""
IDENTICAL = 0.95
"""Share of words in the same order from which on a draft is the text."""
ASIDE = 3
"""One in so many facts of a text may stand in a joke that the draft leaves out; one always may."""


EDITED = 0.6
"""Share of a light draft's sentences that the guard lets the text stand for. See the bundled persona's card."""


class Flaw(StrEnum):
    """Why a draft is not kept; the value is what the summary says."""

    NOTHING = "no draft came back"
    ABOUT = "speaks of the text in place of saying it"
    LANGUAGE = "in another language than the text"
    SIZE = "much shorter or longer than the text"
    IDENTICAL = "the text itself, or nearly"
    COPIED = f"more than {SHARED} words in a row from the text"
    ADDED = "a figure, name, date, link or quotation that the text does not have"
    LOST = "lacks a figure, name, date, link or quotation of the text"
    BLANK = "a blank to be filled in"
    FAR = "the text says something else than it, sentence by sentence, for the guard of pete rewrite"
    SAME = "the same as another draft of the text"
    FURTHER = "another text of the persona is nearer to it"
    LONG = "too long for one row with the text"


def draft_objection(draft: str, text: str, embed: Embed, kind: str = "") -> Objection | None:
    """What is wrong with a draft of a text; None where nothing is.

    Args:
        draft: as the writer gave it, cleaned.
        text: the author's.
        embed: sentence vectors.
        kind: of `KINDS`; a light draft may have the text's words, and has to be one that the text is an edit of.
    """
    said, own = words(draft), words(text)
    if not visible(draft) or not said or control_in(draft):
        return Objection(Flaw.NOTHING)
    if (about := ABOUT.search(draft)) and about.group().casefold() not in fold(text).casefold():
        return Objection(Flaw.ABOUT, about.group())
    languages = language_of(draft), language_of(text)
    if all(languages) and languages[0] != languages[1]:
        return Objection(Flaw.LANGUAGE, languages[1])
    (least, most), slack = (LIGHT_RATIO, SLACK // 2) if kind == LIGHT else (RATIO, SLACK)
    if not least * len(own) - slack <= len(said) <= most * len(own) + slack:
        return Objection(Flaw.SIZE, f"{len(said)} words, the text has {len(own)}")
    if same_prompt(draft) == same_prompt(text) or _similarity(said, own) >= IDENTICAL:
        return Objection(Flaw.IDENTICAL)
    if kind == LIGHT:
        if far := _far(draft, text, embed):
            return Objection(Flaw.FAR, far)
    elif copied := _copied(draft, text):
        return Objection(Flaw.COPIED, copied)
    if blank := next((hit.group() for hit in (*blanks_in(draft), *blanks_in(draft, UNFILLED)) if hit.group() not in text), ""):
        return Objection(Flaw.BLANK, blank)
    return _other_facts(draft, text, embed)


def _similarity(said: Sequence[str], own: Sequence[str]) -> float:
    return difflib.SequenceMatcher(None, said, own, autojunk=False).ratio()


def _copied(draft: str, text: str) -> str:
    """The first words in a row that are too many; what stands in quotation marks has to be repeated."""
    plain = QUOTED.sub(lambda quoted: " \u00b6 " * (len(quoted.group()) // 3) + " " * (len(quoted.group()) % 3), fold(draft))
    said = words_in(plain)
    spans = Corpus([words(text)]).spans([word.text for word in said], SHARED + 1)
    return draft[said[spans[0].first].start : said[spans[0].last - 1].end] if spans else ""


def _far(draft: str, text: str, embed: Embed) -> str:
    """Why a text is no light edit of a draft, of the first sentence that it may not stand for; nothing where it may for most of them."""
    passage = Passage([0], [Shown(draft)])
    chosen = choose(passage, [Draw(text, "end")], lambda one, other: compare(one, other, embed), None, STRENGTHS["normal"])
    if len(chosen.stayed) <= (1 - EDITED) * chosen.sentences:
        return ""
    first = next((one for one in chosen.stayed if one.why != LEFT), chosen.stayed[0])
    return f'"{first.text}": {first.why}'


def _other_facts(draft: str, text: str, embed: Embed) -> Objection | None:
    """What only one of the two says; a sentence that the draft leaves out whole may take a fact along: it is a joke."""
    facts = list(of_details(text, draft))
    if added := next((d for d in facts if d.way != "lost"), None):
        return Objection(Flaw.ADDED, _shown(draft, added.rewrite))
    if not facts:
        return None
    meaning = compare(text, draft, embed)
    aside = [d for d in facts if d.kind not in ("link", "quotation") and any(_in(d, place) for place in meaning.missing)]
    lost = facts if len(aside) > max(1, meaning.facts // ASIDE) else [d for d in facts if d not in aside]
    return Objection(Flaw.LOST, ", ".join(_shown(text, d.draft) for d in lost)) if lost else None


def _in(difference: Difference, place: Place) -> bool:
    return difference.draft is not None and place[0] <= difference.draft[0] < place[1]


def _shown(text: str, place: Place | None) -> str:
    return re.sub(r"\s+", " ", text[slice(*place)]) if place else ""
