import csv
import io

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pete.data.examples import Message
from pete.data.sources.record import Reason
from tests.unit.data.sources.reading import outcome, records_of

SHARES = "Date,ShareLink,ShareCommentary,SharedUrl,MediaUrl,Visibility\n"
COMMENTS = "Date,Link,Message\n"
MESSAGES = "CONVERSATION ID,CONVERSATION TITLE,FROM,SENDER PROFILE URL,TO,DATE,SUBJECT,CONTENT,FOLDER\n"
PROFILE = "First Name,Last Name,Maiden Name,Headline\nMina,Holt,,Baker\n"
WRAPPED = (
    '2026-01-05 10:00:00,https://l/1,"First line.""\n""""\n""Third ""quoted"" line.",,,MEMBER_NETWORK\n'
    '2026-01-06 10:00:00 UTC,https://l/2,"Two lines""\n""of bread.",,,PUBLIC\n'
)
SEEN = ["Bread — and “salt”…", 'He said "yes".', "One\n\ntwo", "comma, comma", '"All of it quoted"', "ends with a backslash\\", "🥖"]


@pytest.mark.parametrize("name", ["Shares.csv", "Shares_123456.csv", "Basic_LinkedInDataExport_01-05-2026/shares (1).csv"])
def test_posts_are_known_by_their_header_whatever_the_file_is_called(tmp_path, name):
    post, other = records_of(tmp_path, {name: SHARES + WRAPPED})
    assert post.text == 'First line.\n\nThird "quoted" line.' and other.text == "Two lines\nof bread."
    assert (post.own, post.dropped, post.id, post.thread, post.channel) == (True, None, "https://l/1", "https://l/1", "LinkedIn post")
    assert post.date and post.date.isoformat() == "2026-01-05T10:00:00+00:00" and other.date and other.date.day == 6
    assert post.where.endswith(":2") and other.where.endswith(":5"), "lines, not rows"


def test_quotes_at_the_ends_of_lines_are_the_authors_where_the_file_wraps_none(tmp_path):
    plain = (
        '2026-01-05 10:00:00,https://l/1,"She asked ""why?""\n""Why not?"" I said.",,,\n2026-01-06 10:00:00,https://l/2,"Two\nlines",,,\n'
    )
    assert [r.text for r in records_of(tmp_path, {"Shares.csv": SHARES + plain})] == ['She asked "why?"\n"Why not?" I said.', "Two\nlines"]


def test_a_row_says_why_it_is_nothing_to_learn_from(tmp_path):
    rows = (
        "2026-01-05 10:00:00,https://l/1,,https://example.org/a,,PUBLIC\n"
        "2026-02-30 10:00:00,https://l/2,NULL,,N/A,PUBLIC\n"
        "2026-01-07 10:00:00,https://l/3,,,https://example.org/p.png,PUBLIC\n"
        "sometime,https://l/4,Bread.\n"
    )
    found = records_of(tmp_path, {"Shares.csv": SHARES + rows})
    assert [r.dropped for r in found] == [Reason.RESHARE, Reason.RESHARE, Reason.EMPTY, None]
    assert found[1].date is None and found[3].date is None and found[3].text == "Bread.", "impossible dates, missing columns"


def test_columns_go_by_their_names(tmp_path):
    (post,) = records_of(tmp_path, {"S.csv": "\ufeffShareLink;Share Commentary;Date\nhttps://l/1;Bread, and salt.;2026-01-05 10:00:00\n"})
    assert post.text == "Bread, and salt." and post.date is not None


def test_comments_escape_their_quotes_with_a_backslash(tmp_path):
    rows = (
        '2026-01-05 10:00:00,https://l/1,"She wrote \\"great\\" here.\nSecond line."\n'
        '2026-01-06 10:00:00,https://l/2,Plain with ""doubled"" quotes\n'
        '2026-01-07 10:00:00,https://l/3,"All ""of"" it, too"\n'
        '2026-01-08 10:00:00,https://l/4,"The folder is C:\\"\n'
        "2026-01-09 10:00:00,https://l/5,NA\n"
        "2026-01-10 10:00:00,https://l/6,none\n"
    )
    found = records_of(tmp_path, {"Comments_9.csv": COMMENTS + rows})
    assert [r.text for r in found] == [
        'She wrote "great" here.\nSecond line.', 'Plain with "doubled" quotes', 'All "of" it, too', "The folder is C:\\", "", "none",
    ]  # fmt: skip
    assert [r.dropped for r in found] == [None] * 4 + [Reason.EMPTY, None] and all(r.own and not r.before for r in found)
    assert found[0].id != found[1].id and found[0].channel == "LinkedIn comment"


