"""Secrets and personal data in a text: keys, cards, IBANs, phones, addresses, names of others; and how to show them without telling.

Found by shape and, where there is one, by check digit; what is reserved for examples (example.org, 555-01xx, Ofcom's drama numbers) is
nobody's. A name is found only where a letter's form gives it away: in a greeting, a header, under a closing.
"""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

Kind = Literal["key", "card", "IBAN", "phone", "email", "address", "name"]
KINDS: dict[Kind, str] = {
    "key": "a password or an API key",
    "card": "a card number",
    "IBAN": "an IBAN",
    "phone": "a phone number",
    "email": "a mail address",
    "address": "a street address",
    "name": "somebody's name, in a greeting, a header or under a closing",
}


@dataclass(frozen=True)
class Private:
    """Something of somebody's, and where it stands."""

    kind: Kind
    text: str
    start: int

    @property
    def end(self) -> int:
        """Where it ends."""
        return self.start + len(self.text)

    @property
    def masked(self) -> str:
        """As much of it as finds it again, and no more."""
        if self.kind in ("card", "phone"):
            return f"\u2026{''.join(filter(str.isalnum, self.text))[-2:]}"
        if self.kind == "email":
            return f"{self.text[0]}\u2026@\u2026.{self.text.rpartition('.')[2]}"
        return f"{self.text[: 2 if self.kind == 'IBAN' else 3 if self.kind == 'key' else 1]}\u2026"

    @property
    def value(self) -> str:
        """The same for every way to write it."""
        if self.kind in ("card", "phone", "IBAN"):
            return "".join(filter(str.isalnum, self.text)).upper().removeprefix("00")
        return self.text if self.kind == "key" else " ".join(self.text.casefold().split())


_KEY = re.compile(
    r"\b(?:sk-(?:ant-|proj-)?[\w-]{20,}|(?:AKIA|ASIA)[0-9A-Z]{16}\b|gh[pousr]_[A-Za-z0-9]{30,}|github_pat_\w{30,}|glpat-[\w-]{20,}"
    r"|xox[abeoprs]-[\w-]{10,}|AIza[\w-]{35}|hf_[A-Za-z]{30,}|(?:sk|pk|rk|whsec)_(?:live_|test_)?[A-Za-z0-9]{16,}"
    r"|SG\.[\w-]{16,}\.[\w-]{16,}|npm_[A-Za-z0-9]{30,}|eyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,})"
    r"|https://hooks\.slack\.com/services/[\w/]{20,}"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----(?:[^-]*-----END [A-Z ]*PRIVATE KEY-----)?"
)
_KEY_SIGNS = ("sk-", "sk_", "pk_", "rk_", "whsec", "AKIA", "ASIA", "gh", "glpat-", "xox", "AIza", "hf_", "SG.", "npm_", "eyJ",
              "PRIVATE KEY", "hooks.slack.com")  # fmt: skip
_PASSWORD = re.compile(
    r"\b(?:password|passwort|passwd|pwd|mot de passe|contrase\u00f1a|api[ _-]?key|access[ _-]?token|secret[ _-]?key)\b"
    r"(?:\s*[:=]\s*|\s+(?:is|lautet|ist|est|es)\s+)[\"'`]?(?P<value>(?=\S*\d)(?=\S*[A-Za-z])[^\s\"'`<>]{6,60}?)(?=[\"'`.,;)]*(?:\s|$))",
    re.IGNORECASE,
)
_PASSWORD_SIGNS = ("passw", "pwd", "mot de passe", "contrase", "key", "token")
_LOGIN = re.compile(r"(?<=://)[\w.+-]+:(?P<value>[^\s/@:]{3,})@(?=\w)")

