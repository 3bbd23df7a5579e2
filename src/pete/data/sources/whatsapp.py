"""WhatsApp's exported chats, of both phones and of any country: its dates are told apart by what stands in the whole file."""

import datetime
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pete.data.sources.chat import Said, turns
from pete.data.sources.decode import beginning, encoding_of, text_lines
from pete.data.sources.files import SourceFile
from pete.data.sources.record import ImportOptions, Reader, Reason, Record, Unreadable

_TURNS = "\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff"
_MARKS = re.compile(f"[{_TURNS}]")
_HALVES = (
    r"(?P<half{}>[AaPp]\.?\s?[Mm]\.?|上午|下午|中午|凌晨|晚上"
    r"|早上|오전|오후|午前|午後|[صم]|vorm\.|nachm\.|SA|CH|ÖÖ|ÖS|π\.μ\.|μ\.μ\.|de\.|du\.)"
)
_STAMP = (
    r"(?P<one>\d{1,4})\s?[./\-年년]\s?(?P<two>\d{1,2})\s?[./\-月월]\s?(?P<three>\d{1,4})[.日일]?,?\s*"
    rf"(?:(?:klo|kl\.?|um|à|às|alle|a las|om|в|o|ob|at|,)\s+)?(?:{_HALVES.format('1')}\s?)?"
    rf"(?P<hour>\d{{1,2}})\s?[:.h]\s?(?P<minute>\d\d)(?:[:.](?P<second>\d\d))?(?:\s?{_HALVES.format('2')})?(?:\s?Uhr)?"
)
_BRACKETS = re.compile(rf"\[{_STAMP}\]\s?(?P<rest>.*)", re.DOTALL)
_DASH = re.compile(rf"{_STAMP}\s+[-–]\s(?P<rest>.*)", re.DOTALL)
_AFTERNOON = re.compile(r"p|下午|中午|晚上|오후|午後|م|nachm|CH|ÖS|μ\.μ|du\.", re.IGNORECASE)

_REMOVED = re.compile(
    r"(?:this message was deleted|you deleted this message|this message was deleted by admin .*|diese nachricht wurde gelöscht"
    r"|du hast diese nachricht gelöscht|ce message a été supprimé|vous avez supprimé ce message|se eliminó este mensaje"
    r"|este mensaje fue eliminado|eliminaste este mensaje|questo messaggio è stato eliminato|hai eliminato questo messaggio"
    r"|(?:essa|esta) mensagem foi apagada|(?:você )?apagou esta mensagem|mensagem apagada|dit bericht is verwijderd"
    r"|(?:je|u) hebt dit bericht verwijderd|det här meddelandet togs bort|du tog bort (?:det här|detta) meddelandet?"
    r"|tämä viesti poistettiin|poistit tämän viestin|to wiadomość została usunięta|ta wiadomość została usunięta|данное сообщение удалено"
    r"|вы удалили данное сообщение|bu mesaj silindi|此消息已删除|このメッセージは削除されました|삭제된 메시지입니다)\.?",
    re.IGNORECASE,
)
_MEDIA = re.compile(
    r"(?:(?:image|video|audio|sticker|GIF|document|contact card|photo)s? omitted|(?:Bild|Video|Audio|Sticker|GIF|Dokument|Kontaktkarte)\s?"
    r"(?:weggelassen|ausgelassen)|(?:image|vidéo|audio|sticker|GIF|document|fiche contact) (?:absente?|omise?|non incluse?)"
    r"|(?:imagen|video|audio|sticker|GIF|documento|tarjeta de contacto) omitid[oa]|(?:immagine"
    r"|video|audio|sticker|GIF|documento) omess[oa]"
    r"|(?:imagem|vídeo|áudio|figurinha|GIF|documento) (?:ocultad[oa]|omitid[oa])|(?:afbeelding"
    r"|video|audio|sticker|GIF|document) weggelaten"
    r"|(?:bild|video|ljud|klistermärke) utelämnad|(?:kuva|video|ääni|tarra|GIF) (?:jätetty pois|puuttuu)"
    r"|(?:Missed|Verpasster?|Appel|Llamada|Chiamata|Chamada|Gemiste) .{0,30}(?:call|anruf|manqué|perdida|persa|oproep)"
    r"|null|<[^<>\n]{3,60}>|\S[^\n]{0,80}\.vcf \([^()\n]+\))\.?",
    re.IGNORECASE,
)
"""A message that is nothing but a picture, a call, a card: in words, or in <any words>."""
_FILE = re.compile(r"^(?:\S{1,60}-\d{8}-WA\d+\.\w{2,5}|[^\n]{1,100}\.\w{2,5}) \((?:file attached|[^()\n]{4,40})\)[ \t]*(?:\n|$)")
_ATTACHED = re.compile(
    r"\u200e?<(?:attached|adjunto|Anhang|pièce jointe|allegato|anexado|bijgevoegd|bifogad|liitetty|załącznik|вложено|添付ファイル|附件"
    r"|첨부)"
    r"\s?:[^<>\n]*>",
    re.IGNORECASE,
)
_EDITED = re.compile(
    r"[ \u200e]*<[^<>\n]{0,40}(?:edited|bearbeitet|modifié|editado|editó|modificato|editada|bewerkt|redigerat|muokattu|edytowano"
    r"|изменено|已编辑"
    r"|編集|düzenlendi)[^<>\n]{0,40}>\s*$",
    re.IGNORECASE,
)
_SECRET = re.compile(
    r"(?:Messages (?:and calls|you send to this|to this)|Nachrichten und Anrufe sind"
    r"|Les messages et les appels sont|Los mensajes y las llamadas|I messaggi e le chiamate|As mensagens e (?:as )?(?:ligações|chamadas)"
    r"|Berichten en gesprekken|Meddelanden och samtal) .{0,30}"
    r"(?:end-to-end|Ende-zu-Ende|bout en bout|extremo a extremo|crittografati|ponta a ponta)"
)
_CUT = re.compile(r"\n(?:\[\d{1,4}[./-][^\n\]]*|\d{1,4}[./-]\d{1,2}[./-]\d{2,4}[, ][^\n:]{0,9}(?:[:.]\d{0,2})?(?: -?)?)\Z")
_HEADS = 20
"""Lines of the beginning by which a chat is known."""


