# ruff: noqa: E501 (a fixture stays in one line where its format has none)
import pytest

from pete.data.sources import other_documents
from tests.unit.data.sources.reading import outcome


@pytest.mark.parametrize("name", ["a.doc", "b/A.PAGES", "c.pdf", "d.rtf", "e.odt", "f.gdoc", "g.pst", "h.msg", "i.xlsx", "j.enex"])
def test_a_format_that_is_not_read_says_what_to_do(tmp_path, name):
    records, problem = outcome(tmp_path, name, b"\xd0\xcf\x11\xe0")
    assert not records and name in problem and (": " in problem)


def test_a_folder_of_pages_is_one_document_to_export(tmp_path):
    _, problem = outcome(tmp_path, "letter.pages/Index.zip.x", b"x")
    assert "Export To > Word" in problem


@pytest.mark.parametrize(
    ("page", "said"),
    [
        (
            '<body><div class="page_wrap">\n<div class="page_body chat_page"><div class="history"><div class="text">Theirs.</div></div></div></div>',
            "Telegram",
        ),
        ('<div class="_3-95 _a6-g"><div class="_2ph_ _a6-p">Theirs.</div></div>', "Facebook"),
        ('<div class="outer-cell mdl-cell mdl-cell--12-col">Watched</div>', "Google"),
        ("<!DOCTYPE NETSCAPE-Bookmark-file-1><DL><A>Page</A></DL>", "bookmarks"),
    ],
)
def test_chats_and_lists_as_pages_are_not_taken_for_writing(tmp_path, page, said):
    records, problem = outcome(tmp_path, "messages.html", page.encode())
    assert not records and said in problem


def test_files_that_hold_no_writing_are_nobodys(tmp_path):
    assert outcome(tmp_path, "cup.png", b"\x89PNG") == ([], "unknown")
    assert other_documents.READER.name == "other"
