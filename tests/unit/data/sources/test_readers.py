# ruff: noqa: E501 (a fixture stays in one line where its format has none)
import json
import zipfile

import pytest

from pete.data.sources import READERS, readers_of
from pete.data.sources.files import DAMAGED, Source

ID = "0123456789abcdef0123456789abcdef"
MEDIUM = '<html><body><article class="h-entry"><section class="e-content"><p>One.</p></section></article></body></html>'
FILES = {
    "substack/posts.csv": "post_id,post_date,is_published,title\n1234.a,2024-01-02,TRUE,A\n", "substack/posts/1234.a.html": "<p>One.</p>",
    "medium/posts/a-b1.html": MEDIUM, "medium/profile/profile.html": "<html></html>", "site.xml": "<rss xmlns:wp='http://wordpress.org/export/1.2/'>",
    "ghost.json": json.dumps({"db": [{"meta": {}, "data": {"posts": []}}]}), "beehiiv.csv": "id,web_title,status,content_html\n1,T,confirmed,<p>x</p>\n",
    "buttondown/emails.csv": "id,subject,publish_date,slug\n1,S,2024-01-02,a\n", "buttondown/emails.json": '[{"id":"1","subject":"S","publish_date":"","slug":"a"}]',
    "buttondown/emails/a.md": "One.", "wix.csv": "Title,Plain Content,Rich Content\nT,One.,\n", "letter.docx": "PK", "old.doc": "x", "page.html": "<p>One.</p>",
    f"notion/Tea {ID}.md": "# Tea", f"notion/Notes {ID}.csv": "Name,Tags\nTea,a\n", f"notion/Notes {ID}_all.csv": "Name,Tags\nTea,a\n", "note.md": "One.",
    "story.txt": "One.", "cup.png": "\x89PNG", "empty.txt": "",
}  # fmt: skip


def test_each_file_of_a_folder_of_everything_goes_to_its_reader(tmp_path):
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    with Source(tmp_path) as source:
        found = {file.name: reader.name if reader else None for file, reader in readers_of(source)}
    assert found == {
        "substack/posts.csv": "substack", "substack/posts/1234.a.html": "substack", "medium/posts/a-b1.html": "medium", "site.xml": "wordpress",
        "ghost.json": "ghost", "beehiiv.csv": "beehiiv", "buttondown/emails.csv": "buttondown", "buttondown/emails/a.md": "buttondown", "wix.csv": "wix",
        "letter.docx": "docx", "old.doc": "other", "page.html": "html", f"notion/Tea {ID}.md": "markdown", "note.md": "markdown", "story.txt": "plain",
        "cup.png": None, "empty.txt": None,
    }, "what is missing here is a companion: no text of its own, and nobody's to report"  # fmt: skip


def test_readers_have_names_of_their_own():
    names = [reader.name for reader in READERS]
    assert len(set(names)) == len(names) and len({reader.title for reader in READERS}) == len(names)


@pytest.mark.parametrize(
    ("name", "known"), [("a.csv", None), ("a.json", None), ("a.md", "markdown"), ("Sent.mbox", None), ("_chat.txt", "plain")]
)
def test_a_damaged_file_of_a_zip_takes_no_other_with_it(tmp_path, name, known):
    with zipfile.ZipFile(tmp_path / "in.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, "".join(f"{n * 7919 % 1000003},b\n" for n in range(3000)))
        archive.writestr("good.md", "Good.")
        archive.writestr("page.html", MEDIUM)
    data = bytearray((tmp_path / "in.zip").read_bytes())
    data[400] ^= 0xFF
    (tmp_path / "in.zip").write_bytes(data)
    with Source(tmp_path / "in.zip") as source:
        assert [reader.name if reader else None for _, reader in readers_of(source)] == [known, "markdown", "medium"]
        with pytest.raises(DAMAGED):
            source.files[0].read()
