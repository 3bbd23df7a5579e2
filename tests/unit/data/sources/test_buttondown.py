# ruff: noqa: E501 (a fixture stays in one line where its format has none)
from pete.data.sources.record import Reason
from tests.unit.data.sources.damage import harmful, harmless, said
from tests.unit.data.sources.reading import outcome, records_of

HEADER = "id,secondary_id,subject,publish_date,source,slug\n"
ROWS = "abc-1,1,A plain one,2023-01-02 16:55:00+00:00,app,plain-post\nabc-2,2,A fancy one,2023-01-05 13:00:00+00:00,app,fancy-post\n"
PLAIN = "<!-- buttondown-editor-mode: plaintext -->## Part\n\nOne \u2014 **caf\u00e9**[^1], [here](https://example.org).\n\n> Theirs.\n\n[^1]: A note.\n"
FANCY = "<!-- buttondown-editor-mode: fancy --><h2>Part</h2><p>Two {{ subscriber.name }}</p><blockquote>Theirs.</blockquote>"
EXPORT = {"emails.csv": HEADER + ROWS, "emails/plain-post.md": PLAIN, "emails/fancy-post.md": FANCY}


def test_both_editors_with_what_the_table_knows(tmp_path):
    fancy, quote, plain, other = records_of(tmp_path, EXPORT)
    assert plain.text == "## Part\n\nOne \u2014 **caf\u00e9**, here." and plain.headings == ("Part",) and plain.title == "A plain one"
    assert (plain.id, plain.own, plain.channel) == ("abc-1", True, "newsletter") and plain.date and plain.date.day == 2
    assert fancy.text == "Part\n\nTwo" and fancy.title == "A fancy one"
    assert (quote.text, quote.dropped, other.text, other.dropped) == ("Theirs.", Reason.QUOTE, "Theirs.", Reason.QUOTE)


def test_the_table_in_json_and_in_both(tmp_path):
    table = '[{"id": "abc-1", "secondary_id": "1", "subject": "A plain one", "publish_date": "2023-01-02 16:55:00+00:00", "source": "app", "slug": "plain-post"}]'
    found = records_of(tmp_path, {"x/emails.json": table, "x/emails/plain-post.md": PLAIN})
    assert found[0].title == "A plain one" and found[0].id == "abc-1"
    both = records_of(tmp_path / "both", {**EXPORT, "emails.json": table})
    assert len(both) == 4, "the mails are read once"


def test_mails_that_are_not_in_the_export_and_drafts_are_counted(tmp_path):
    rows = HEADER.replace("slug", "slug,status") + "abc-1,1,One,2023-01-02,app,plain-post,draft\nabc-3,3,Lost,2023-01-03,app,lost,sent\n"
    lost, draft = records_of(tmp_path, {"emails.csv": rows, "emails/plain-post.md": PLAIN})
    assert (lost.title, lost.dropped, draft.dropped) == ("Lost", Reason.EMPTY, Reason.UNPUBLISHED)


def test_without_the_table_a_mail_is_known_by_its_editor_and_without_that_by_its_table(tmp_path):
    (plain, _) = records_of(tmp_path, {"plain-post.md": PLAIN})
    assert plain.title == "plain post" and plain.own is True
    found = records_of(
        tmp_path / "t", {"emails.csv": HEADER + ROWS, "emails/plain-post.md": "Old one.", "emails/fancy-post.md": "<p>Old two.</p>"}
    )
    assert said(found) == ["Old two.", "Old one."] and found[0].title == "A fancy one"


def test_other_encodings_lose_nothing(tmp_path):
    for number, (kind, data) in enumerate(harmless(PLAIN)):
        records = records_of(tmp_path / str(number), {**EXPORT, "emails/plain-post.md": data})
        assert "## Part\n\nOne \u2014 **caf\u00e9**, here." in said(records), kind
    assert len(said(records_of(tmp_path / "header", {**EXPORT, "emails.csv": HEADER}))) == 2


def test_damage_is_said(tmp_path):
    for number, (kind, data) in enumerate(harmful(PLAIN.encode())):
        records, problem = outcome(tmp_path / str(number), "a.md", data)
        assert records or problem, kind
    for number, (_, data) in enumerate(harmful((HEADER + ROWS).encode())):
        assert "## Part" in said(records_of_pages(tmp_path / f"t{number}", data))[0]


def records_of_pages(folder, table: bytes):
    """The mails of an export whose table is damaged, which is its own reader's to say."""
    from pete.data.sources import readers_of
    from pete.data.sources.files import Source
    from pete.data.sources.record import ImportOptions

    for name, data in {**EXPORT, "emails.csv": table}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data if isinstance(data, bytes) else data.encode())
    with Source(folder) as source:
        readers = [(file, reader) for file, reader in readers_of(source) if file.basename == "plain-post.md"]
        return [record for file, reader in readers if reader for record in reader.read(file, ImportOptions())]
