from types import SimpleNamespace

import pytest

from pete.app import quickstart as module
from pete.app.quickstart import quickstart
from pete.config import resolve
from tests.unit.app.conftest import Heard


@pytest.mark.parametrize(
    ("steps", "expected"), [(None, []), (20, ["train.steps=20", "optim.warmup_steps=6"]), (1, ["train.steps=1", "optim.warmup_steps=0"])]
)
def test_it_trains_asks_a_few_prompts_and_reports_in_this_order(monkeypatch, tmp_path, steps, expected):
    done = []
    run = SimpleNamespace(read_config=lambda: resolve("quickstart"))
    monkeypatch.setattr(module, "new_training", lambda preset, file, overrides: (preset, overrides))
    monkeypatch.setattr(module, "train", lambda training, notify, stop, out: done.append((training, out)) or SimpleNamespace(run=run))
    monkeypatch.setattr(module, "evaluate_run", lambda run, resolved, suite, names, notify: done.append((names, resolved.config.evaluate)))
    monkeypatch.setattr(module, "write_report", lambda run: done.append("report"))
    monkeypatch.setattr(module, "read_report", lambda run: "data")
    monkeypatch.setattr(module, "headline", lambda data: f"headline of {data}")
    heard = Heard()
    started = quickstart(heard, out=tmp_path, seed=3, steps=steps)
    training, (names, evaluate), last = done
    assert training == (("quickstart", ["train.seed=3", "generate.seed=3", *expected]), tmp_path)
    assert (names, evaluate.samples, evaluate.prompts_per_category, last) == ([("write", "quickstart")], 1, 5, "report")
    assert (started.run, started.headline) == (run, "headline of data") and started.seconds >= 0
    assert [text for level, text in heard.lines if level == "title"] == ["1 of 2  train", "2 of 2  base beside tuned"]
