"""What of a mail its author wrote: quotations, what mail programs write above them, forwarded mails and signatures set apart.

Own rules, because the parsers there are lose the author's words: mailparser_reply takes blanks off lines, drops answers below a
quotation and cuts at "Best regards" or a line with a hyphen. A greeting at the end is voice. What no mark sets apart is kept.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lxml.html import HtmlElement

_QUOTE, _SIGNATURE, _ABOVE, _BELOW = "\ue000", "\ue001", "\ue002", "\ue003"
"""Stand alone on a line, with a number, for an element of HTML that says what it is."""
_MARK = re.compile(f"^[ \t]*([{_QUOTE}{_SIGNATURE}{_ABOVE}{_BELOW}])(\\d+)$")
MARKS = re.compile(f"[{_QUOTE}{_SIGNATURE}{_ABOVE}{_BELOW}]\\d+")
"""Marks within a quotation, which stand for what is quoted in it."""
_SETS_APART = {
    _QUOTE: ("blockquote", "div.yahoo_quoted", "div.protonmail_quote", "div.zmail_extra", "div[name=quote]", "div#isReplyContent"),
    _SIGNATURE: (
        "div.gmail_signature", "div.moz-signature", "pre.moz-signature", "div#Signature", "div#ms-outlook-mobile-signature",
        "div.protonmail_signature_block", "div[data-smartmail=gmail_signature]", "span.gmail_signature_prefix",
    ),
    _ABOVE: ("div.gmail_attr", "div.moz-cite-prefix"),
}  # fmt: skip
_INDENTED = re.compile(r"border(?:-left)?\s*:\s*(?:none|0)", re.IGNORECASE)
"""A blockquote without a line at its left is an indent that the author made."""
_ENDS_HERE = ("div#appendonsend", "div#divRplyFwdMsg", "div#mail-editor-reference-message-container", "hr#stopSpelling")
"""Outlook's marks below which all is the other's mail."""

_FORWARD = re.compile(
    r"^[>\s]*(?:-{3,}|_{3,})\s*(?:Forwarded [Mm]essage|Original [Mm]essage [Ff]orwarded"
    r"|Weitergeleitete (?:Nachricht|Mail)|Message transf[ée]r[ée]"
    r"|Mensaje reenviado|Messaggio inoltrato|Mensagem encaminhada|Doorgestuurd bericht|Vidarebefordrat meddelande|Videresendt "
    r"(?:melding|besked|meddelelse)|Przekazana wiadomość|Välitetty viesti|Edelleenlähetetty viesti|Přeposlaná zpráva|Továbbított üzenet"
    r"|Mesaj redirecționat|İletilmiş ileti"
    r"|Пересылаемое сообщение|Пересланное сообщение|转发的?(?:邮件|消息)|Forwarded by .{1,60}|転送メッセージ"
    r"|전달된 메일)\s*(?:-{3,}|_{3,})?\s*$"
    r"|^[>\s]*(?:Begin forwarded message|Anfang der weitergeleiteten (?:Nachricht|E-Mail)|Début du message (?:réexpédié|transféré)"
    r"|Inicio del mensaje reenviado|Inizio (?:del )?messaggio inoltrato|Início da mensagem (?:re)?encaminhada"
    r"|Begin doorgestuurd bericht|Vidarebefordrat brev|Videresendt (?:besked|melding)"
    r"|Start (?:på )?videresendt (?:besked|melding)|Начало переадресованного сообщения"
    r"|下面是被转发的邮件|Välitetty viesti alkaa)\s*[:：]\s*$",
    re.IGNORECASE,
)
_ORIGINAL = re.compile(
    r"^[>\s]*[-_]{3,}\s*(?:Original[- ]Message|Ursprüngliche (?:Nachricht|Mail)|Original-Nachricht|Originalnachricht|Message d['’]origine"
    r"|Message original|Mensaje original|Messaggio originale|Mensagem original|Oorspronkelijk bericht|Ursprungligt meddelande"
    r"|Oprindelig meddelelse|Opprinnelig melding|Alkuperäinen viesti|Wiadomość oryginalna|Původní zpráva|Eredeti üzenet|Mesajul original"
    r"|Orijinal [İi]leti|Исходное сообщение|原始邮件|邮件原件|原始郵件|元のメッセージ|원본 메[일시]지?)\s*[-_]{3,}\s*$",
    re.IGNORECASE,
)
_FROM = (
    "From|Von|De|Da|Van|Från|Fra|Od|Lähettäjä|Feladó|De la|Kimden|Gönderen|От|Від|Expéditeur|Remitente|Mittente|Remetente"
    "|发件人|寄件者|差出人|送信者|보낸 사람"
)
_OTHERS = (
    "Sent|Date|To|Cc|Subject|Reply-To|Gesendet|Datum|An|Betreff|Kopie|Envoyé|À|A|Objet|Cc|Fecha|Enviado"
    "|Enviado el|Para|Asunto|Inviato|Data|A|Oggetto"
    "|Enviada em|Enviado em|Assunto|Verzonden|Aan|Onderwerp|Skickat|Till|Ämne|Sendt|Til|Emne|Dato|Wysłano|Wysłane|Do|Temat|Lähetetty"
    "|Vastaanottaja|Aihe|Päivä|Odesláno|Komu|Předmět|Elküldve|Címzett|Tárgy|Trimis|Către|Subiect|Tarih"
    "|Kime|Konu|Отправлено|Дата|Кому|Тема"
    "|发送时间|日期|收件人|主[ \u3000]*题|抄[ \u3000]*送|送信日時|日付|宛先|件名|보낸 날짜|날짜|받는 사람|제목"
    r"|Importance|Priority|Attachments"
)
_HEAD_FROM = re.compile(rf"^[>\s]*\*{{0,2}}(?:{_FROM})\s?[:：]\*{{0,2}}\s*\S")
_HEAD_OTHER = re.compile(rf"^[>\s]*\*{{0,2}}(?:{_OTHERS})\s?[:：]\*{{0,2}}", re.IGNORECASE)
_RULE = re.compile(r"^\s*(?:_{20,}|-{20,})\s*$")
_WHEN = re.compile(r"\b(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]{0,6}, |\d{4}|\d{1,2}[:.hH]\d{2}|\S@\S|\d{1,2}[./-]\d{1,2}[./-]\d{2}")
_ADDRESS = re.compile(r"<[^<>\s]+@[^<>\s]+>")
_STARTS = re.compile(
    r"^(?:On|At|Am|Le|El|Il|Em|No dia|Op|Den|På|Dne|Dnia|W dniu|În|Pe|\d|(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun|Mo|Di|Mi|Do|Fr|Sa|So|lun|mar|mer"
    r"|jeu|ven|sam|dim|ma|ti|ke|to|pe|la|su|tir|tor|lør|søn|mån|tis|lör|sön|пн|вт|ср|чт|пт|сб|вс|понедельник|вторник|среда|четверг"
    r"|пятница|суббота|воскресенье)\b)"
)
_SENT_FROM = re.compile(
    r"^-{0,3} ?(?:(?:Sent|Von meinem|Gesendet|Diese Nachricht wurde|Envoyé|Enviado|Inviato|Verzonden"
    r"|Verstuurd|Skickat|Sendt|Wysłano|Wysłane"
    r"|Lähetetty|Odesláno|Отправлено|Получите) (?:from|via|with|using|by|von|mit|vom|aus|depuis|de|desde"
    r"|do|da|dal|van|vanaf|met|från|fra|med"
    r"|z|ze|с|из|iPhonesta|iPhonestani|Outlook|mon|mi|meu|mijn|min|mein)\b.{0,60}|Von meinem \S+ gesendet\.?|Get Outlook for .{1,40}"
    r"|Outlook für .{1,20} (?:beziehen|herunterladen)|Télécharger Outlook pour .{1,20}|Holen Sie sich Outlook für .{1,20}"
    r"|iPhoneから送信|発信元: ?iPhone|发自我的.{1,20}|从我的.{1,12}发送|내 .{1,12}에서 보냄)\s*(?:<[^<>]*>)?$",
    re.IGNORECASE,
)
_WROTE = re.compile(
    r"\b(?:wrote|writes|schrieb|a écrit|écrit|escribió|ha scritto|scrive|escreveu|schreef|skrev|kirjoitti|napisał(?:\(a\))?"
    r"|napsala?|napísala?"
    r"|napsal\(a\)|pisze|írta|a scris|написала?|пише|пишет)\b|yazdı|写道|寫道|のメッセージ|のメール|さんは書きました|작성|썼습니다",
    re.IGNORECASE,
)
_QUOTED = re.compile(r"^[\ufeff\u200b \t]{0,8}> ?")
_DASHES = re.compile(r"^--[ \t]*$")
_SIGNED = 12
"""Lines of a signature below "--" without the blank that belongs to it; more are a text."""


@dataclass(frozen=True)
class Parts:
    """A mail's text, sorted."""

    own: str
    quoted: str = ""
    """What it answers, with the marks of the first level taken off."""
    above: str = ""
    """What the program wrote over the quotation: who, and when."""
    forwarded: str = ""
    signature: str = ""


