"""Which language a text is in, told by its commonest words: good enough for a paragraph, silent about a line."""

import re
from collections import Counter

# the commonest words of a language that its neighbours do not share
_STOP_WORDS = {
    "English": "the and of to is it that for you with this are we on have not our your be what",
    "German": "der die das und ist nicht ein eine wir sie mit auf f\u00fcr den dem von zu ich es unser",
    "French": "le la les et est une nous vous pour dans pas que qui sur avec notre des du ce au",
    "Spanish": "el los las y es una por para con no que nuestro su se del lo como m\u00e1s al est\u00e1",
    "Italian": "il lo gli e \u00e8 una per con non che di nostro del della sono si al pi\u00f9 ma anche",
    "Dutch": "het een en is niet wij ons voor van met op te dat deze zijn ook maar bij naar je",
    "Portuguese": "o os as e \u00e9 uma para com n\u00e3o que nosso do da em por mais ao se sua est\u00e1",
}
_OF: dict[str, list[str]] = {}
for _name, _words in _STOP_WORDS.items():
    for _word in _words.split():
        _OF.setdefault(_word, []).append(_name)
_LETTERS = re.compile(r"[^\W\d_]+")


def language_of(text: str, least: int = 3) -> str:
    """The language whose commonest words a text uses most; "" when fewer than `least` of them, or no clear winner."""
    counts = Counter(name for word in _LETTERS.findall(text.casefold()) for name in _OF.get(word, ()))
    (name, most), (_, second) = [*counts.most_common(2), ("", 0), ("", 0)][:2]
    return name if most >= least and most >= 2 * second else ""