_JOINED = tuple("_.,/#+-:")
"""What stands before figures that are a part of something longer."""
_DIGITS = re.compile(r"\d+")
_CARD = re.compile(r"(?:[2-6]\d{3}(?:[ -]?\d{4}){2}[ -]?\d{1,7}|3[47]\d{2}[ -]?\d{6}[ -]?\d{5})(?![\w-])")
_IBAN = re.compile(r"[A-Z]{2}\d{2}(?:[ \u00a0]?[A-Z0-9]{4}){2,7}(?:[ \u00a0]?[A-Z0-9]{1,3})?\b")
_IBAN_LENGTHS = {
    "AT": 20, "BE": 16, "BG": 22, "CH": 21, "CY": 28, "CZ": 24, "DE": 22, "DK": 18, "EE": 20, "ES": 24, "FI": 18, "FR": 27, "GB": 22,
    "GR": 27, "HR": 21, "HU": 28, "IE": 22, "IS": 26, "IT": 27, "LI": 21, "LT": 20, "LU": 20, "LV": 21, "MC": 27, "MT": 31, "NL": 18,
    "NO": 15, "PL": 28, "PT": 25, "RO": 24, "SE": 24, "SI": 19, "SK": 24, "SM": 27, "TR": 26, "AE": 23, "IL": 23, "SA": 24, "BR": 29,
}  # fmt: skip

_EMAIL = re.compile(r"(?<![\w.+/-])[A-Za-z0-9][\w.+-]{0,63}@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,62})\.)+[A-Za-z]{2,24}(?![\w@])")
_RESERVED_HOST = re.compile(r"(?:^|[@.])(?:example\.(?:com|org|net|edu)|[\w-]+\.(?:example|test|invalid|localhost))$", re.IGNORECASE)

_PHONE = re.compile(
    r"(?:(?:\+[1-9]\d{0,2}|00[1-9]\d{0,2}[ \u00a0/])(?:[ \u00a0./-]?\(?\d{1,5}\)?){2,6}"  # +49 30 1234567
    r"|(?:1[ .-])?\(?[2-9]\d{2}\)?[ .-][2-9]\d{2}[.-]\d{4}"  # (212) 736-5000
    r"|\(?0[1-9]\d{1,4}\)?(?:[ /-]\d{2,8}){1,4}"  # 030 1234567, 020 7946 0958
    r"|0[1-9](?:[ .]\d{2}){4}"  # 01 40 20 50 50
    r")(?![\w/-]|[.,:]\d)"
)
_CALLED = re.compile(
    r"\b(?:phone|tel|telephone|mobile|cell|call|ring|whatsapp|text|fax|handy|telefon|mobil|t\u00e9l|t\u00e9l\u00e9phone)\b"
    r"[^\n\d]{0,20}?(?P<value>\d(?:[ ./-]?\d){6,12})(?![\w/-]|[.,:]\d)",
    re.IGNORECASE,
)
_CALLED_SIGNS = ("phone", "tel", "mobil", "cell", "call", "ring", "whatsapp", "text", "fax", "handy", "t\u00e9l")
# 555-0100 to 555-0199; numbers that Ofcom keeps free for films
_FICTION = re.compile(r"55501\d\d$|(?:44|0)(?:20\s?79460|7700900|1632960|8081570|909879|3069990|1[1-6]\d?14960)\d+$")
_DATE = re.compile(r"0?\d{1,2}[ ./-]\d{1,2}[ ./-](?:19|20)?\d{2}$|(?:19|20)\d{2}[ ./-]\d{1,2}[ ./-]\d{1,2}$")