def marked(tree: "HtmlElement") -> tuple[str, list[str]]:
    """The text of an HTML mail in which the elements that say what they are stand as marks, and their texts."""
    from pete.data.sources.html_text import select, text_of

    taken: list[str] = []
    done: set[HtmlElement] = set()

    def put(element: "HtmlElement") -> None:
        kinds = {one: kind for kind, selectors in _SETS_APART.items() for one in select(element, selectors)}
        for one in select(element, [selector for selectors in _SETS_APART.values() for selector in selectors]):
            kind = kinds[one]
            if one in done or (one.tag == "blockquote" and _INDENTED.search(one.get("style") or "")):
                continue
            done.add(one)
            put(one)
            taken.append(text_of(one))
            _replace(one, f"{kind}{len(taken) - 1}")

    for one in select(tree, _ENDS_HERE)[:1]:
        one.addprevious(_line(f"{_BELOW}0"))
        taken.append("")
    put(tree)
    return text_of(tree), taken


def _line(text: str) -> "HtmlElement":
    from lxml import html

    line = html.Element("div")
    line.text = text
    return line


def _replace(element: "HtmlElement", text: str) -> None:
    if (parent := element.getparent()) is not None:
        line = _line(text)
        line.tail, element.tail = element.tail, None
        parent.replace(element, line)


