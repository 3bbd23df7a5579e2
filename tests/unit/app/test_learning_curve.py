import json

import pytest

from pete.app.learning_curve import Curve, learning_curve
from pete.errors import UserError, WorkError
from pete.evaluate.stats import Interval
from pete.run import RunDir
from tests.unit.app.conftest import Heard


def test_shares_of_the_rows_with_equal_steps(sets):
    heard = Heard()
    curve = learning_curve(None, [*sets, "data.test_share=0.25"], heard)
    assert [point.rows for point in curve.points] == sorted({point.rows for point in curve.points}) and len(curve.points) == 3
    trained = [RunDir(point.run.folder).split_file("train").read_text().splitlines() for point in curve.points]
    sources = [{line.partition('"prompt"')[2] for line in lines} for lines in trained]
    assert sources[0] < sources[1] < sources[2], "each share holds the smaller ones"
    assert {point.run.read_config().config.train.steps for point in curve.points} == {12}
    assert curve.points[0].passes > curve.points[-1].passes
    assert all(point.bits < curve.base and point.gain.mean == pytest.approx(curve.base - point.bits) for point in curve.points)
    assert curve.last.mean == pytest.approx(curve.points[1].bits - curve.points[2].bits)
    assert next(text for level, text in heard.lines if level == "title").startswith(
        f"{curve.points[0].rows} of {curve.points[2].rows} rows"
    )


def test_rows_made_from_rows_follow_them(sets, persona_folder):
    examples = persona_folder / "examples"
    rows = [json.loads(line) for path in sorted(examples.iterdir()) for line in path.read_text().splitlines()]
    rows = [row | {"id": f"{row['category']}-{row['topic']}"} for row in rows]
    made = [row | {"id": f"{row['id']}-again", "prompt": f"{row['prompt']} Now.", "augmented_from": row["id"]} for row in rows]
    for path in examples.iterdir():
        path.unlink()
    (examples / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in [*rows, *made]))
    curve = learning_curve(None, [*sets, "data.test_share=0.25"], Heard())
    for point in curve.points:
        trained = [json.loads(line) for line in RunDir(point.run.folder).split_file("train").read_text().splitlines()]
        own = {row["id"] for row in trained if "augmented_from" not in row}
        assert len(own) == point.rows / 2 and {row["augmented_from"] for row in trained if "augmented_from" in row} == own


def test_without_held_out_rows_there_is_nothing_to_measure(sets):
    with pytest.raises(UserError, match="No rows are held out"):
        learning_curve(None, [*sets, "data.test_share=0"], Heard())


def test_where_no_training_beats_the_base_that_is_the_error(sets):
    with pytest.raises(WorkError, match="No step was better"):
        learning_curve(None, [*sets, "optim.learning_rate=1e-9"], Heard())


@pytest.mark.parametrize(
    ("interval", "words"),
    [
        (Interval(0.05, 0.02, 0.08, 40), "more of them would probably help"),
        (Interval(-0.05, -0.08, -0.02, 40), "cost 0.050 bits a byte"),
        (Interval(0.01, -0.02, 0.04, 40), "may be nothing"),
        (Interval(0.01, -0.02, 0.04, 5), "so few held-out topics"),
    ],
)
def test_the_verdict_says_no_more_than_the_interval(interval, words):
    assert words in Curve((), 1.0, interval).verdict
