"""Every scorer's Spec, and the promise that a new scorer is one file."""

import math
from pathlib import Path

import pytest

from pete.evaluate import scorers
from pete.evaluate.gates import judge
from pete.evaluate.score import Material, score
from pete.evaluate.scorers import apply, gates, metrics, specs
from pete.evaluate.scorers.cliche import Cliche
from pete.evaluate.scorers.degenerate import Degenerate
from pete.evaluate.scorers.echo import Echo
from pete.evaluate.scorers.ending import Ending
from pete.evaluate.scorers.leak import Leak
from tests.unit.evaluate.conftest import PROSE, asked, held_out, log_of, sample

SHOUTING = """
from pete.evaluate.advice import LESS_RANDOM
from pete.evaluate.scorers.spec import Gate, Metric, Spec, mark, scored, shown


class Shouting:
    def score(self, sample):
        return {"any": float(sample.text.isupper()), "letters": float(sum(map(str.isupper, sample.text)))}

    def marks(self, sample):
        return [mark("shout", 0, 3)] if sample.text.isupper() else []


SPEC = Spec(
    "shouting", 200, lambda context: Shouting(),
    metrics=(Metric("shouting.any", "capital letters", "share of answers", "less", binary=True),),
    gates=(Gate("shouting", "shouts", "shouting.any", "at most", 0.02, "It speaks", "It shouts", LESS_RANDOM,
                scored("shouting.letters"), shown("shouting.letters")),),
    tag="shouted", legend={"shout": "in capital letters"},
)
"""


def test_a_scorer_is_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Measured, gated, explained, shown with its worst answers, and marked: none of it is written anywhere else."""
    from pete.report.comparison import compare
    from pete.report.findings import gates as findings_of_gates
    from pete.report.marks import meaning
    from pete.report.results import side
    from tests.unit.report.test_findings import measured_of

    (tmp_path / "shouting.py").write_text(SHOUTING)
    monkeypatch.setattr(scorers, "__path__", [*scorers.__path__, str(tmp_path)])
    specs.cache_clear()
    try:
        assert specs()[-1].name == "shouting"
        answers = [sample(text, model=model, prompt_id=f"p{n}") for n in range(60) for model, text in (("base", "No."), ("tuned", "NO."))]
        rows = [held_out(n, 100.0, 90.0) for n in range(30)]
        log = log_of(prompts=[asked(f"p{n}") for n in range(60)], samples=answers, held_out=rows)
        scored = score(log, Material(None, {}, [], [], None))
        measure = next(m for m in judge(scored).measures if m.name == "shouting.any")
        assert (measure.title, measure.base, measure.tuned, measure.verdict) == ("capital letters", 0, 1, "worse")
        (outcome,) = (o for o in judge(scored).of("failed") if o.gate.name == "shouting")
        assert outcome.worst[0].text == "NO." and outcome.worst[0].why == "letters 2"
        (finding,) = (f for f in findings_of_gates(measured_of(compare(scored, "f"))) if f.title == "It shouts")
        assert finding.kind == "weakness" and "generate.top_p=0.9" in finding.suggestions[0].command
        shown = side("tuned", next(s for s in scored.samples if s.model == "tuned"))
        assert "shouted" in shown.notes and shown.pieces[0].kinds == ("shout",) and meaning("shout") == "in capital letters"
    finally:
        specs.cache_clear()


def test_every_spec_is_whole():
    names = [spec.name for spec in specs()]
    files = {path.stem for path in Path(scorers.__file__).parent.glob("*.py")} - {"__init__", "spec"}
    assert set(names) == files and len(set(names)) == len(names)
    assert [spec.order for spec in specs()] == sorted({spec.order for spec in specs()}), "no two in one place"
    assert all(spec.tasks for spec in specs()) and {task for spec in specs() for task in spec.tasks} == {"write", "rewrite"}


@pytest.mark.parametrize(("task", "primary"), [("write", ["gain", "voice"]), ("rewrite", ["gain", "draft_voice", "meaning.says"])])
def test_every_task_is_measured_and_gated(task, primary):
    assert len({metric.key for metric in metrics(task)}) == len(metrics(task))
    assert [m.key for m in metrics(task) if m.primary] == primary
    assert len({gate.name for gate in gates(task)}) == len(gates(task)) > 8
    for gate in gates(task):
        assert gate.good and gate.bad and gate.advice.text and math.isfinite(gate.limit)
        assert gate.rows or (gate.why(sample("Fine.")) is not None and gate.badness is not None)


def persona_rows():
    from pete.data.examples import load_examples, written
    from pete.persona import load_persona

    return written(load_examples(load_persona("pete-connor").examples))


def test_nothing_the_author_wrote_is_degenerate_an_echo_or_a_leak():
    rows = persona_rows()
    assert len(rows) > 300
    for scorer in (Degenerate(), Echo(), Leak()):
        bad = [row.id for row in rows if scorer.score(sample(row.completion, prompt=row.prompt))["any"]]
        assert bad == [], type(scorer).__name__
    assert sum(Ending().score(sample(row.completion))["any"] for row in rows) < 0.01 * len(rows)


def test_scores_do_not_depend_on_order():
    samples = [sample("a b c"), sample(PROSE), sample("")]
    made = {"degenerate": Degenerate(), "cliche": Cliche(["kettle"]), "leak": Leak(), "ending": Ending()}
    assert apply(samples[::-1], made) == apply(samples, made)[::-1]
    assert apply(samples, made)[1].scores["cliche.avoided"] == 3 and len(apply(samples, made)[1].marks) == 3
