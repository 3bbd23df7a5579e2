import datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pete.data.examples import Message
from pete.data.sources.files import Source
from pete.data.sources.record import ImportOptions, Reason, Unreadable
from pete.data.sources.whatsapp import READER
from tests.unit.data.sources.reading import outcome, records_of

NAME = "WhatsApp Chat with Jane.txt"


def chat(tmp_path, *lines: str, name: str = NAME, end: str = "\n", **options):
    return records_of(tmp_path, {name: end.join([*lines, ""])}, ImportOptions(**options))


def test_an_iphone_writes_brackets_marks_and_crlf(tmp_path):
    found = chat(
        tmp_path, "\u200e[1.1.2019, 12.00.00] Jane: \u200eimage omitted", "[1.1.2019, 12.00.05] Me: Hello", "second line", "",
        "[1.1.2019, 12.00.09] ~\u202fJane: Tea\u2026 @\u2068Bo\u2069?", "[1.1.2019, 12.00.30] Me: Ten. \u200e<This message was edited>",
        name="WhatsApp Chat - Jane/_chat.txt", end="\r\n",
    )  # fmt: skip
    texts = [(r.text, r.author, r.dropped) for r in found]
    assert texts[1:] == [("Hello\nsecond line\n", ("Me",), None), ("Tea… @Bo?", ("Jane",), None), ("Ten.", ("Me",), None)]
    assert found[0].dropped == Reason.EMPTY and found[-1].before[-1] == Message("user", "Tea… @Bo?") and found[-1].own is None
    assert found[1].date == datetime.datetime(2019, 1, 1, 12, 0, 5, tzinfo=datetime.UTC) and found[1].where.endswith("_chat.txt:2")
    assert found[1].thread.startswith("WhatsApp Chat - Jane")


def test_android_writes_a_dash(tmp_path):
    joined, hello, media, gone, caption = chat(
        tmp_path, "2019-01-01 12:00 - Me: Hello", "second line", "2019-01-01 12:01 - Jane joined using an invite link",
        "2019-01-01 12:10 - Jane: <Medien ausgeschlossen>", "2019-01-01 12:11 - Me: This message was deleted",
        "2019-01-01 12:20 - Me: IMG-20190101-WA0001.jpg (file attached)", "The bread: ours.",
    )  # fmt: skip
    assert (hello.text, caption.text) == ("Hello\nsecond line", "The bread: ours.")
    assert [r.dropped for r in (joined, media, gone)] == [Reason.SYSTEM, Reason.EMPTY, Reason.REMOVED]


@pytest.mark.parametrize(("line", "month", "hour"), [
    ("[31.12.18, 23:59:01] Me: Tea", 12, 23), ("12/31/18, 11:59 PM - Me: Tea", 12, 23), ("12/31/18, 11:59\u202fPM - Me: Tea", 12, 23),
    ("[12/31/18, 12:05:00 AM] Me: Tea", 12, 0), ("31/12/2018, 11:59 p. m. - Me: Tea", 12, 23),
    ("31/12/2018, 11:59 a.\xa0m. - Me: Tea", 12, 11),
    ("31.12.2018 klo 23.59 - Me: Tea", 12, 23), ("2018-12-31, 23:59 - Me: Tea", 12, 23), ("2018/12/31 23:59 - Me: Tea", 12, 23),
    ("[2018-12-31, 23:59:00] Me: Tea", 12, 23), ("31-12-18 23:59 - Me: Tea", 12, 23), ("31.12.18, 23:59 Uhr - Me: Tea", 12, 23),
    ("\u200f[\u200f31\u200f/12\u200f/2018, 23:59:00] Me: Tea", 12, 23), ("31. 12. 2018 23:59 - Me: Tea", 12, 23),
    ("[2018/12/31 下午11:59:00] Me: Tea", 12, 23), ("2018년 12월 31일 오후 11:59 - Me: Tea", 12, 23),
    ("31/12/2018 à 23:59 - Me: Tea", 12, 23),
    ("[31/12/18 23:59:00] Me: Tea", 12, 23), ("31.12.18 um 23:59 - Me: Tea", 12, 23), ("٣١/١٢/٢٠١٨, ١١:٥٩ م - Me: Tea", 12, 23),
])  # fmt: skip
def test_dates_of_every_country(tmp_path, line, month, hour):
    (one,) = chat(tmp_path, line)
    assert one.text == "Tea" and one.author == ("Me",)
    assert one.date and (one.date.year, one.date.month, one.date.day, one.date.hour) == (2018, month, 31, hour)