_STREET = re.compile(
    r"\d{1,5}[A-Za-z]?(?:,? (?:North|South|East|West|[NSEW]\.?))? "
    r"(?:(?!(?:To|The|For|On|Of|In|And|Your|An|With|At|Days|Hour)\b)[A-Z][\w'\u2019-]+ ){1,3}"
    r"(?:Street|St|Road|Rd|Avenue|Ave|Lane|Ln|Drive|Dr|Boulevard|Blvd|Court|Ct|Place|Pl|Square|Sq|Terrace|Crescent|Gardens|Grove"
    r"|Parkway|Close|Way)\b\.?(?:,? (?:Apt|Apartment|Unit|Suite|Flat|#) ?\w{1,5})?"
    r"|\d{1,4}(?: ?(?:bis|ter))?,? (?:rue|avenue|boulevard|chemin|impasse|quai|all\u00e9e) "
    r"(?:(?:de la|de|du|des|le|la) |(?:de )?l['\u2019]|d['\u2019])?[A-Z\u00c9\u00c8][\w'\u2019-]+(?: [A-Z\u00c9\u00c8][\w'\u2019-]+){0,2}"
)
_STREET_BEFORE = re.compile(
    r"(?:\b[A-Z\u00c4\u00d6\u00dc][a-z\u00e4\u00f6\u00fc\u00df-]{2,}(?:stra\u00dfe|strasse|str\.|weg|platz|allee|gasse|damm|ufer)"
    r"|\b[A-Z\u00c4\u00d6\u00dc][\w-]+ (?:Stra\u00dfe|Str\.|Weg|Platz|Allee)|\bP\.? ?O\.? Box|\bPostfach) $"
)
_STREETS = tuple(
    f"{end} " for end in ("stra\u00dfe", "strasse", "str.", "weg", "platz", "allee", "gasse", "damm", "ufer", "Stra\u00dfe", "Str.", "Weg",
                          "Platz", "Allee", "Box", "Postfach")
)  # fmt: skip
_HOUSE = re.compile(r"\d{1,6}(?: ?[a-h](?!\w))?(?![\w%]| (?:Uhr|Minuten|Euro|km)\b)")

_NAME = r"[A-Z\u00c0-\u00de][\w'\u2019-]+(?:[ \u00a0](?:(?:van|von|de|der|da|di|le|la) ){0,2}[A-Z\u00c0-\u00de][\w'\u2019-]+){0,2}"
_TITLE = r"(?:(?:Mr|Mrs|Ms|Mx|Dr|Prof|Herrn?|Frau|Madame|Monsieur|M|Mme|Sr|Sra)\.? )"
_GREETING = re.compile(
    r"^[ \t]*(?:Dear|Hi|Hello|Hey|Hallo|Liebe[r]?|Sehr geehrte[r]?|Guten Tag|Moin|Bonjour|Ch\u00e8re?|Hola|Estimad[oa]|Ciao|Gentile),? "
    rf"{_TITLE}?(?P<value>{_NAME})(?= ?[,!:\n.;\u2013\u2014-]|$)",
    re.MULTILINE,
)
_HEADER = re.compile(
    rf"^[ \t]*(?:From|To|Cc|Bcc|Von|An|De|\u00c0|Attn|Attention|Name|Customer name|Kunde)[ \t]*:[ \t]*\"?{_TITLE}?"
    rf"(?P<value>{_NAME})(?=\"?[ \t]*(?:<|$|,|\())",
    re.MULTILINE,
)
_CLOSING = re.compile(
    r"^[ \t]*(?:(?:Best|Kind|Warm|Many|With kind|With best)?[ ]?(?:[Rr]egards|[Ww]ishes|[Tt]hanks)|Best|Thanks|Thank you|Cheers|Sincerely"
    r"|Yours (?:sincerely|faithfully|truly)|Mit freundlichen Gr\u00fc\u00dfen|(?:Viele|Liebe) Gr\u00fc\u00dfe|Cordialement|Saludos)"
    rf"[,.!]?[ \t]*\n+[ \t]*(?:[-\u2013\u2014] ?)?{_TITLE}?(?P<value>{_NAME})[ \t]*$",
    re.MULTILINE,
)
_GREETING_SIGNS = ("Dear", "Hi", "Hello", "Hey", "Hallo", "Lieb", "Sehr geehrt", "Guten Tag", "Moin", "Bonjour", "Ch\u00e8r", "Hola",
                   "Estimad", "Ciao", "Gentile")  # fmt: skip
