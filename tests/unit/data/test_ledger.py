import json

from pete.data.ledger import SHOWN, Ledger
from pete.data.sources.record import Reason, Record


def test_read_is_kept_plus_dropped_in_every_file_and_in_all():
    ledger = Ledger()
    first, second = ledger.begin("a.csv", "LinkedIn export"), ledger.begin("b.csv", "LinkedIn export")
    ledger.keep(first, Record(text="One.", where="a.csv:1", draft="Won."), passages=2)
    for number in range(3):
        ledger.drop(first, Record(text="", where=f"a.csv:{number}"), Reason.RESHARE)
    ledger.drop(second, Record(text="x", where="b.csv:1"), Reason.SHORT)
    assert (first.read, first.kept, first.passages, first.edits) == (4, 1, 2, 1)
    assert ledger.read == ledger.kept + sum(ledger.dropped.values()) == 5
    document = json.loads(json.dumps(ledger.record()))
    assert document["dropped"] == {"reshare": 3, "short": 1} and [file["read"] for file in document["files"]] == [4, 1]


def test_the_dropped_can_be_shown_and_fill_no_memory():
    ledger = Ledger()
    file = ledger.begin("a", "b")
    for number in range(SHOWN + 50):
        ledger.drop(file, Record(text="", where=str(number)), Reason.EMPTY)
    assert len(ledger.shown[Reason.EMPTY]) == SHOWN and file.dropped[Reason.EMPTY] == SHOWN + 50
