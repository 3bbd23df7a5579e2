"""Habits of machine prose. A mild indication: people have them too, and a machine can be told to drop them."""

import re

from pete.data.text import fold

ENOUGH = 2
"""Habits of different kinds in one text."""
DENSE = 60
"""Words: at least one habit for so many."""
MOST = 5_000
"""Answers that are looked at, evenly spaced: the share of them is what is said."""
SHARE = 0.03
"""Of the answers, from which on it is said: fewer are what people do anyway."""
ERROR = "a mild sign and no proof: it takes 2 in 1,000 old pages for a machine's, and misses most of what a careful machine writes"
"""Measured: 8 of 3,255 passages from three books of before 1900; 21 of 75 answers of a small model, 5 of 90 polished drafts of a large
one. How often people write so in business today is not measured."""

# a habit: what must be there for a look to be worth it, and the look itself; all in small letters
_HABITS = {
    "opening": (
        "in today's|in the ever|in the fast|in the digital|imagine |are you ready|let's |excited to|thrilled to|delighted to|proud to"
        "|ever wondered|look no further|introducing |here's ",
        r"\bin (?:today's|the (?:ever|fast|digital))\b|\bimagine (?:a world|if)\b|\bare you ready\b|\blet's (?:dive|explore|delve|unpack)\b"
        r"|\b(?:we're|we are|i'm|i am) (?:excited|thrilled|delighted|proud) to\b|\bhave you ever wondered\b|\blook no further\b"
        r"|^introducing\b|\bhere's (?:the thing|the kicker|why)\b",
    ),
    "adjective": (
        "seamless|robust|pivotal|crucial|vibrant|cutting-edge|state-of-the-art|game-chang|unwavering|meticulous|thoughtfully "
        "|carefully c|comprehensive|invaluable|multifaceted|ever-|fast-paced|unparalleled|innovative|transformative|holistic"
        "|versatile|tailored|valuable ",
        r"\b(?:seamless(?:ly)?|robust|pivotal|crucial|vibrant|cutting-edge|state-of-the-art|game-chang\w+|unwavering|meticulous(?:ly)?"
        r"|thoughtfully (?:designed|crafted)|carefully (?:crafted|curated)|comprehensive|invaluable|multifaceted|ever-(?:evolving|changing)"
        r"|fast-paced|unparalleled|innovative|transformative|holistic|versatile|tailored|valuable (?:insights?|lessons?))\b",
    ),
    "verb": (
        "delv|leverag|elevat|unlock|harness|empower|foster|underscor|streamlin|embark|showcas|navigat|resonat|optimi|facilitat|ensur"
        "|strive to|enhanc",
        r"\b(?:delv\w+|leverag\w+|elevat\w+|unlock\w*|harness\w*|empower\w*|foster\w*|underscor\w+|streamlin\w+|embark\w*|showcas\w+"
        r"|navigat\w+ the|resonat\w+|optimi[sz]\w+|facilitat\w+|ensur(?:e|es|ing) (?:that|a|your)|strive to|enhanc\w+)\b",
    ),
    "noun": (
        "tapestry|testament to|realm|landscape of|ecosystem|synerg|journey|commitment to|dedication to|at the heart of|peace of mind"
        "|wide range of|array of|key takeaway|actionable",
        r"\b(?:tapestry|testament to|realm|landscape of|ecosystem|synerg\w+|journey|commitment to|dedication to|at the heart of"
        r"|peace of mind|wide range of|array of|key takeaways?|actionable)\b",
    ),
    "contrast": (
        "not just|not only|not merely|n't just|more than just|it's not",
        r"\bnot (?:just|only|merely)\b[^.!?\n]{2,60}?\b(?:but|it's|it is)\b|\b(?:isn't|wasn't|aren't) just\b|\bmore than just\b"
        r"|\bit's not (?:just )?about\b",
    ),
    "connector": (
        "moreover,|furthermore,|additionally,|ultimately,|in conclusion,|in summary,|overall,|that said,|by doing so,|as a result,",
        r"(?:^|[.!?]\s)(?:moreover|furthermore|additionally|ultimately|in conclusion|in summary|overall|that said|by doing so"
        r"|as a result),",
    ),
    "range": (
        "whether you|possibilities are endless",
        r"\bwhether you(?:'re| are)\b[^.!?\n]{3,80}\bor\b|\bpossibilities are endless\b",
    ),
    "service": (
        "inconvenience|sincerely |hesitate|feel free|appreciate y|value y|thank you for|hope this|rest assured",
        r"\b(?:any|the) inconvenience\b|\bsincerely (?:apologi[sz]e|regret)\b|\b(?:do not|don't) hesitate\b|\bfeel free to\b"
        r"|\bwe (?:truly |greatly |sincerely )?(?:appreciate|value) (?:your|you)\b|\bhope this (?:email|message|helps)\b|\brest assured\b"
        r"|\bthank you for (?:taking the time|reaching out|bringing|your (?:patience|understanding|feedback))\b",
    ),
    "layout": (
        "**|\u2705|\U0001f680|\U0001f449|\U0001f4a1|\U0001f511|\U0001f3af|##",
        r"^\s*(?:[-*\u2022]\s*)?\*\*[^*\n]{2,40}(?::\*\*|\*\*:)|^\s*[\u2705\U0001f680\U0001f449\U0001f4a1\U0001f511\U0001f3af]|^#{2,3} ",
    ),
    "dash": ("\u2014", r"\w\u2014\w"),
}
_LOOKS = {name: (tuple(signs.split("|")), re.compile(look, re.MULTILINE)) for name, (signs, look) in _HABITS.items()}


def habits(text: str) -> dict[str, int]:
    """How often a text has each habit, without those it has not."""
    low = fold(text).lower()
    found = {name: len(look.findall(low)) for name, (signs, look) in _LOOKS.items() if any(sign in low for sign in signs)}
    return {name: count for name, count in found.items() if count}


def machine_written(text: str) -> bool:
    """Whether a text has so many different habits, so close together, that one may ask."""
    found = habits(text)
    return len(found) >= ENOUGH and sum(found.values()) * DENSE >= len(text.split())
