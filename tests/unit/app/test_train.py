import json
import threading
from types import SimpleNamespace

import pytest

from pete.app.resume import resumed_training
from pete.app.train import new_training, plan, train
from pete.data.edits import persona_rows
from pete.data.examples import Example, Question, write_examples
from pete.data.rewriting import REQUEST
from pete.errors import Interrupted, RunError
from pete.evaluate.suite import evaluate
from pete.events import Planned, Step, Warned, read
from pete.generate.stream import open_tuned
from pete.persona import load_persona
from pete.run import RunDir
from pete.tracking import sidecar
from pete.train.loop import Stop
from tests.unit.app.conftest import Heard


def test_from_a_request_to_a_result_without_a_word_printed(sets, tmp_path, capfd):
    heard = Heard()
    trained = train(new_training(None, None, sets), heard, out=tmp_path / "run")
    assert trained.run.adapter.is_dir() and trained.finished.reason == "done"
    assert [name for name, _ in trained.summary][:2] == ["began", "ended"]
    assert [e.step for e in heard.events if isinstance(e, Step)] == list(range(1, 13))
    assert ("working", "examining the machine ...") in heard.lines and any("rows to learn from" in line for _, line in heard.lines)
    assert capfd.readouterr() == ("", "")


def test_a_folder_that_holds_something_is_refused_before_a_step_is_timed(sets, tmp_path):
    heard = Heard()
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "poem.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(RunError, match="already exists"):
        train(new_training(None, None, sets), heard, out=tmp_path / "run")
    assert heard.lines == [] and (tmp_path / "run" / "poem.txt").read_text(encoding="utf-8") == "mine"


def test_in_a_thread_it_is_stopped_by_its_argument_and_goes_on(sets, tmp_path, capfd):
    stop, ended = Stop(), []

    class Stopping(Heard):
        def event(self, event):
            super().event(event)
            if isinstance(event, Step) and event.step == 5:
                stop.request()

    def work():
        try:
            train(new_training(None, None, sets), Stopping(), stop, tmp_path / "run")
        except Interrupted as error:
            ended.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(60)
    (error,) = ended
    assert error.exit_code == 130 and "Stopped at step 5 of 12; saved." in error.message
    heard = Heard()
    assert train(resumed_training(RunDir(tmp_path / "run")), heard).finished.reason == "done"
    assert [e.step for e in heard.events if isinstance(e, Step)] == list(range(6, 13)) and capfd.readouterr() == ("", "")


def test_what_deserves_a_look_is_said_once_and_kept(sets, persona_folder, tmp_path):
    rows = persona_folder / "examples" / "marketing.jsonl"
    first = rows.read_text().splitlines()[0]
    rows.write_text(rows.read_text() + json.dumps(json.loads(first) | {"prompt": "Another one."}) + "\n")
    heard = Heard()
    run = train(new_training(None, None, sets), heard, out=tmp_path / "run").run
    said = [text for _, text in heard.lines] + [event.message for event in heard.events if isinstance(event, Warned)]
    assert sum("the same completion" in text for text in said) == 1
    assert any(isinstance(event, Warned) and "the same completion" in event.message for event in read(run.events_file))


def test_a_plan_writes_nothing(sets, tmp_path):
    checked = plan(new_training(None, None, sets), Heard(), tmp_path / "run")
    assert checked.plan.tokens > 0 and any(isinstance(event, Planned) for event in checked.events)
    assert not (tmp_path / "run").exists() and not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("mode", "found", "note"),
    [("online", "here", "tracking goes on offline"), ("offline", None, "tracking is off from here on")],
)
def test_a_tracked_run_goes_on_without_what_tracking_needs_and_says_so(sets, tmp_path, monkeypatch, mode, found, note):
    started: list[str] = []
    monkeypatch.setattr(  # the machine has its own opinion
        "pete.app.train.preflight", lambda resolved, prepared, *_: SimpleNamespace(resolved=resolved, prepared=prepared, events=[])
    )
    monkeypatch.setattr(sidecar, "has_key", lambda environ, home: False)
    monkeypatch.setattr(sidecar.importlib.util, "find_spec", lambda name: SimpleNamespace(origin=found) if found else None)
    monkeypatch.setattr(sidecar, "start", lambda config, run: started.append(config.tracking.wandb))
    stop = Stop()
    stop.request()
    with pytest.raises(Interrupted):
        train(training := new_training(None, None, sets), Heard(), stop, tmp_path / "run")
    run = RunDir(tmp_path / "run")
    run.config_file.write_text(run.config_file.read_text().replace('wandb = "off"', f'wandb = "{mode}"'))
    heard = Heard()
    train(resumed_training(run), heard)
    assert training.run is None and started == ["off", "offline" if found else "off"]
    assert any(note in e.message for e in heard.events if isinstance(e, Warned))
    assert f'wandb = "{mode}"' in run.config_file.read_text(), "with what it needs, the next session tracks again"


def test_both_tasks_are_trained_planned_validated_and_told_apart_when_they_are_scored(sets, persona_folder, tmp_path):
    own = persona_rows(load_persona(str(persona_folder))).rows
    drafts = [
        Example(task="rewrite", id=f"d{number}", prompt=f"As anybody says it: {row.completion}", completion=row.completion,
                category=row.category, draft_kind="plain", augmented_from=row.key, origin="a test")
        for number, row in enumerate(own)
    ]  # fmt: skip
    write_examples(persona_folder / "examples" / "rewrite.jsonl", drafts)
    (persona_folder / "edits.jsonl").write_text('{"draft": "We are closed on that day.", "final": "Closed."}\n')
    heard = Heard()
    training = new_training(None, None, [*sets, "data.test_share=0.2", "data.rewrite_share=0.5"])
    train(training, heard, out=tmp_path / "run")
    splits = training.prepared.splits
    for name in ("train", "valid", "test"):
        assert {row.task for row in splits[name]} == {"write", "rewrite"}, name
    assert sum(row.completion == "Closed." for part in splits.values() for row in part) == 1
    count = sum(row.task == "rewrite" for row in splits["train"])
    assert any(f"({count} of them drafts to rewrite)" in line for _, line in heard.lines)
    tuned = open_tuned(RunDir(tmp_path / "run"))
    log = evaluate(tuned, RunDir(tmp_path / "run"), [Question(id="q", prompt="Write a note.")], lambda *_: None)
    assert len(log.held_out) == sum(row.task == "write" for row in splits["test"]) and log.task == "write"
    assert not any(REQUEST in row.prompt for row in tuned.formatter.rows), "examples in a prompt are of writing"