_HEADER_SIGNS = ("From", "To:", "To :", "Cc", "Bcc", "Von:", "An:", "De:", "De :", "\u00c0 :", "Attn", "Attention", "Name:",
                 "Customer name", "Kunde:")  # fmt: skip
_CLOSING_SIGNS = ("egards", "ishes", "hanks", "Thank you", "Best", "Cheers", "incerely", "Yours", "Gr\u00fc", "Cordialement", "Saludos")
_NOBODY_WORDS = """
all team everyone everybody there friend friends folks guys customer customers sir madam sirs support neighbour neighbours
neighbor colleague colleagues reader readers member members guest guests resident residents student students parents sales
marketing you world both again valued hiring recruiter subscriber subscribers shareholder shareholders investor human resources
editor committee board staff crew tenant tenants damen herren freunde kollegen zusammen kunde kundin welt tous toutes madame
monsieur messieurs clients todos todas diary santa first last name the a an this that it we i no yes on in at my our your
customer's help service office reception accounts billing head department
director directors manager managers managing chief officer president chair chairman owner editor-in-chief
"""
_ORDINARY_WORDS = """
will mark may grace hope rose art bill june april august summer frank rich rob pat sue jack dean chase miles faith
"""
_NOBODY, _ORDINARY = frozenset(_NOBODY_WORDS.split()), frozenset(_ORDINARY_WORDS.split())
"""Who is greeted and is nobody; names that are words too, and in the body of a text are left alone."""


def find(text: str, own: Collection[str] = (), *, greeted: bool = True, closed: bool = True) -> list[Private]:
    """What is somebody's in a text, from left to right, nothing twice.

    Args:
        text: any text; a text of nobody's costs a few searches for single signs.
        own: names that are the author's own, in any case: no names of others.
        greeted: look for a name in a greeting; in what the author was sent it is the author's.
        closed: look for a name under a closing; in what the author wrote it is the author's.
    """
    names = [(_HEADER, _HEADER_SIGNS), *[(_GREETING, _GREETING_SIGNS)] * greeted, *[(_CLOSING, _CLOSING_SIGNS)] * closed]
    taken: list[Private] = []
    for found in [*_surest(text), *_names(text, names, own)]:
        if all(found.end <= other.start or other.end <= found.start for other in taken):
            taken.append(found)
    return sorted(taken, key=lambda found: found.start)


def mask(text: str) -> str:
    """The text with everything private in it masked: for messages."""
    for found in reversed(find(text)):
        text = text[: found.start] + found.masked + text[found.end :]
    return text


def mentions(text: str, name: str) -> list[int]:
    """Where else a name stands in the text in which it was found; one that is also a word (Will, Mark) is not looked for."""
    if any(part.casefold() in _ORDINARY for part in name.split()):
        return []
    return [hit.start() for hit in re.finditer(rf"(?<!\w){re.escape(name)}(?!\w)", text)]


def _surest(text: str) -> Iterator[Private]:
    """What its shape or its check digits give away, the surest first: what overlaps one of them is a part of it."""
    low = text.lower()
    figures = list(_DIGITS.finditer(text))
    digits = sum(hit.end() - hit.start() for hit in figures)
    if any(map(text.__contains__, _KEY_SIGNS)):
        yield from (Private("key", hit.group(), hit.start()) for hit in _KEY.finditer(text))
    if digits and any(map(low.__contains__, _PASSWORD_SIGNS)):
        yield from _values("key", _PASSWORD, text)
    if "://" in text and "@" in text:
        yield from _values("key", _LOGIN, text)
    if "@" in text:
        for hit in _EMAIL.finditer(text):
            if not _RESERVED_HOST.search(hit.group()):
                yield Private("email", hit.group(), hit.start())
    if digits:
        yield from _numbers(text, figures, digits)
        if digits >= 7 and any(map(low.__contains__, _CALLED_SIGNS)):
            yield from (found for found in _values("phone", _CALLED, text) if _rings(found.text))


