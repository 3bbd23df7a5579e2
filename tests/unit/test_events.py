import json
from pathlib import Path

import pytest

from pete import events


def samples() -> list[events.Event]:
    return [
        events.Checked(
            findings=[{"name": "power", "level": "good", "found": "mains", "advice": ""}], machine={"chip": "Apple M4 Pro", "memory": 24}
        ),
        events.Planned(memory=5, available=9, seconds=60.0, tokens=10, basis="an earlier run"),
        events.Sampled(step=1, prompt="Say.", text="Said."),
        events.Started(
            base="b",
            engine="fake",
            device="cpu",
            dtype="f",
            dtype_reason="r",
            trainable=1,
            parameters=2,
            steps=3,
            train_rows=4,
            valid_rows=5,
        ),
        events.Step(step=1, loss=2.0, lr=1e-4, grad_norm=1.0, tokens=10, trained_tokens=5, seconds=0.1, memory=7),
        events.Validated(step=1, loss=2.0, best=True),
        events.Saved(step=1, checkpoint="step-000001"),
        events.Warned(message="naïve — “quoted”"),
        events.Finished(step=1, reason="done", best_step=1, best_loss=None, seconds=1.0),
    ]


def test_every_kind_survives_the_file(tmp_path: Path):
    assert {type(e).__name__ for e in samples()} == set(events.KINDS)
    path = tmp_path / "events.jsonl"
    path.write_text("".join(map(events.to_line, samples())))
    assert list(events.read(path)) == samples_with_times(path)


def samples_with_times(path: Path) -> list[events.Event]:
    records = [json.loads(line) for line in path.read_text().splitlines()]
    return [events.KINDS[r.pop("kind")](**r) for r in records]


@pytest.mark.parametrize(
    "tail",
    ['{"v": 1, "kind": "Ste', "\x00\x00", '{"v": 2, "kind": "Invented", "x": 1}\n', "[]\n", '{"kind": "Step"}\n', '{"kind": ["a"]}\n'],
)
def test_half_lines_and_unknown_kinds_are_passed_over(tmp_path: Path, tail: str):
    path = tmp_path / "events.jsonl"
    path.write_text("".join(map(events.to_line, samples())) + tail)
    assert len(list(events.read(path))) == len(samples())


def test_unknown_fields_of_a_newer_version_are_passed_over(tmp_path: Path):
    path = tmp_path / "events.jsonl"
    path.write_text(events.to_line(samples()[2]).replace('"step"', '"colour": "red", "step"'))
    assert len(list(events.read(path))) == 1


def test_a_missing_file_has_no_events(tmp_path: Path):
    assert list(events.read(tmp_path / "none")) == []
