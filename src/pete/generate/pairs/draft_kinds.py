"""What a writer is asked for a draft: what a text says, in one of six ways that are nobody's voice; and the draft in what it said."""

import hashlib
import re

from pete.data.language import language_of
from pete.generate.pairs.question import between_marks, tried_before, unquoted, without_lead
from pete.generate.pairs.tries import Objection
from pete.words import rounded

CLOSE = "close"
"""The kind that follows its text sentence for sentence: who learns from it alters how a sentence is said, and not what. See docs/log.md."""
LIGHT = "light"
"""The kind that its text is a light edit of: who learns from it alters little, and nothing that a guard would refuse. See docs/log.md."""
KINDS = {
    LIGHT: "as it stood before a light edit: the same sentences in the same order and nearly the same words, but plain and a little formal",
    CLOSE: "sentence for sentence, as a dutiful clerk minutes it: for each sentence, line or point of the text one complete, neutral one",
    "plain": "in plain words, as a careful clerk writes: short neutral sentences in the usual order, nothing clever, nothing warm",
    "polished": "as over-polished marketing prose: smooth, eager and correct, with the stock phrases of brochures",
    "notes": "as notes for oneself: fragments without a greeting, one point a line, small words left out",
    "dictated": "as somebody dictates it into a telephone: spoken sentences that run on with and, so and then, hardly a full stop",
}
"""Kind of a draft -> how it is written. Drafts at use look like one of them or between them; a model that saw one kind knows no other."""
_ALL = {
    LIGHT: "Say everything, in the order and the lines of the text, jokes and asides too.",
    CLOSE: "Say everything, in the order and the lines of the text; a joke or an aside is said too, as a plain statement.",
}
_ASIDES = "Say everything in the order of the text; only a joke or an aside may be left out, whole."
"""What of a text has to be in a draft, by kind, and in the others."""
SHARED = 7
"""Words in a row that a draft and its text may share."""
_WORDS = {
    LIGHT: (
        "Keep the text's nouns, verbs, figures and every denial, condition and hedge. Write contractions out, make whole sentences of "
        "fragments and polite ones of commands, take the more formal of two words for the same thing (receive for get). It has to read as "
        "anybody would write it at work: no fillers, nothing stiff, hardly longer than the text. Few sentences stay as they are."
    )
}
_OTHER_WORDS = f"In other words than the text's: never more than {SHARED} in a row, but for names and quotations."
_FENCE = re.compile(r"\A```\w*\n(.*?)\n```\Z", re.DOTALL)
_LABEL = re.compile(
    rf"^\W*(?:the |my )?(?:(?:{'|'.join(KINDS)}|neutral) )?(?:draft|version|rewrite|notes?|text|answer|output)\W*:[ \t*]*\n?", re.IGNORECASE
)


def ask_for_draft(text: str, what: str, kind: str, before: Objection | None = None, refused: str = "") -> str:
    """The question whose answer is a draft of a text.

    Args:
        text: what the author wrote.
        what: what sort of text it is, where that is known: "LinkedIn post".
        kind: of `KINDS`.
        before: what was wrong with the last try.
        refused: that try.
    """
    return (
        f"Somebody with a voice of their own wrote the {what or 'text'} between the marks. Say the same {KINDS[kind]}: "
        "a draft from which the text might have been written, with nothing of that voice left.\n"
        "- Keep every figure, name, date, link and quotation as it stands. Add none, and nothing else that the text does not say.\n"
        f"- {_ALL.get(kind, _ASIDES)}\n"
        f"- In {language_of(text) or 'the language of the text'}, about {rounded(len(text.split()))} words.\n"
        f"- {_WORDS.get(kind, _OTHER_WORDS)}\n"
        "- Give the draft alone: no title, no quotation marks around it, no remark.\n"
        f"{between_marks('text', text)}{tried_before(before, refused)}\n\nThe draft:"
    )


def prompt_name(kind: str) -> str:
    """The name of what is asked for a kind, other when the words are others: "plain-3f2a1c"."""
    return f"{kind}-{hashlib.sha256(ask_for_draft('', '', kind).encode()).hexdigest()[:6]}"


def read_draft(reply: str) -> str:
    """The draft in what a writer said: without thoughts, a fence, a label, an introduction, or quotation marks around it all."""
    text = _LABEL.sub("", without_lead(reply)).strip()
    return unquoted(_FENCE.sub(lambda fence: fence[1], text).strip())