@dataclass
class _Line:
    """One message, while its lines are gathered."""

    number: int
    stamp: "re.Match[str] | None"
    rest: str


def _stamped(line: str) -> re.Match[str] | None:
    bare = line.lstrip(_TURNS.replace("-", "") + "\u202b\u202c\u202d\u2067\u2068")
    if not bare[:1].isdigit() and bare[:1] != "[":
        return None
    # marks of writing direction stand between the digits where people write from the right; the message itself keeps its own
    end = bare.find("]") if bare[:1] == "[" else next((m.start() for m in re.finditer(r"\s[-–]\s", bare[:60])), -1)
    if not 0 < end < 60:
        return None
    head = _MARKS.sub("", bare[:end]).replace("\u202f", " ").replace("\xa0", " ")
    return (_BRACKETS if bare[:1] == "[" else _DASH).fullmatch(head + bare[end:])


def _recognises(file: SourceFile) -> bool:
    if file.suffix != ".txt":
        return False
    lines = [line.rstrip("\r") for line in beginning(file).split("\n")[:_HEADS] if line.strip()]
    found = sum(_stamped(line) is not None for line in lines)
    return found >= 2 or (found == 1 and _stamped(lines[0]) is not None)


def _lines(file: SourceFile) -> Iterator[_Line]:
    """The messages with their continuation lines."""
    now: _Line | None = None
    with file.open() as stream:
        codec = encoding_of(file.head, file.label, whole=file.size <= len(file.head))
        for number, text in text_lines(stream, file.label, codec):
            if stamp := _stamped(text):
                if now:
                    yield now
                now = _Line(number, stamp, stamp["rest"])
            elif now is None:
                if text.strip(f"\ufeff {_TURNS}"):
                    now = _Line(number, None, text)
            else:
                now.rest += f"\n{text}"
    if now and now.stamp and (cut := _CUT.search(now.rest)):  # a file that breaks off in the beginning of a line
        last = now.number + now.rest.count("\n")
        now.rest, rest = now.rest[: cut.start()], cut[0].strip()
        yield now
        now = _Line(last, None, rest)
    if now:
        yield now