def _names(text: str, shapes: Sequence[tuple[re.Pattern[str], tuple[str, ...]]], own: Collection[str]) -> Iterator[Private]:
    if "\n" not in text and not text.lstrip().startswith((*_GREETING_SIGNS, *_HEADER_SIGNS)):
        return
    for pattern, signs in shapes:
        if any(map(text.__contains__, signs)):
            mine = {part.casefold() for name in own for part in re.findall(r"\w+", name)}
            for found in _values("name", pattern, text):
                parts = [part.casefold().strip("'\u2019-") for part in re.findall(r"[\w'\u2019-]+", found.text)]
                if not _NOBODY.intersection(parts) and not mine.intersection(parts) and not found.text.isupper():
                    yield found


def _numbers(text: str, runs: Sequence[re.Match[str]], digits: int) -> Iterator[Private]:
    """What begins or ends with figures: looked at where figures begin, because most of a text has none."""
    past = 0
    for figures in runs:
        start = figures.start()
        if start < past:
            continue
        before, found = text[max(0, start - 2) : start], None
        if (
            digits >= 12
            and before.isupper()
            and (hit := _IBAN.match(text, start - 2))
            and not text[max(0, start - 3) : start - 2].isalnum()
        ):
            if iban := _iban(hit.group()):
                found = Private("IBAN", iban, start - 2)
            elif before in _IBAN_LENGTHS:  # a mistyped one is nobody's, and no card either
                past = hit.end()
                continue
        elif before[-1:] in ("+", "(") and (hit := _PHONE.match(text, start - 1)) and _rings(number := _trimmed(hit.group())):
            closed = number[0] == "+" or ")" in number
            found = Private("phone", number if closed else number[1:], start - closed)
        elif not (before[-1:].isalnum() or before[-1:] in _JOINED):
            if digits >= 13 and (hit := _CARD.match(text, start)) and _luhn(hit.group()):
                found = Private("card", hit.group(), start)
            elif (hit := _PHONE.match(text, start)) and _rings(hit.group()):
                found = Private("phone", _trimmed(hit.group()), start)
            elif hit := _STREET.match(text, start):
                found = Private("address", hit.group(), start)
            elif text[max(0, start - 9) : start].endswith(_STREETS) and (street := _STREET_BEFORE.search(text, max(0, start - 50), start)):
                hit = _HOUSE.match(text, start)
                found = Private("address", street.group() + hit.group(), street.start()) if hit else None
        if found is not None:
            past = found.end
            yield found


def _rings(text: str) -> bool:
    """Whether what has the shape of a phone number may be somebody's: no date, and none that is kept free for films."""
    number = re.sub(r"\D", "", text)
    return 7 <= len(number) <= 15 and not _FICTION.search(number) and not _DATE.match(text)


def _trimmed(text: str) -> str:
    text = text.rstrip(" .-/(")
    return text[:-1] if text.endswith(")") and text.count("(") < text.count(")") else text


def _values(kind: Kind, pattern: re.Pattern[str], text: str) -> Iterator[Private]:
    return (Private(kind, hit["value"], hit.start("value")) for hit in pattern.finditer(text))


def _luhn(text: str) -> bool:
    digits = [int(c) for c in text if c.isdigit()]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[-2::-2]]
    return 13 <= len(digits) <= 19 and len(set(digits)) > 1 and (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def _iban(text: str) -> str | None:
    """The IBAN at the beginning of a text that looks like one; None where its length or its check digits are wrong."""
    letters = [at for at, letter in enumerate(text) if letter.isalnum()]
    length = _IBAN_LENGTHS.get(text[:2], 0)
    if not length or len(letters) < length:
        return None
    end = letters[length - 1] + 1
    plain = "".join(text[at] for at in letters[:length])
    turned = "".join(str(int(letter, 36)) for letter in plain[4:] + plain[:4])
    return text[:end] if int(turned) % 97 == 1 and not text[end : end + 1].isalnum() else None
