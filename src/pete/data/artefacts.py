"""Artefacts in text, recognised by their shape: special tokens, another turn, placeholders, mojibake, markup."""

import re

# by shape, not by one tokenizer's list: rows come from any base, and a model can spell out another model's markers
CONTROL = re.compile(
    r"<\|[A-Za-z0-9_]{2,40}\|>|<\|(?=\w)|<\uff5c[^\uff5c>\n]{2,40}\uff5c>|</?s>|<(?:bos|eos|pad|unk)>|<(?:start|end)_of_turn>|<turn\|>"
    r"|\[/?INST\]|<</?SYS>>|\[/?(?:SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS)\]|</?think>|\[gMASK\]|<extra_id_\d+>"
)
"""Special tokens of chat templates."""
TURN = re.compile(
    r"^[ \t]*(?:#{2,3}[ \t]*(?:Instruction|Response|Input|Human|Assistant|User)\b|(?:User|Human|Assistant|System|Instruction)[ \t]*:)",
    re.MULTILINE | re.IGNORECASE,
)
"""A line that begins another turn."""
REDACTED = ("address", "card", "email", "IBAN", "key", "name", "phone")
"""What stands in place of what was private: "[phone 1]" is no blank, but how the person wants it to be said."""
BLANK = re.compile(
    rf"\[(?!(?:{'|'.join(REDACTED)}) \d+\])"
    r"[A-Za-z][^\]\n]{1,40}\](?!\()|\{\{[^{}\n]{1,60}\}\}|\{\s*[A-Za-z_][\w ]{1,40}\}"
    r"|<[A-Za-z]+(?:[ _-][A-Za-z]+){1,4}>|<[A-Z]{3,}>|[(\[<{]insert [^)\]>}\n]{1,40}[)\]>}]|%[A-Z][A-Z_]{2,}%|\*\|[A-Z_]+\|\*"
    r"|\b(?:XXX+|TKTK)\b|\bTODO\b(?! [A-Z\u00c0-\u00de]{2})|\b[Ll]orem ipsum\b"
)
"""Placeholders: [name], {{first_name}}, <your name>, XXX."""
UNFILLED = re.compile(
    r"\{\{[^{}\n]{1,60}\}\}|\[[A-Z][A-Z _]{2,40}\](?!\()|[(\[<{]insert [^)\]>}\n]{1,40}[)\]>}]|%[A-Z][A-Z_]{2,}%|\*\|[A-Z_]+\|\*"
    r"|\b(?:XXX+|TKTK)\b|\bTODO\b(?! [A-Z\u00c0-\u00de]{2})|\b[Ll]orem ipsum\b"
)
"""Those of them that nobody asks for on purpose; "[name]" in a prompt may be wanted in the answer."""


TEMPLATE_FIELD = re.compile(
    r"\{\{[^{}\n]{1,60}\}\}|\*\|[A-Z_]+\|\*|%[A-Z][A-Z_]{2,}%|[(\[<{]insert [^)\]>}\n]{1,40}[)\]>}]|\b[Ll]orem ipsum\b"
    r"|\[[A-Z _]{0,20}(?:NAME|COMPANY|DATE|E-?MAIL|PRODUCT|CITY|ADDRESS|PHONE|YOUR)[A-Z _]{0,20}\](?!\()"
)
"""Those of them that a program should have filled in."""


def _later(codec: str, without: str = "") -> str:
    """The second and later bytes of UTF-8 letters, as letters of another encoding: what a file looks like that was read as that."""
    letters = [bytes([byte]).decode(codec, "ignore") or chr(byte) for byte in range(0x80, 0xC0)]
    return re.escape("".join(letter for letter in letters if letter not in without))


_WINDOWS, _MAC, _CYRILLIC = _later("cp1252"), _later("mac-roman", "\u03c0\u03a9\u221e"), _later("cp1251")  # the root of pi is honest
# an accented capital and a closing mark are honest too
_PAIR = _later("cp1252", "\xbb\u2019\u201d\u2013\u2014\u2026")
BROKEN = re.compile(
    "\ufffd|\u951f\u65a4\u62f7"  # U+FFFD, and its bytes read as Chinese
    f"|[\xc2\xc3][{_PAIR}]|\xe2[{_WINDOWS}][{_WINDOWS}]|\xef\xbf\xbd|\xef\xbb\xbf|\xf0[\u0178\x9f][{_WINDOWS}]{{2}}"
    f"|(?:[\xc4-\xdf][{_PAIR}]){{2,}}|(?:[\xe3-\xef][{_WINDOWS}]{{2}}){{2,}}"  # other scripts: two letters in a row
    f"|\u221a[{_MAC}]|\u201a[\xc4\xc7\xd1][{_MAC}]|\xd4\xf8\u03a9|(?:[\u0420\u0421][{_CYRILLIC}]){{2,}}"
    "|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ufeff\u202d\u202e\U000e0000-\U000e007f]"  # controls, and what hides or turns text
)
"""Letters that were decoded wrongly once, and characters no text has."""
_SUSPECT = re.compile(
    "[\xc2-\xf0\u221a\u201a\u0420\u0421\u951f\ufeff\ufffd\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\u202d\u202e\U000e0000-\U000e007f]"
)
ENTITY = re.compile(r"&(?:amp|lt|gt|quot|apos|nbsp|#\d{2,6}|#x[0-9a-fA-F]{2,5});|</?(?:p|div|span|br|strong|em|a|li|ul)(?:\s[^<>\n]*)?/?>")
"""What a web page is written in."""
_TURNS = ("user", "human", "assistant", "system", "instruction", "response", "input")
_BLANKS = ("[", "{", "<", "*|", "XXX", "TKTK", "TODO", "orem ipsum", "(insert ")


def control_in(text: str) -> re.Match[str] | None:
    """The first special token. These searches look for a letter first that no hit is without: most rows have none."""
    return CONTROL.search(text) if "<" in text or "[" in text else None


def turns_in(text: str) -> list[re.Match[str]]:
    """The lines that begin another turn."""
    low = text.lower()
    return list(TURN.finditer(text)) if (":" in text or "##" in text) and any(map(low.__contains__, _TURNS)) else []


def broken_in(text: str) -> re.Match[str] | None:
    """The first text that was decoded wrongly."""
    return BROKEN.search(text) if _SUSPECT.search(text) else None


def blanks_in(text: str, pattern: re.Pattern[str] = BLANK) -> list[re.Match[str]]:
    """The blanks; those that nobody asks for on purpose with `UNFILLED`. Control marks are none."""
    found = pattern.finditer(text) if any(map(text.__contains__, _BLANKS)) or text.count("%") > 1 else ()
    return [hit for hit in found if not CONTROL.match(hit.group())]


def unfilled_in(text: str) -> list[re.Match[str]]:
    """The fields of a template that nobody filled in."""
    return blanks_in(text, TEMPLATE_FIELD)


def entity_in(text: str) -> re.Match[str] | None:
    """The first markup of a web page."""
    return ENTITY.search(text) if "&" in text or "<" in text else None
