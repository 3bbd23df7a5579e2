"""Which language a text is in, told by its commonest words: good enough for a paragraph, silent about a line."""

import re
import unicodedata
from collections import Counter
from functools import lru_cache
from itertools import chain

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
_MORE = """a about above across actually after again against ago ain all almost alone along already also although always am among an another
any anybody anyone anything anyway are aren around as ask asked at away back be became because become been before began behind
being below best better between both bring but by call came can cannot come comes could couldn day did didn different do does
doesn doing don done down during each either else end enough even ever every everybody everyone everything exactly few find first
for found from full get gets getting give given gives go goes going gone good got great had hadn happen happened happens hard has
hasn have haven having he hello help her here hers herself hey hi him himself his how however i if in instead into is isn it its
itself just keep kind knew know known knows large last later least less let like likely little long look looked looking looks lot
made make makes making many may maybe me mean means might mine more most much must my myself near nearly need needed needs never
new next nice no nobody none nor not nothing now of off often oh ok okay old on once one only or other others otherwise ought our
ours out over own part perhaps please put quite rather read real really regards right said same saw say says second see seem
seemed seems seen send sent several shall she should shouldn show since small so some somebody someone something sometimes soon
start started still stop such sure take taken takes taking talk tell than thank thanks that the their theirs them themselves then
there these they thing things think this those though thought three through till time times to today together told tomorrow too
took toward towards tried true try trying turn two under unless until up upon us use used uses using usually very want wanted
wants was wasn way ways we week well went were weren what whatever when where whether which while who whole whom whose why will
with within without won work would wouldn year years yes yesterday yet you your yours yourself aber als also am an auch aus bei
bin bis da dann dass dein denn doch du durch er es f\u00fcr hab habe haben hat hier ihr ihre im in ins ja jetzt kann kein keine
man mehr mein meine mir mich muss nach noch nur ob oder ohne schon sehr sein seine sich sind so \u00fcber um und uns unter vom vor
war was weil wenn wer wie wieder will wird wo zum zur elle ils je tu il on mais ou donc si son sa ses leur mon ma mes ton ta tes
cette ces cet \u00eatre avoir fait sans sous plus tout tous aussi bien comme quand yo t\u00fa \u00e9l ella ellos pero si sin sobre
este esta esto muy ya hay ser tiene cuando todo todos tambi\u00e9n io tu lui lei noi voi loro questo questa molto essere ha hanno
quando tutto tutti anche hij zij wij jij u er nog wel dan om uit bij kan heeft hebben eu ele ela n\u00f3s eles isso este muito
j\u00e1 ser tem quando tudo todos tamb\u00e9m"""
FUNCTION_WORDS = frozenset(_OF) | frozenset(_MORE.split())
"""Words that any text has, whatever it is about."""
_LETTERS = re.compile(r"[^\W\d_]+")
CODES = {"en": "English", "de": "German", "fr": "French", "es": "Spanish", "it": "Italian", "nl": "Dutch", "pt": "Portuguese"}
"""What `--language` takes -> its name in English."""
ENOUGH, COMMON = 20, 0.04
"""Of so many words, at least this share are among a language's commonest; in English a quarter is."""


def language_of(text: str, least: int = 3) -> str:
    """The language whose commonest words a text uses most; "" when fewer than `least` of them, or no clear winner."""
    counts = Counter(chain.from_iterable(filter(None, map(_OF.get, _LETTERS.findall(text.casefold())))))
    (name, most), (_, second) = [*counts.most_common(2), ("", 0), ("", 0)][:2]
    return name if most >= least and most >= 2 * second else ""


def in_another(text: str, language: str) -> bool:
    """Whether a text is surely in another language than this one of `CODES`' names; a few words may be in any."""
    if found := language_of(text):
        return found != language
    said = [word.casefold() for word in _LETTERS.findall(text)]
    common = sum(language in _OF.get(word, ()) for word in said)
    return _foreign_script("".join(said)) or (len(said) >= ENOUGH and common < COMMON * len(said))


def _foreign_script(letters: str) -> bool:
    """Whether most letters are not Latin, as those of all the languages here are."""
    return bool(letters) and 2 * sum(map(_latin, letters)) < len(letters)


@lru_cache(maxsize=4096)
def _latin(letter: str) -> bool:
    return letter.isascii() or unicodedata.name(letter, "").startswith("LATIN")
