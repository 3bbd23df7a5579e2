"""benchmarks/growth.py, with points that nobody measured."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from benchmarks import growth
from benchmarks.growth import Part, Point, main
from benchmarks.random_base import SHAPES, tensors
from pete.errors import WorkError


def test_what_is_measured_is_kept_as_it_comes_and_a_point_that_fails_is_named(tmp_path: Path, monkeypatch, capsys):
    out, kept = tmp_path / "out", []

    def trained(folder: Path, config: Any, lengths: Sequence[int], steps: int, x: float) -> Point:
        kept.append(json.loads((out / "growth.json").read_text()) if (out / "growth.json").exists() else [])
        if x == 128:
            raise WorkError("Pete: the system ended it, which it does when memory runs out")
        if x == 64:
            raise KeyboardInterrupt
        return Point(x, 1e-3 + 1e-6 * x, 2**30)

    monkeypatch.setattr(growth, "trained", trained)
    monkeypatch.setattr(growth, "base_of", lambda work, shape: work / shape)
    with pytest.raises(KeyboardInterrupt):
        main(["--out", str(out), "--parts", "size", "length", "--shapes", "pythia-14m", "--lengths", "256", "128", "512", "1024", "64"])
    assert [[len(part["points"]) for part in one] for one in kept] == [[], [1], [1, 1], [1, 1], [1, 2], [1, 3]]
    size, length = json.loads((out / "growth.json").read_text())
    assert [point["x"] for point in length["points"]] == [256, 512, 1024] and "memory runs out" in capsys.readouterr().out
    assert size["points"][0]["x"] == sum(layer_products("pythia-14m"))
    assert ElementTree.fromstring((out / "growth.svg").read_text()).tag.endswith("svg")
    assert sorted(path.name for path in out.iterdir()) == ["growth.json", "growth.svg"]


def layer_products(shape: str) -> list[int]:
    """What a token meets: the body's numbers and the head's, without the embeddings."""
    layers, width, _ = SHAPES[shape]
    body = 12 * width * width + (3 + 1 + 4 + 1 + 4) * width  # matrices with their biases, two norms
    assert len(tensors(layers, width)) == 12 * layers + 4
    return [layers * body, 2 * width, 50304 * width]


def test_a_fit_is_said_in_the_words_of_its_axes():
    line = Part("length", "tokens of a row", "ms a token", False, tuple(Point(x, 4e-3 + 1e-6 * x, 1) for x in (128, 256, 512)))
    assert line.said() == "4 ms and 1 ms for each 1,000 tokens of a row, no point further from it than 0%"
    power = Part("rows", "rows", "seconds to prepare", True, tuple(Point(x, 1e-3 * x, 1) for x in (10, 100, 1000)))
    assert power.said() == "x to the power of 1.00, no point further from it than 0%"