def test_one_day_past_the_twelfth_or_the_order_of_days_decides_for_all(tmp_path):
    days = [r.date.day for r in chat(tmp_path, "1/2/2024, 10:00 - Me: a", "13/2/2024, 10:00 - Me: b") if r.date]
    assert days == [1, 13]
    months = [
        r.date.month for r in chat(tmp_path, "1/11/2024, 10:00 - Me: a", "1/12/2024, 10:00 - Me: b", "2/1/2024, 10:00 - Me: c") if r.date
    ]
    assert months == [1, 1, 2], "only month first is in the order of time"


def test_what_cannot_be_told_is_asked(tmp_path):
    lines = ("1/2/2024, 10:00 - Me: a", "2/2/2024, 10:00 - Me: b")
    with pytest.raises(Unreadable, match=r"1/2/2024.*--day-first or --month-first"):
        chat(tmp_path, *lines)
    assert [r.date.month for r in chat(tmp_path, *lines, day_first=True) if r.date] == [2, 2]
    assert [r.date.month for r in chat(tmp_path, *lines, day_first=False) if r.date] == [1, 2]
    with pytest.raises(Unreadable, match="fit no calendar, such as 45/45/2024"):
        chat(tmp_path, "1/2/2024, 10:00 - Me: a", "45/45/2024, 10:00 - Me: b")


@pytest.mark.parametrize(("text", "reason"), [
    ("\u200eJane added Bo", Reason.SYSTEM), ("\u200eGIF omitted", Reason.EMPTY), ("\u200e<attached: 0001-PHOTO.jpg>", Reason.EMPTY),
    ("<Multimedia omitido>", Reason.EMPTY), ("Du hast diese Nachricht gelöscht.", Reason.REMOVED), ("null", Reason.EMPTY),
    ("Messages and calls are end-to-end encrypted. No one outside of this chat can read them.", Reason.SYSTEM),
    ("Look: tea", None),
    ("I <3 bread", None), ("a: b: c", None), ("Bread (ours)", None), ("image omitted? why", None),
    ("<Tea>\nand bread", None), ("¯\\_(ツ)_/¯", None),
])  # fmt: skip
def test_what_whatsapp_says_itself_is_told_from_what_people_say(tmp_path, text, reason):
    (one,) = chat(tmp_path, f"31.12.2018, 23:59 - Me: {text}")
    assert one.dropped == reason and (reason or one.text == text)


@pytest.mark.parametrize("text", ["Dear Ada,\n\n2019-01-01 was a day.\n", "2019-01-01 12:00 a log\n", "# 1\n[link] (x)\n"])
def test_other_texts_are_left_to_others(tmp_path, text):
    (tmp_path / "notes.txt").write_text(text)
    with Source(tmp_path / "notes.txt") as source:
        assert not READER.recognises(source.files[0])


@pytest.mark.parametrize("cut", ["[13.1.24, 11:0", "[13.1", "13/01/2024, 11:", "13/01/2024, 11:00 -", "2024-01-13 11"])
def test_a_line_that_breaks_off_is_nobodys_words(tmp_path, cut):
    rest, tea = sorted(chat(tmp_path, "13.1.24, 10:00 - Me: Tea", cut), key=lambda r: r.dropped is None)
    assert (tea.text, rest.text, rest.dropped, rest.where) == ("Tea", cut, Reason.DAMAGED, f"in/{NAME}:2")


TEXT = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\u2028\u2029\u200e\u200f\ufeff<>\u2068\u2069"),
    min_size=1,
    max_size=30,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(TEXT.filter(lambda t: t.strip() and not t.strip().endswith((".", ")")) and t.strip() != "null"), min_size=1, max_size=4))
def test_what_people_say_comes_back_letter_for_letter(tmp_path, texts):
    lines = [f"13.1.2024, 1{n}:00 - Me: {text}" for n, text in enumerate(texts)]
    found, problem = outcome(tmp_path, NAME, "\n".join(lines).encode())
    assert not problem and [r.text for r in found] == texts
