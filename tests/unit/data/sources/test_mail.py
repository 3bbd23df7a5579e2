import pytest

from pete.data.examples import Message
from pete.data.sources.record import Reason
from tests.unit.data.sources.reading import outcome, records_of

TAKEOUT = (
    b"From 1828754568043628583@xxx Mon Apr 07 14:31:02 +0000 2025\r\nX-GM-THRID: 1828\r\n"
    b"X-Gmail-Labels: =?UTF-8?Q?Archiv=C3=A9s,Envoy=C3=A9?=\r\nFrom: Me <me@example.org>\r\nIn-Reply-To: <a@y>\r\n"
    b"Content-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
    b"Caf=E9 at ten?\r\n\r\nLe lun. 7 avr. 2025 =E0 10:00, Ada a =E9crit :\r\n> When?\r\n"
)
LONG = "I would like to know when the bread comes, and whether there is salt on it this time."


def mail(text: str, who: str = "me@example.org", number: int = 1, **headers: str) -> str:
    more = "".join(f"{name.replace('_', '-')}: {value}\n" for name, value in headers.items())
    date = f"Mon, 5 Jan 2026 10:{number:02}:00 +0000"
    return f"From: {who}\nTo: ada@example.org\nSubject: Tea\nDate: {date}\nMessage-ID: <{number}@x>\n{more}\n{text}"


def box(*mails: str) -> str:
    return "".join(f"From - Mon Jan  5 10:00:00 2026\n{one}\n\n" for one in mails)


@pytest.mark.parametrize("name", ["Takeout/Mail/All mail.mbox", "Sent Messages.mbox/mbox", "Takeout/Courrier/Messages envoyés.mbox"])
def test_takeout_and_apples_folder(tmp_path, name):
    (one,) = records_of(tmp_path, {name: TAKEOUT})
    assert (one.text, one.before) == ("Café at ten?", (Message("user", "When?"),)) and one.where.endswith("message 1")
    assert (one.author, one.own, one.thread, one.channel) == (("me@example.org", "Me"), None, "1828", "email")


def test_an_answer_without_a_quotation_finds_its_question_in_another_file(tmp_path):
    files = {
        "Sent/cur/2.eml": mail("Ten.", number=2, In_Reply_To="<1@x>", References="<0@x> <1@x>"),
        "Inbox.mbox": box(mail("When?\n\n> older\n-- \nAda", who="Ada <ada@example.org>")),
    }
    found = {r.id: r for r in records_of(tmp_path, files)}
    assert found["<2@x>"].before == (Message("user", "When?"),) and found["<2@x>"].thread == "<0@x>"
    assert found["<1@x>"].author == ("ada@example.org", "Ada") and found["<1@x>"].text == "When?"


def test_a_word_more_to_oneself_answers_nobody(tmp_path):
    above = "On Mon, Jan 5, 2026 at 10:01 AM Me <me@example.org> wrote:\n> Ten."
    found = records_of(tmp_path, {"a.mbox": box(mail("Ten."), mail(f"Or eleven.\n\n{above}", number=2, In_Reply_To="<1@x>"))})
    assert [(r.text, r.before) for r in found] == [("Ten.", ()), ("Or eleven.", ())]


def test_an_answered_mail_that_stands_in_the_answer_without_a_mark_is_not_learnt(tmp_path):
    parent = mail(LONG, who="ada@example.org")
    found = records_of(tmp_path, {"a.mbox": box(parent, mail(f"Yes. {LONG} I do.", number=2, In_Reply_To="<1@x>"))})
    assert found[1].dropped == Reason.QUOTE and LONG in found[1].text, "said, and shown"