def test_messages_answer_what_was_written_before_and_the_profile_says_who_is_who(tmp_path):
    rows = (  # the newest first, as LinkedIn has them
        "c1,Tea,Mina Holt,https://l/in/mina,Ada,2026-01-05 12:00:00 UTC,,At ten.,INBOX\n"
        "c2,,Mina Holt,https://l/in/mina,Bo,2026-01-05 11:30:00 UTC,,Not sent,DRAFT\n"
        'c1,Tea,Ada,https://l/in/ada,Mina Holt,2026-01-05 10:00:00 UTC,,"When, Mina?\nAnd where?",INBOX\n'
    )
    found = records_of(
        tmp_path, {"x/messages.csv": MESSAGES + rows, "x/Profile.csv": PROFILE, "x/Connections.csv": "First Name,Last Name\n"}
    )
    ada, mina = [r for r in found if r.thread == "c1"]
    assert (ada.own, ada.before) == (False, ()) and ada.author == ("Ada", "https://l/in/ada")
    assert (mina.own, mina.text, mina.before) == (True, "At ten.", (Message("user", "When, Mina?\nAnd where?"),))
    assert next(r for r in found if r.thread == "c2").dropped == Reason.UNPUBLISHED and mina.title == "Tea"
    (alone, *_) = records_of(tmp_path / "without", {"messages.csv": MESSAGES + rows})
    assert alone.own is None, "without a profile nobody knows"


@pytest.mark.parametrize("kind", ["shares", "comments"])
def test_a_broken_quote_takes_no_other_row_with_it(tmp_path, kind):
    rows = (
        '2026-01-05 10:00:00,https://l/1,"No end\n'
        '2026-01-06 10:00:00,https://l/2,"Whole"{}\n'
        '2026-01-07 10:00:00,https://l/3,5" of bread{}\n'
    )
    header, more = {"shares": (SHARES, ",,,PUBLIC"), "comments": (COMMENTS, "")}[kind]
    broken, whole, inch = records_of(tmp_path, {"a.csv": header + rows.format(more, more)})
    assert broken.dropped == Reason.DAMAGED and "No end" in broken.text and broken.where.endswith(":2")
    assert (whole.dropped, whole.text, inch.text) == (None, "Whole", '5" of bread')


def test_a_quote_without_an_end_costs_a_line_of_messages_not_the_file(tmp_path):
    rows = 'c1,,Ada,,Mina,2026-01-05 10:00:00 UTC,,"No end,INBOX\n' + "".join(
        f"c2,,Ada,,Mina,2026-01-05 10:{m:02}:00 UTC,,Message {m},INBOX\n" for m in range(0, 60, 10)
    )
    found = records_of(tmp_path, {"messages.csv": MESSAGES + rows})
    assert [r.dropped for r in found] == [Reason.DAMAGED] + [None] * 6


def test_a_cell_may_be_longer_than_python_allows(tmp_path):
    long = "bread " * 40_000
    (post,) = records_of(tmp_path, {"Shares.csv": f'{SHARES}2026-01-05 10:00:00,https://l/1,"{long}",,,\n'})
    assert post.text == long


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1).filter(str.strip) | st.sampled_from(SEEN),
        min_size=1,
        max_size=5,
    )
)
def test_what_csv_writes_comes_back_letter_for_letter(tmp_path, texts):
    memory = io.StringIO(newline="")
    writer = csv.writer(memory)
    writer.writerow(SHARES.strip().split(","))
    for number, text in enumerate(texts):
        writer.writerow(["2026-01-05 10:00:00", f"https://l/{number}", text, "", "", "PUBLIC"])
    found, problem = outcome(tmp_path, "Shares.csv", memory.getvalue().encode())
    assert not problem and [r.text for r in found if not r.dropped] == [t for t in texts if t.strip() not in ("NULL", "NA", "N/A")]


ARTICLE = (
    '<html><head><title>x</title></head><body><h1><a href="https://www.linkedin.com/pulse/bread">Bread &amp; salt</a></h1>'
    '<p class="created">Created on 2026-01-05 09:00</p>{}<div><p>One — “two”.</p><h2>Salt</h2><p>Three.</p></div></body></html>'
)


def test_articles_are_their_text_without_the_head_that_linkedin_adds(tmp_path):
    (one,) = records_of(
        tmp_path, {"Articles/Articles/bread.html": ARTICLE.format('<p class="published">Published on 2026-01-06 10:00</p>')}
    )
    assert (one.text, one.title, one.headings) == ("One — “two”.\n\nSalt\n\nThree.", "Bread & salt", ("Salt",))
    assert one.date and one.date.isoformat() == "2026-01-06T10:00:00+00:00" and one.id == "https://www.linkedin.com/pulse/bread"
    (draft,) = records_of(tmp_path / "draft", {"Articles/a.html": ARTICLE.format("")})
    assert draft.dropped == Reason.UNPUBLISHED