def _order(file: SourceFile, day_first: bool | None) -> str:
    """In which order the file writes days: "ymd", "dmy", "mdy" or, as in Kazakhstan, "ydm".

    Raises:
        Unreadable: nothing in it shows which.
    """
    seen: list[tuple[int, int, int]] = []
    dots = 0
    for line in _lines(file):
        if line.stamp and (three := _three(line.stamp)) not in seen[-1:]:
            seen.append(three)
            dots += "." in line.stamp.string[line.stamp.start("one") : line.stamp.end("three")]
    if any(one > 999 for one, _, _ in seen):
        return "ydm" if any(two > 12 for _, two, _ in seen) and not any(three > 12 for _, _, three in seen) else "ymd"
    fits = [order for order in ("dmy", "mdy", "ymd") if all(_day(three, order) for three in seen)]
    fits = fits or [order for order in ("ydm",) if all(_day(three, order) for three in seen)]
    if len(fits) > 1 and "ymd" in fits:  # with a year of two digits it comes last nearly everywhere
        fits.remove("ymd")
    in_time = [order for order in fits if _rises([day for three in seen if (day := _day(three, order))])]
    for order, wanted in (("dmy", True), ("mdy", False)):
        if order in fits and day_first is wanted:
            return order
    if len(fits) == 1 or (len(fits) > 1 and dots):  # nobody writes the month first with dots
        return fits[0]
    if len(in_time) == 1 and len(set(seen)) > 2:
        return in_time[0]
    if not seen:
        return "ymd"
    shown = "/".join(map(str, next((three for three in seen if not any(_day(three, order) for order in ("dmy", "mdy", "ymd"))), seen[0])))
    if not fits:
        raise Unreadable(f"{file.label}: its dates fit no calendar, such as {shown}")
    raise Unreadable(f"{file.label}: nothing shows whether {shown} has the day or the month first: say --day-first or --month-first")


def _three(stamp: re.Match[str]) -> tuple[int, int, int]:
    return int(stamp["one"]), int(stamp["two"]), int(stamp["three"])


def _day(three: tuple[int, int, int], order: str) -> datetime.date | None:
    found = dict(zip(order, three, strict=True))
    year = found["y"] + (2000 if found["y"] < 100 else 0)
    try:
        day = datetime.date(year, found["m"], found["d"])
    except ValueError:
        return None
    return day if 2009 <= year < 2100 else None  # when WhatsApp began


def _rises(days: Iterable[datetime.date]) -> bool:
    last = datetime.date.min
    for day in days:
        if day < last:
            return False
        last = day
    return True


def _moment(stamp: re.Match[str], order: str) -> datetime.datetime | None:
    day = _day(_three(stamp), order)
    half = stamp["half1"] or stamp["half2"]
    hour = int(stamp["hour"])
    if half:
        hour = hour % 12 + (12 if _AFTERNOON.search(half) else 0)
    if day is None or hour > 23 or int(stamp["minute"]) > 59:
        return None
    at = datetime.time(hour, int(stamp["minute"]), min(59, int(stamp["second"] or 0)), tzinfo=datetime.UTC)  # its zone is written nowhere
    return datetime.datetime.combine(day, at)


def _said(line: _Line, where: str, order: str) -> Said:
    if line.stamp is None:
        return Said(text=line.rest, where=where, dropped=Reason.DAMAGED)
    date = _moment(line.stamp, order)
    name, colon, text = line.rest.partition(": ")
    if not colon and line.rest.split("\n")[0].endswith(":"):
        name, colon, text = line.rest.partition(":")
    name = _MARKS.sub("", name).strip().lstrip("~").strip("\u202f\xa0 ")
    if not colon or "\n" in name or not name or len(name) > 80:
        return Said(text=line.rest, where=where, date=date, dropped=Reason.SYSTEM)
    text = text.removeprefix("\n")
    own = _ATTACHED.sub("", _EDITED.sub("", text))
    own = _FILE.sub("", own.lstrip("\u200e")) if _FILE.match(own.lstrip("\u200e")) else own
    bare = _MARKS.sub("", own).strip()
    reason = None
    if not bare or _MEDIA.fullmatch(bare):
        reason = Reason.EMPTY
    elif _REMOVED.fullmatch(bare):
        reason = Reason.REMOVED
    elif own.startswith("\u200e") or _SECRET.match(bare):  # WhatsApp's own words on an iPhone: who came, who left, what is encrypted
        reason = Reason.SYSTEM
    return Said(text=_MENTIONS.sub("", own) if reason is None else text, where=where, author=(name,), date=date, dropped=reason)


_MENTIONS = re.compile("[\u2068\u2069]")
"""Stand round the name of somebody who is spoken to."""


def _chat_name(file: SourceFile) -> str:
    from_iphone = file.basename.lower().endswith("_chat.txt")
    name = (file.folder.rpartition("/")[2] or file.source.name) if from_iphone else file.basename
    return re.sub(r"(?: ?\(\d+\))?(?:\.(?:txt|zip))*$", "", name, flags=re.IGNORECASE)


def _read(file: SourceFile, options: ImportOptions) -> Iterator[Record]:
    order = _order(file, options.day_first)
    said = (_said(line, f"{file.label}:{line.number}", order) for line in _lines(file))
    yield from turns(said, chat=_chat_name(file))


READER = Reader("whatsapp", "WhatsApp chat", _recognises, _read)
"""Chats that WhatsApp exports as text."""
