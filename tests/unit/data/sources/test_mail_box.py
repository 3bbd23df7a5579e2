import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pete.data.sources import mail_box
from pete.data.sources.files import Source
from pete.data.sources.mail_box import holds_mail, raw_mails
from pete.data.sources.record import Unreadable

SEPARATOR = b"From 1828754568043628583@xxx Mon Apr 07 14:31:02 +0000 2025\n"


def mail(number: int, body: bytes = b"Tea.\n") -> bytes:
    return b"From: Me <me@example.org>\nTo: a@example.org\nSubject: %d\n\n" % number + body


def box(*bodies: bytes, separator: bytes = SEPARATOR) -> bytes:
    return b"".join(separator + mail(number, body) + b"\n" for number, body in enumerate(bodies))


def bodies(tmp_path, data: bytes, name: str = "Sent.mbox") -> list[bytes]:
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    with Source(path) as source:
        assert holds_mail(source.files[0]), "recognised"
        return [raw.data.replace(b"\r\n", b"\n").split(b"\n\n", 1)[-1].rstrip(b"\n") for raw in raw_mails(source.files[0])]


@pytest.mark.parametrize("separator", [
    SEPARATOR, b"From - Mon Apr  7 14:31:02 2025\n", b"From me@example.org Mon Apr  7 14:31:02 2025\n",
    b"From MAILER-DAEMON Mon, 07 Apr 2025 14:31:02 +0000\n", b'From "me you"@example.org Mon Apr 07 14:31:02 2025\n',
])  # fmt: skip
def test_mails_begin_at_a_line_with_a_date_above_headers(tmp_path, separator):
    written = [
        b"From Monday on we bake.\n\nFrom the oven.",
        b"See\n\n>From the oven on: 2025",
        b"From me Mon Apr 7 14:31:02 2025\nis no header",
    ]
    assert bodies(tmp_path, box(*written, separator=separator)) == [written[0], b"See\n\nFrom the oven on: 2025", written[2]]
    assert bodies(tmp_path, box(b"One.", b"Two.").replace(b"\n", b"\r\n")) == [b"One.", b"Two."]
    assert bodies(tmp_path, b"\xef\xbb\xbf\n" + box(b"One.", b"Two.").replace(b"\n\nFrom", b"\nFrom")) == [b"One.", b"Two."], (
        "no blank line"
    )


def test_a_quoted_line_that_begins_with_from_is_still_quoted(tmp_path):
    assert bodies(tmp_path, box(b">Tea?\n>From the oven.\n>Yes")) == [b">Tea?\n>From the oven.\n>Yes"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(0, 90), min_size=1, max_size=6), st.integers(130, 400))
def test_where_the_pieces_that_are_read_end_makes_no_difference(tmp_path, lengths, chunk):
    written = [b"word %d\n" % number * length + b"." for number, length in enumerate(lengths)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mail_box, "_CHUNK", chunk)
        assert bodies(tmp_path, box(*written)) == written


def test_a_mail_without_an_end_is_cut_not_held_in_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(mail_box, "LARGEST", 1000)
    monkeypatch.setattr(mail_box, "_CHUNK", 300)
    big, small = bodies(tmp_path, box(b"A" * 100_000, b"Two."))
    assert 800 < len(big) <= 1000 and small == b"Two."


@pytest.mark.parametrize("name", ["a.eml", "Maildir/cur/1700000000.M1P2.host:2,S", "message"])
def test_one_mail_a_file(tmp_path, name):
    assert bodies(tmp_path, mail(1, b"One.\n")) == [b"One."] and bodies(tmp_path, mail(1, b"One.\n"), name) == [b"One."]


def test_apples_files_say_how_long_they_are_and_what_is_a_draft(tmp_path):
    def emlx(flags: int, size: int | None = None) -> bytes:
        data = mail(1, b"One.\n")
        return b"%d      \n" % (size or len(data)) + data + b"<?xml?><plist><key>flags</key>\n<integer>%d</integer></plist>" % flags

    assert bodies(tmp_path, emlx(1), "7.emlx") == [b"One."]
    for flags, drafted in ((1, False), (65, True)):
        (tmp_path / "8.emlx").write_bytes(emlx(flags))
        with Source(tmp_path / "8.emlx") as source:
            assert [raw.drafted for raw in raw_mails(source.files[0])] == [drafted]
    with pytest.raises(Unreadable, match="breaks off"):
        bodies(tmp_path, emlx(1, 9999), "9.emlx")


@pytest.mark.parametrize(("name", "data"), [
    ("a.txt", b"From: the kitchen\nTo: the table\n\nBread."), ("a.md", b"---\ntitle: x\n---\nFrom: a"),
    ("From.txt", b"From Monday on we bake.\nYes"),
    ("a.yaml", b"date: x\nfrom: y\nlist:\n  - z\n\n"), ("a.mbox", b"nothing"), ("a.eml", b"Dear Ada,\n\ntea?"),
])  # fmt: skip
def test_what_is_no_mail_is_left_to_others(tmp_path, name, data):
    (tmp_path / name).write_bytes(data)
    with Source(tmp_path / name) as source:
        assert not holds_mail(source.files[0])
