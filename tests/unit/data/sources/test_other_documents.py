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


def test_files_that_hold_no_writing_are_nobodys(tmp_path):
    assert outcome(tmp_path, "cup.png", b"\x89PNG") == ([], "unknown")
    assert other_documents.READER.name == "other"
