import pytest

from pete.errors import RunError, UserError
from pete.report import write_comparison
from pete.report.beside import make_comparison
from pete.report.blocks import Section, Table
from pete.report.markdown import to_markdown
from pete.report.model import ReportData, read_report
from tests.unit.report.conftest import MakeRun, evaluation, held_out, sample

N = 25


def log(tuned: float, cut: int = 0, noise: float = 0.0, **facts: object):
    rows = [held_out(100, tuned + noise * (n % 3), topic=f"t{n}") for n in range(N)]
    samples = [
        s for n in range(N) for s in (
            sample("base", f"p{n}", f"base {n}"),
            sample("tuned", f"p{n}", f"answer {n}", stop="length" if n < cut else "end"),
        )
    ]  # fmt: skip
    return evaluation(rows, samples, **facts)


@pytest.fixture
def two(make_run: MakeRun) -> list[ReportData]:
    first = make_run(log=log(80.0, noise=1.0), folder="first", overrides=["lora.rank=16"])
    second = make_run(log=log(70.0, cut=20, noise=2.0), folder="second", overrides=["lora.rank=8"])
    return [read_report(first), read_report(second)]


def test_settings_numbers_and_verdicts_side_by_side(two: list[ReportData]):
    page = make_comparison(two)
    text = to_markdown(page)
    settings = next(b for c in page.chapters if c.title == "What was set differently" for b in c.blocks if isinstance(b, Table))
    assert settings.rows == (("lora.rank", "16", "8"),)
    assert "second needs" in text and ": fewer (95% interval" in text
    against = next(c for c in page.chapters if c.title == "second against first")
    assert any("Held-out gain" in line and "better" in line for line in text.split("\n"))
    assert isinstance(against, Section) and "Not settled" in text
    assert "answer 3" in text and "base 3" in text


def test_the_other_way_round_is_the_other_way_round(two: list[ReportData]):
    assert ": more (95% interval" in to_markdown(make_comparison(two[::-1]))


def test_other_unseen_rows_are_not_paired(make_run: MakeRun):
    first = read_report(make_run(log=log(80.0), folder="first"))
    other = log(70.0)
    rows = [row.model_copy(update={"topic": f"other {n}"}) for n, row in enumerate(other.held_out)]
    second = read_report(make_run(log=other.model_copy(update={"held_out": rows}), folder="second"))
    text = to_markdown(make_comparison([first, second]))
    assert "held against other unseen rows" in text and "are not paired" in text


def test_what_cannot_be_compared_is_refused_with_the_reason(two: list[ReportData], make_run: MakeRun):
    bare = read_report(make_run(folder="bare"))
    base = read_report(make_run(log=log(80.0, base="big", base_fingerprint="c" * 64), folder="base"))
    asked = log(80.0)
    asked = asked.model_copy(update={"samples": [s for s in asked.samples if s.prompt_id != "p3"] + [sample("tuned", "new", "x")]})
    prompts = read_report(make_run(log=asked, folder="prompts"))
    cases = {
        "two runs or more; found 1": two[:1],
        "first is named twice": [two[0], two[1], two[0]],
        "bare has no evaluation yet": [two[0], bare],
        "base was trained on big .*first on tiny": [two[0], base],
        "prompts was asked 1 prompt that first was not, and not asked 1": [two[0], prompts],
    }
    for words, reports in cases.items():
        with pytest.raises(RunError, match=words) as error:
            make_comparison(reports)
        assert error.value.hint


def test_the_page_is_written_where_it_is_asked_for(two: list[ReportData], tmp_path):
    from pete.run import RunDir

    html, markdown = write_comparison([RunDir(data.run.folder) for data in two], tmp_path / "out")
    assert html.read_text(encoding="utf-8").startswith("<!doctype html>") and markdown.is_file() and html.parent == tmp_path / "out"


def test_through_the_command_line(two: list[ReportData], tmp_path):
    from typer.testing import CliRunner

    from pete.cli import app

    folders = [str(data.run.folder) for data in two]
    done = CliRunner().invoke(app, ["report", "--compare", *folders])
    assert done.exit_code == 0, done.output
    assert done.output.split() == [f"{folders[0]}/compare.html", f"{folders[0]}/compare.md"]
    done = CliRunner().invoke(app, ["report", "--compare", *folders, "--out", str(tmp_path / "here")])
    assert (tmp_path / "here" / "compare.html").is_file(), done.output
    done = CliRunner().invoke(app, ["report", folders[0]])
    assert done.output.split() == [f"{folders[0]}/report.html", f"{folders[0]}/report.md"]
    for wrong, words in (([*folders], "--compare"), ([folders[0], "--out", "x"], "--out belongs to --compare")):
        error = CliRunner().invoke(app, ["report", *wrong]).exception
        assert isinstance(error, UserError) and words in error.message + error.hint