def split(text: str, taken: Sequence[str] = ()) -> Parts:
    """Sort the lines of a mail's text (they end with LF). No word of the author's is taken for another's unless a mark says so.

    Args:
        text: its lines.
        taken: texts of the marks in it (see `marked`).
    """
    lines = text.split("\n")
    kinds = ["o"] * len(lines)
    for number, line in enumerate(lines):
        if (mark := _MARK.match(line)) and int(mark[2]) < len(taken):
            kinds[number] = {_QUOTE: "q", _SIGNATURE: "s", _ABOVE: "a", _BELOW: "o"}[mark[1]]
            if mark[1] == _ABOVE and _FORWARD.match(taken[int(mark[2])].partition("\n")[0]):
                kinds[number:] = "f" * (len(lines) - number)
                break
        elif _QUOTED.match(line):
            kinds[number] = "q"
    _rest(lines, kinds)
    _above(lines, kinds)
    _signatures(lines, kinds)

    def of(*wanted: str) -> str:
        runs: list[list[str]] = [[]]
        for line, kind in zip(lines, kinds, strict=True):
            if kind in wanted:
                mark = _MARK.match(line)
                shown = taken[int(mark[2])] if mark and int(mark[2]) < len(taken) else line
                runs[-1].append(_QUOTED.sub("", shown) if kind == "q" and not mark else shown)
            elif line.strip() or kind != "o":
                runs.append([])
        return "\n\n".join(piece for run in runs if (piece := _trimmed(run)))

    return Parts(own=of("o"), quoted=of("q", "h"), above=of("a"), forwarded=of("f"), signature=of("s"))


def answered(parts: Parts, taken: Sequence[str] = ()) -> str:
    """The words that a mail answers: the quotation without what is quoted in it, and without its signature."""
    inner = split(parts.quoted, taken)
    return inner.own or (split(inner.quoted, taken).own if inner.above else "")  # "On ... wrote:" may stand inside


def _trimmed(lines: list[str]) -> str:
    """The lines without blank ones around them; blanks within stay."""
    first = next((number for number, line in enumerate(lines) if line.strip()), len(lines))
    last = next((number for number in range(len(lines), first, -1) if lines[number - 1].strip()), first)
    return "\n".join(lines[first:last]).rstrip()


