import csv
import io
import json

from pete.data.sources.record import Reason
from tests.unit.data.sources.reading import records_of

ROWS = [
    {"ID": 3, "Timestamp": "2024-01-02 03:05:05", "Contents": "o'clock", "Attachments": ""},
    {"ID": 2, "Timestamp": "2024-01-02 03:04:05", "Contents": "Ten <:bread:123>,\n“ours”", "Attachments": ""},
    {"ID": 1, "Timestamp": "2024-01-01 03:04:05", "Contents": "", "Attachments": "https://example.org/a.png"},
    {"ID": 9, "Timestamp": "never", "Contents": "Lost", "Attachments": ""},
]


def test_ones_own_messages_joined_where_they_belong_together(tmp_path):
    files = {"Messages/c7/messages.json": json.dumps(ROWS), "Messages/c7/channel.json": '{"id":"7"}', "Messages/index.json": "{}"}
    lost, empty, joined = records_of(tmp_path, files)
    assert joined.text == "Ten :bread:,\n“ours”\no'clock" and joined.own is True and joined.before == () and joined.id == "2"
    assert (lost.dropped, lost.text, empty.dropped) == (Reason.DAMAGED, "Lost", Reason.EMPTY)


def test_older_packages_are_tables(tmp_path):
    memory = io.StringIO()
    writer = csv.DictWriter(memory, list(ROWS[0]))
    writer.writeheader()
    writer.writerows(ROWS)
    found = records_of(tmp_path, {"messages/c7/messages.csv": memory.getvalue()})
    assert found[-1].text == "Ten :bread:,\n“ours”\no'clock" and len(found) == 3


def test_a_quote_that_is_never_closed_costs_its_own_message_and_no_other(tmp_path):
    table = 'ID,Timestamp,Contents,Attachments\n3,2024-01-02 03:04:05,"Ten,\n2,2024-01-02 09:04:05,Eleven,\n1,2024-01-02 19:04:05,Twelve,\n'
    lost, *kept = records_of(tmp_path, {"messages/c7/messages.csv": table})
    assert lost.dropped is Reason.DAMAGED and "Ten" in lost.text and "never closed" in lost.where
    assert [(record.text, record.dropped) for record in kept] == [("Eleven", None), ("Twelve", None)]
