import json
import os
from dataclasses import replace

import pytest

import pete.run
from pete.errors import RunError, WorkError
from pete.events import Started, Warned, to_line
from pete.monitor.watch import Watch, find
from pete.run import RunDir
from tests.unit.monitor.synthetic import night, write


@pytest.fixture
def run():
    folder = pete.run.RUNS / "one"
    folder.mkdir(parents=True)
    return RunDir(folder)


def watched(run, events, after=1.0, **given):
    events = list(events)
    write(run.events_file, iter(events))
    last = events[-1]
    return Watch(run, lambda: last.time + after, lambda: last.monotonic + after, **given)


def test_the_run_that_spoke_last_is_the_newest(tmp_path):
    for age, name in enumerate(["new", "old", "configured", "no-run"]):
        folder = pete.run.RUNS / name
        folder.mkdir(parents=True)
        path = RunDir(folder).config_file if name == "configured" else RunDir(folder).events_file
        if name != "no-run":
            path.write_text("")
            os.utime(path, (1e9 - age, 1e9 - age))
    assert find(None).name == "new" and find("configured").name == "configured" and find(str(pete.run.RUNS / "old")).name == "old"
    os.utime(pete.run.RUNS / "old" / "events.jsonl", (2e9, 2e9))
    assert find(None).name == "old"
    for nothing in ("no-run", "never", "x" * 5000):
        with pytest.raises(RunError, match="no run"):
            find(nothing)


def test_without_any_run_it_says_how_to_begin():
    with pytest.raises(RunError, match=r"no run in .* yet") as error:
        find(None)
    assert "pete quickstart" in error.value.hint


def test_a_look_reads_what_is_new(run):
    events = list(night(20, steps=40))
    watch = watched(run, events[:-5])
    before = watch.look().history.last_step
    with run.events_file.open("a") as file:
        file.write("".join(map(to_line, events[-5:])))
    assert watch.look().history.last_step == 20 > before
    write(run.events_file, iter(events[:8]))
    again = watch.look()
    assert 0 < again.history.last_step < 10, "a file that was cut begins anew"


def test_alive_is_who_holds_the_run(run):
    events = [replace(e, pid=os.getpid()) if isinstance(e, Started) else e for e in night(5)]
    watch = watched(run, events)
    assert watch.look().condition == "crashed"
    with run.lock():
        state = watch.look()
        assert state.condition == "running" and state.facts.lock_owner_pid == os.getpid()
    assert watch.look().condition == "crashed"


def test_the_last_error_counts_when_it_is_of_this_sitting(run):
    events = list(night(5))
    watch = watched(run, events)
    run.errors_file.write_text(
        json.dumps({"time": "2026-11-24T00:00:00+0000", "kind": "OldError", "message": "yesterday"}) + "\n"
    )  # fmt: skip
    assert watch.look().facts.failure is None
    with run.errors_file.open("a") as file:
        file.write(
            "x" * 100_000
            + "\n"
            + json.dumps({"time": "2026-11-25T23:00:00+0000", "kind": "WorkError", "message": "no\x1b[1m\nend"})
            + '\n{"ti'
        )
    failure = watch.look().facts.failure
    assert (failure.kind, failure.message) == ("WorkError", "no end")
    run.errors_file.write_text('[]\n{"kind": 1}\n')
    assert watch.look().facts.failure is None


@pytest.mark.parametrize("missing", ["config_file", "manifest_file", None])
def test_a_run_without_its_data_cannot_be_resumed(run, missing):
    run.data.mkdir()
    for name in ("config_file", "manifest_file"):
        if name != missing:
            getattr(run, name).write_text("")
    watch = watched(run, night(5), as_typed=lambda text: text.replace("pete", "./pete"))
    assert watch.look().next == ("./pete resume one" if missing is None else "./pete train")


def test_a_run_that_is_deleted_or_moved_is_one_clear_error(run):
    watch = watched(run, night(5))
    watch.look()
    run.folder.rename(run.folder.with_name("elsewhere"))
    with pytest.raises(WorkError, match="deleted or moved") as error:
        watch.look()
    assert error.value.exit_code == 1 and "pete monitor" in error.value.hint


def test_events_that_vanish_leave_a_run_without_events(run):
    watch = watched(run, night(5))
    watch.look()
    run.events_file.unlink()
    assert watch.look().condition == "waiting"


def test_events_that_may_not_be_read(run, monkeypatch):
    watch = watched(run, night(5))

    def refuse():
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(watch._tail, "poll", refuse)
    with pytest.raises(RunError, match="cannot be read: Permission denied"):
        watch.look()


def test_nothing_in_the_run_is_touched(run):
    watch = watched(run, [*night(5), Warned(message="x")])
    with run.lock():
        pass
    before = {p: (p.stat().st_mtime_ns, p.stat().st_size) for p in [run.folder, *run.folder.rglob("*")]}
    watch.look()
    assert len(before) == 3 and {p: (p.stat().st_mtime_ns, p.stat().st_size) for p in [run.folder, *run.folder.rglob("*")]} == before