def _rest(lines: list[str], kinds: list[str]) -> None:
    """Below some lines everything is another's: forwarded (f), or the mail answered in Outlook's way (h)."""
    for number, line in enumerate(lines):
        if kinds[number] not in "oq" or (kinds[number] == "q" and not _QUOTED.match(line)):
            continue
        if _FORWARD.match(line) and kinds[number] == "o":
            kinds[number:] = "f" * (len(lines) - number)
            return
        if kinds[number] != "o":
            continue
        original = bool(_ORIGINAL.match(line)) or line.strip().startswith(_BELOW)
        block = _head_block(lines, number + 1 if original else number)
        if original or block:
            first = number
            while first and (_RULE.match(lines[first - 1]) or not lines[first - 1].strip()):
                first -= 1
            end = max(block, number + original)
            kinds[first:end] = "a" * (end - first)
            below = lines[end:]
            if not any(kind == "q" for kind in kinds[end : end + 3]):
                kinds[end:] = "h" * len(below)
                return
        elif _wrote_without_marks(lines, kinds, number):
            return


def _head_block(lines: list[str], first: int) -> int:
    """The line after "From: ... Sent: ... To: ... Subject: ..." that begins at a line, or 0. A head that is shown has more above it."""
    while first < len(lines) and (not lines[first].strip() or _RULE.match(lines[first])):
        first += 1
    if first >= len(lines) or not _HEAD_FROM.match(lines[first]) or (first and _HEAD_OTHER.match(lines[first - 1])):
        return 0
    found, end, folded = 0, first + 1, 0
    for number in range(first + 1, min(first + 16, len(lines))):
        if _HEAD_OTHER.match(lines[number]):
            found, end, folded = found + 1, number + 1, 0
        elif lines[number].strip() and ("@" in lines[first] or found):
            folded += 1
            if folded > 2:  # a line or two of a long list of names
                break
        elif lines[number].strip():
            break
    return end if found >= 2 else 0


def _wrote_without_marks(lines: list[str], kinds: list[str], number: int) -> bool:
    """Find "On ... wrote:" above a text without ">": all below is another's. It needs a date or an address: people write "Ada wrote:"."""
    for count in (1, 2, 3):
        piece = lines[number : number + count]
        joined = " ".join(line.strip() for line in piece)
        if len(piece) < count or not all(line.strip() for line in piece) or len(joined) > 400:
            return False
        if not joined.endswith((":", "：")):
            continue
        if not _WHEN.search(joined) or not (_STARTS.match(joined) or (count == 1 and _ADDRESS.search(joined))) or not _WROTE.search(joined):
            return False
        following = next((kind for line, kind in zip(lines[number + count :], kinds[number + count :], strict=True) if line.strip()), "")
        kinds[number : number + count] = "a" * count
        if following == "o":
            kinds[number + count :] = "h" * (len(lines) - number - count)
            return True
        return False
    return False


def _above(lines: list[str], kinds: list[str]) -> None:
    """What a mail program writes over a quotation, whatever the language: the lines just above, to a colon, with a date or an address."""
    for number in range(1, len(lines)):
        if kinds[number] != "q" or kinds[number - 1] == "q":
            continue
        last = number - 1
        while last > 0 and not lines[last].strip() and number - last < 3:
            last -= 1
        if kinds[last] != "o" or not lines[last].rstrip(" *_\u200e").endswith((":", "：")):
            continue
        best = 0
        for count in range(1, 5):
            first = last - count + 1
            if first < 0 or kinds[first] != "o" or not lines[first].strip():
                break
            joined = " ".join(line.strip() for line in lines[first : last + 1])
            if _WHEN.search(joined) and len(joined) < 400 and (_STARTS.match(joined) or (count == 1 and not best)):
                best = count
                if _STARTS.match(joined):
                    break
        if best:
            kinds[last - best + 1 : last + 1] = "a" * best


def _signatures(lines: list[str], kinds: list[str]) -> None:
    """Below "-- ", to the next quotation; and what a phone writes at the end."""
    number = 0
    while number < len(lines):
        if kinds[number] == "o" and _DASHES.match(lines[number]):
            end = next((n for n in range(number + 1, len(lines)) if kinds[n] != "o"), len(lines))
            filled = sum(bool(line.strip()) for line in lines[number + 1 : end])
            if lines[number] == "-- " or filled <= _SIGNED:
                kinds[number:end] = "s" * (end - number)
                number = end
        number += 1
    for number, line in enumerate(lines):
        if kinds[number] == "o" and _SENT_FROM.match(line.strip()):
            following = next((n for n in range(number + 1, len(lines)) if lines[n].strip()), len(lines))
            if following == len(lines) or kinds[following] != "o":
                kinds[number] = "s"
