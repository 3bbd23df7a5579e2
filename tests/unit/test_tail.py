import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pete import events
from pete import events as module
from pete.events import Event, Started, Tail, Warned, parse, to_line
from pete.history import fold
from pete.monitor.state import RunFacts, observe
from tests.unit.monitor.synthetic import night, write

NIGHT = list(night(130, steps=200))
BYTES = "".join(map(to_line, NIGHT)).encode()


def test_the_whole_file_at_once_is_what_events_read_gives(tmp_path):
    path = tmp_path / "events.jsonl"
    write(path, iter(NIGHT))
    assert Tail(path).poll() == (False, list(events.read(path)))
    assert len(NIGHT) > 130


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cuts=st.lists(st.integers(0, len(BYTES)), max_size=12), chunk=st.integers(1, 5000))
def test_piece_by_piece_is_the_same_as_at_once(tmp_path_factory, cuts, chunk):
    path = tmp_path_factory.mktemp("tail") / "events.jsonl"
    tail, told = Tail(path), []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "CHUNK", chunk)
        at = 0
        for cut in [*sorted(cuts), len(BYTES)]:
            with path.open("ab") as file:
                file.write(BYTES[at:cut])
            at = cut
            anew, found = tail.poll()
            assert not anew
            told += found
    assert told == NIGHT


@given(start=st.integers(0, len(BYTES)), length=st.integers(0, len(BYTES)), junk=st.binary(max_size=60), at=st.integers(0, len(BYTES)))
def test_any_cut_with_any_junk_in_it_folds_and_draws(start, length, junk, at):
    cut = BYTES[start : start + length]
    cut = cut[: at % (len(cut) + 1)] + junk + cut[at % (len(cut) + 1) :]
    history = fold(filter(None, map(parse, cut.split(b"\n"))))
    state = observe(history, RunFacts("r", "/r", "r", 4242, None, True), NIGHT[-1].time + 1, NIGHT[-1].monotonic + 1)
    assert state.history.last_step <= 200 and state.facts.folder == "/r"


def test_only_what_is_new_is_read(tmp_path, monkeypatch):
    path = tmp_path / "events.jsonl"
    write(path, iter(NIGHT))
    tail = Tail(path)
    tail.poll()
    fed: list[int] = []
    monkeypatch.setattr(tail, "_feed", lambda chunk: fed.append(len(chunk)) or [])
    assert tail.poll() == (False, []) and fed == [], "an unchanged file is not even opened"
    line = to_line(Warned(message="x")).encode()
    with path.open("ab") as file:
        file.write(line)
    tail.poll()
    assert fed == [len(line)]


@pytest.mark.parametrize("how", ["cut", "cut and grown past", "replaced", "replaced by one of the same size"])
def test_another_file_begins_anew(tmp_path, how):
    path = tmp_path / "events.jsonl"
    write(path, iter(NIGHT))
    tail = Tail(path)
    tail.poll()
    other = [Warned(message=f"other {i}", time=1.0, monotonic=1.0) for i in range(3 if how == "cut" else 900)]
    text = "".join(map(to_line, other))
    if how.startswith("cut"):
        with path.open("r+") as file:
            file.truncate(0)
            file.write(text)
    else:
        if "same size" in how:
            text = text[: len(BYTES) - 1] + "\n"
        aside = tmp_path / "aside"
        aside.write_text(text)
        os.replace(aside, path)
    anew, found = tail.poll()
    assert anew and found and {e.message[:5] for e in found} == {"other"}


def test_a_file_that_goes_and_comes_back(tmp_path):
    path = tmp_path / "events.jsonl"
    tail = Tail(path)
    assert tail.poll() == (False, []), "not there yet"
    write(path, iter(NIGHT[:3]))
    assert tail.poll() == (False, NIGHT[:3])
    path.unlink()
    assert tail.poll() == (True, [])
    assert tail.poll() == (False, [])
    write(path, iter(NIGHT[:1]))
    assert tail.poll() == (False, NIGHT[:1])


def test_a_line_without_end_is_passed_over_and_not_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "LONGEST_LINE", 1000)
    monkeypatch.setattr(module, "CHUNK", 256)
    path = tmp_path / "events.jsonl"
    path.write_bytes(b"x" * 10_000)
    tail = Tail(path)
    assert tail.poll() == (False, []) and tail._rest == b""
    with path.open("ab") as file:
        file.write(b"yyy\n" + to_line(NIGHT[0]).encode())
    assert tail.poll() == (False, NIGHT[:1])


LINE = to_line(next(e for e in NIGHT if isinstance(e, Started)))
STEP = to_line(next(e for e in NIGHT if type(e).__name__ == "Step"))


@pytest.mark.parametrize(
    "line",
    [
        "",
        "null",
        "[]",
        '{"kind": []}',
        "[" * 100_000,
        LINE[:-20],
        LINE.replace("Started", "Telepathy"),
        LINE.replace('"steps": 200', '"steps": "many"'),
        LINE.replace('"steps": 200', '"steps": 1' + "0" * 30),
        STEP.replace('"loss": ', '"loss": 1e999, "was": '),
        STEP.replace('"loss": ', '"loss": NaN, "was": '),
        STEP.replace('"loss": ', '"loss": null, "was": '),
        STEP.replace('"time": ', '"time": 1e15, "was": '),
        STEP.replace('"time": ', '"time": -5, "was": '),
    ],
)
def test_what_is_no_event_is_passed_over(line):
    assert parse(line.encode()) is None
    assert isinstance(parse(LINE.encode()), Started) and isinstance(parse(STEP.encode()), Event)


def test_a_field_of_a_newer_version_is_passed_over():
    assert isinstance(parse(LINE.replace('"steps"', '"mood": "good", "steps"').encode()), Started)