@pytest.mark.parametrize(("headers", "text", "reason"), [
    ({"Auto_Submitted": "auto-replied"}, "I am away.", Reason.AUTOMATIC),
    ({"Auto_Submitted": "no"}, "Here.", None),
    ({"Precedence": "bulk"}, "News.", Reason.AUTOMATIC),
    ({"Precedence": "list", "List_Post": "<mailto:l@example.org>"}, "To the list.", None),
    ({"List_Unsubscribe": "<mailto:l@example.org>"}, "News.", Reason.AUTOMATIC),
    ({"X_Autoreply": "yes"}, "Away.", Reason.AUTOMATIC),
    ({"Content_Type": "text/calendar; method=REPLY"}, "BEGIN:VCALENDAR", Reason.AUTOMATIC),
    ({"Content_Type": "multipart/report; boundary=b"}, "--b\n\nFailed.\n--b--", Reason.AUTOMATIC),
    ({"Content_Type": "multipart/encrypted; boundary=b"}, "--b\n\nVersion: 1\n--b--", Reason.DAMAGED),
    ({"Content_Type": "multipart/mixed; boundary=b"}, "--b\n\nOne wo", Reason.DAMAGED),
    ({}, "---------- Forwarded message ---------\nFrom: Ada\n\nTea?", Reason.FORWARD),
    ({}, "> Tea?", Reason.QUOTE), ({}, "\n", Reason.EMPTY),
    ({"X_Gmail_Labels": "=?UTF-8?Q?Entw=C3=BCrfe?="}, "Not yet.", Reason.UNPUBLISHED),
    ({"X_Gmail_Labels": "Sent,Drafty"}, "Sent.", None),
])  # fmt: skip
def test_what_is_nothing_to_learn_from_has_a_reason(tmp_path, headers, text, reason):
    (one,) = records_of(tmp_path, {"a.mbox": box(mail(text, **headers))})
    assert one.dropped == reason and (one.text.strip() or reason in (Reason.EMPTY, Reason.AUTOMATIC))


@pytest.mark.parametrize("who", ["no-reply@example.org", "noreply@example.org", "MAILER-DAEMON@example.org", "newsletter@example.org"])
def test_robots_are_known_by_their_address(tmp_path, who):
    assert records_of(tmp_path, {"a.eml": mail("Hello", who=who)})[0].dropped == Reason.AUTOMATIC
    assert records_of(tmp_path / "b", {"a.eml": mail("Hello", who="norea@example.org")})[0].dropped is None


@pytest.mark.parametrize("drafts", ["Drafts.mbox", "Entwürfe.mbox/mbox", "[Gmail]/Brouillons.mbox"])
def test_a_draft_and_what_was_sent_of_it_are_an_edit_pair(tmp_path, drafts):
    early = "I would like to inform you that the bread will come at ten on Monday."
    late = "The bread will come at ten on Monday. Salt is on it."
    files = {
        drafts: box(mail(early, number=1, In_Reply_To="<q@x>"), mail("Something else about the garden and its walls.", number=2)),
        "Sent.mbox": box(mail(late, number=3, In_Reply_To="<q@x>"), mail(late, who="bo@example.org", number=4, In_Reply_To="<q@x>")),
    }
    found = {r.id: r for r in records_of(tmp_path, files)}
    assert found["<3@x>"].draft == early and found["<3@x>"].text == late and not found["<4@x>"].draft, "of the same author"
    assert {found["<1@x>"].dropped, found["<2@x>"].dropped} == {Reason.UNPUBLISHED}


def test_a_draft_that_is_the_same_or_later_is_no_edit(tmp_path):
    text = "The bread will come at ten on Monday."
    files = {"Drafts.mbox": box(mail(text, number=1), mail(f"{text} And salt.", number=9)), "Sent.mbox": box(mail(text, number=3))}
    assert [r.draft for r in records_of(tmp_path, files) if not r.dropped] == [""]


def test_html_mail_keeps_its_lines(tmp_path):
    body = '<div>One —<br>two…</div><div><br></div><div>Three &amp; four</div><blockquote type="cite">Tea?</blockquote>'
    (one,) = records_of(tmp_path, {"a.eml": mail(body, Content_Type="text/html; charset=utf-8")})
    assert (one.text, one.before) == ("One —\ntwo…\n\nThree & four", (Message("user", "Tea?"),))


def test_a_mail_that_breaks_off_is_the_last_of_its_file_and_the_others_stay(tmp_path):
    data = box(mail("One."), mail("--b\nContent-Type: text/plain\n\nTwo wo", number=2, Content_Type="multipart/mixed; boundary=b"))
    found, problem = outcome(tmp_path, "a.mbox", data.encode())
    assert [(r.text, r.dropped) for r in found] == [("One.", None), ("Two wo", Reason.DAMAGED)] and not problem


def test_a_mail_that_is_all_quotation_is_shown_without_marks(tmp_path):
    body = "<blockquote type=cite>Tea?<blockquote type=cite>older</blockquote></blockquote>"
    (one,) = records_of(tmp_path, {"a.eml": mail(body, Content_Type="text/html")})
    assert one.dropped == Reason.QUOTE and one.text == "Tea?\n[...]"
