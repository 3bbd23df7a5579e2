import base64
import quopri

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pete.data.sources.mail_message import Mail


def text_of(head: str, body: bytes) -> str:
    part = Mail(head.encode() + b"\n\n" + body).shown()
    return part.text if part else ""


@pytest.mark.parametrize(("head", "body", "text"), [
    ("Content-Type: text/plain; charset=iso-8859-1\nContent-Transfer-Encoding: quoted-printable",
     b"Caf=E9 =93at=\n ten=94?", "Café “at ten”?"),
    ("Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: BASE64", base64.encodebytes("Grüße…\r\n".encode()), "Grüße…\n"),
    ("Content-Type: text/plain; charset=\"windows-1251\"", "Чай?".encode("cp1251"), "Чай?"),
    ("Content-Type: text/plain; charset=gb2312", "喝茶".encode("gb18030"), "喝茶"),
    ("Content-Type: text/plain; charset=us-ascii", "Café".encode(), "Café"),
    ("Content-Type: text/plain; charset=no-such", "Café".encode("cp1252"), "Café"),
    ("Subject: nothing said", "Größe".encode(), "Größe"),
    ("Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit", b"caf\xe9 \x00", "café \x00"),
    ("Content-Type: text/plain; format=flowed", b"One line \nthat goes on.\n\n > kept\n>quoted \n>too\n-- \nMina", None),
])  # fmt: skip
def test_the_letters_are_those_that_were_written(head, body, text):
    assert text_of(head, body) == (text or "One line that goes on.\n\n> kept\n>quoted \n>too\n-- \nMina")


def parts(kind: str, *pieces: tuple[str, str], end: str = "--b--\n") -> Mail:
    body = "".join(f"--b\nContent-Type: {head}\n\n{text}\n" for head, text in pieces)
    return Mail(f'Content-Type: multipart/{kind};\n boundary="b"\n\nno text\n{body}{end}'.encode())


def test_html_is_what_the_author_saw_and_attachments_are_nobodys_words():
    both = parts("alternative", ("text/plain", "broken at\nseventy"), ("text/html", "<p>whole</p>"))
    assert (part := both.shown()) and part.text == "<p>whole</p>" and not part.cut
    assert (part := parts("alternative", ("text/plain", "text"), ("text/html", " ")).shown()) and part.text == "text"
    attached = parts("mixed", ("text/plain", "mine"), ("text/html; name=a.html\nContent-Disposition: attachment", "<p>not mine</p>"))
    assert (part := attached.shown()) and part.text == "mine" and attached.types == {"multipart/mixed", "text/plain", "text/html"}
    assert parts("mixed", ("image/png", "x")).shown() is None


def test_a_mail_that_breaks_off_says_so():
    assert (part := parts("mixed", ("text/plain", "One wo"), end="").shown()) and part.cut
    assert (part := parts("mixed", ("text/plain", "Whole."), ("image/png", "iVB"), end="").shown()) and not part.cut


def test_containers_in_containers_and_boundaries_that_begin_alike():
    inner = "multipart/alternative; boundary=b2\n\n--b2\nContent-Type: text/plain\n\ninner\n--b2--"
    assert (part := parts("mixed", (inner.split("\n\n")[0], inner.split("\n\n", 1)[1])).shown()) and part.text == "inner"


def test_headers_in_words():
    mail = Mail(
        b"X-Gmail-Labels: =?UTF-8?Q?Archiv=C3=A9s,Envoy=C3=A9?=\n =?UTF-8?Q?,=22x=2Cy=22?=\n"
        b"From: =?utf-8?q?Holt=2C_M=C3=ADna?= <Mina@Example.org>\nSubject: =?utf-8?B?UmU6IEFXOiBUZWE=?=\nReferences: <1@x>\n <2@x>\n"
        b"In-Reply-To: <2@x>\nMessage-ID: <3@x>\nDate: Mon, 7 Apr 2025 14:31:02 +0200\n\nx"
    )
    assert mail.labels == ("Archivés", "Envoyé", "x,y") and mail.sender == ("mina@example.org", "Holt, Mína") and mail.subject == "Tea"
    assert (mail.id, mail.answers, mail.ancestors, mail.thread) == ("<3@x>", "<2@x>", ("<1@x>", "<2@x>"), "<1@x>")
    assert mail.date and mail.date.isoformat() == "2025-04-07T14:31:02+02:00"
    assert Mail(b"X-GM-THRID: 1828\nReferences: <1@x>\nDate: 99 Foo\nSubject: S=\xfc\xdf\n\nx").thread == "1828"
    assert Mail(b"Date: yesterday\n\nx").date is None and Mail(b"From: <>\n\n").sender == () and Mail(b"").shown() is None
    assert Mail(b"Subject: =?utf-8?b?w?= =?x?q?y?=\n\n").subject


@given(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\0\ufeff")),
    st.sampled_from(["base64", "quoted-printable", "8bit"]),
)
def test_what_was_encoded_comes_back(text, encoding):
    data = text.encode()
    packed = {"base64": base64.encodebytes(data), "quoted-printable": quopri.encodestring(data), "8bit": data}[encoding]
    shown = text_of(f"Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: {encoding}", packed)
    assert shown == text or not text.strip() or (encoding != "base64" and shown.strip("\n") == text.strip("\n"))


PIECES = [b"--b", b"--b--", b"\n", b"\r\n", b"Content-Type: multipart/mixed; boundary=b", b"Content-Type:", b' text/html; charset="',
          b"=?utf-8?q?=", b"From: ", b"\xff", b"References: <"]  # fmt: skip


@given(st.binary(max_size=300) | st.lists(st.sampled_from(PIECES), max_size=20).map(b"".join))
def test_whatever_the_bytes_there_is_something_to_read(data):
    mail = Mail(data)
    assert isinstance(mail.subject, str) and isinstance(mail.thread, str) and isinstance(mail.labels, tuple) and mail.types
    assert mail.date is None or mail.date.tzinfo is not None
    assert (part := mail.shown()) is None or part.text.strip()
