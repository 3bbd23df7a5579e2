import json

import pytest

from pete.cli import import_options
from pete.data.examples import Message
from pete.data.foreign_formats import MEANINGS
from pete.data.sources import readers_of
from pete.data.sources.column_map import guessed
from pete.data.sources.files import Source
from pete.data.sources.record import ImportOptions, Reason, Unreadable
from pete.data.sources.tables import peek
from tests.unit.data.sources.reading import outcome, records_of

TABLE = (
    "Ticket ID;Customer message;AI suggestion;Our answer;Agent;Sent at;Public;Queue\n"
    "1;Where is it?;Your parcel is in transit.;On a van — nearly there.;Mina;2026-01-05 10:00;true;orders\n"
    "1;Where is it?;;Call them.;Mina;2026-01-05 11:00;false;orders\n"
    "2;<p>Tea?</p><p>Now?</p>;NULL;Always.;Bo;2026-01-06 10:00;yes;tea\n"
    "3;Hm?;;;Bo;2026-01-06 10:00;yes;tea\n"
)
MAP = {
    "incoming": "customer message", "reply": "Our answer", "draft": "AI suggestion", "author": "agent", "date": "Sent at",
    "public": "public", "thread": "Ticket ID", "category": "queue",
}  # fmt: skip


def test_columns_mean_what_the_person_says(tmp_path):
    one, two, three, four = records_of(tmp_path, {"t.csv": TABLE}, ImportOptions(MAP))
    assert (one.text, one.before, one.author, one.own) == ("On a van — nearly there.", (Message("user", "Where is it?"),), ("Mina",), None)
    assert (one.draft, one.thread, one.category, one.date.day, one.where) == ("Your parcel is in transit.", "1", "orders", 5, "in/t.csv:2")
    assert two.dropped == Reason.INTERNAL and four.dropped == Reason.EMPTY
    assert three.before == (Message("user", "Tea?\n\nNow?"),) and three.draft == "" and three.text == "Always."


def test_a_table_nobody_knows_is_refused_with_its_columns_and_a_command(tmp_path):
    found, problem = outcome(tmp_path, "t.csv", TABLE.encode())
    assert found == [] and "Ticket ID, Customer message, AI suggestion, Our answer, Agent, Sent at, Public, Queue" in problem
    said = "incoming=Customer message,reply=Our answer,draft=AI suggestion,author=Agent,date=Sent at,public=Public,thread=Ticket ID"
    assert f"pete data import {tmp_path / 'in'} --map '{said},category=Queue'" in problem


@pytest.mark.parametrize(
    ("columns", "wanted"),
    [
        ("question,answer", "incoming=question,reply=answer"),
        ("prompt,response", "incoming=prompt,reply=response"),
        ("instruction,context,response,category", "incoming=instruction+context,reply=response,category=category"),
        ("prompt,chosen,rejected", "incoming=prompt,reply=chosen"),
        ("hs_timestamp,hs_email_subject,hs_email_text", "reply=hs_email_text"),
        ("ticket_id,author_id,body,public,created_at", "reply=body,author=author_id,date=created_at,public=public,thread=ticket_id"),
    ],
)
def test_guesses(tmp_path, columns, wanted):
    count = columns.count(",") + 1
    cells = [name + " says something long enough" if name.startswith("hs_email_text") else name[:6] for name in columns.split(",")]
    (tmp_path / "t.csv").write_text(f"{columns}\n{','.join(cells)}\n")
    with Source(tmp_path / "t.csv") as source:
        found = peek(source.files[0])
        assert found is not None and len(found.columns) == count
        assert ",".join(f"{meaning}={column}" for meaning, column in guessed(found).items()) == wanted


def test_a_map_is_obeyed_even_where_a_table_is_known_and_a_wrong_one_is_an_error(tmp_path):
    rows = json.dumps({"prompt": "a", "completion": "b", "better": "c", "n": 3}) + "\n"
    (record,) = records_of(tmp_path, {"a.jsonl": rows}, ImportOptions({"incoming": "prompt+n", "reply": "better"}))
    assert (record.text, record.before[0].content) == ("c", "a\n\n3")
    for columns, wrong in (
        ({"reply": "worse"}, "no column for reply=worse; it has: prompt, completion, better, n"),
        ({"title": "n"}, "nothing of reply"),
    ):
        with Source(tmp_path / "in") as source, pytest.raises(Unreadable, match=wrong):
            for file, reader in readers_of(source, ImportOptions(columns)):
                list(reader.read(file, ImportOptions(columns)))


def test_a_message_a_row_becomes_a_conversation(tmp_path):
    table = (
        "conversation,who,text,at\n"
        "1,Mina,On a van.,2026-01-05 10:20\n2,Cy,Hello?,2026-01-05 10:00\n1,Ada,Where is it?,2026-01-05 10:00\n1,Ada,Ah.,2026-01-05 10:30\n"
    )
    options = ImportOptions({"reply": "text", "author": "who", "thread": "conversation", "date": "at"})
    found = {record.text: record for record in records_of(tmp_path, {"m.csv": table}, options)}
    assert found["On a van."].before == (Message("user", "Where is it?"),) and found["Where is it?"].before == ()
    assert found["On a van."].where == "in/m.csv:2" and len(found) == 4


def test_what_public_means_must_be_known(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "t.csv").write_text("text,seen\nHello.,perhaps\n")
    options = ImportOptions({"reply": "text", "public": "seen"})
    with Source(tmp_path / "in") as source, pytest.raises(Unreadable, match="public is 'perhaps'; expected true or false"):
        for file, reader in readers_of(source, options):
            list(reader.read(file, options))


@pytest.mark.parametrize(
    ("name", "data"), [("notes.txt", "Bread, salt, tea.\nAnd more, salt, tea.\n"), ("package.json", '{"name": "x", "version": "1"}')]
)
def test_a_text_with_commas_and_the_settings_of_a_program_are_no_tables(tmp_path, name, data):
    (tmp_path / name).write_text(data)
    with Source(tmp_path / name) as source:
        assert [reader.name for _, reader in readers_of(source) if reader and reader.name == "table"] == []


def test_the_command_line_knows_every_meaning():
    assert import_options.MEANINGS == MEANINGS
