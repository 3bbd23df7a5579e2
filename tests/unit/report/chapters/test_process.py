from dataclasses import replace

import pytest

from pete.events import Checked, Event, Planned, Sampled, Warned
from pete.report import original
from pete.report.blocks import Block, FactTable, Fold, Section, Table, Text
from pete.report.chapters.process import UNKNOWN, process
from pete.report.markdown import to_markdown
from pete.report.model import read_report
from pete.report.page import make_page
from pete.resources import PROJECT
from tests.unit.report.conftest import HISTORY, MakeRun, evaluation, finished, sample, started, step

ENVIRONMENT = {"PYTORCH_MPS_HIGH_WATERMARK_RATIO": "0.0", "PYTORCH_ENABLE_MPS_FALLBACK": "1", "TOKENIZERS_PARALLELISM": "false"}
CHECKED = Checked(
    time=1_699_999_990, monotonic=-10,
    findings=[
        {"name": "torch", "level": "good", "found": "PyTorch 2.14.1.", "advice": ""},
        {"name": "power", "level": "caution", "found": "On battery at 61%.", "advice": "Plug it in."},
    ],
    machine={"chip": "Apple M4 Pro", "memory": 48 * 2**30, "gpu_cores": 20, **ENVIRONMENT},
)  # fmt: skip
PLANNED = Planned(
    time=1_699_999_995, monotonic=-5, memory=1_100_000_000, available=9_000_000_000, seconds=8.0, tokens=1000, basis="the last run"
)
SAMPLED = Sampled(time=1_700_000_005, monotonic=5.5, step=5, prompt="A tagline?", text="Bread. Again.")


def chapter(make_run: MakeRun, events: list[Event] | None = None, **facts: object) -> Section:
    return process(read_report(make_run(events=HISTORY if events is None else events, **facts)))


def section(chapter: Section, title: str) -> Section:
    return next(b for b in chapter.blocks if isinstance(b, Section) and b.title == title)


def table(chapter: Section, title: str) -> dict[str, tuple[str, ...]]:
    return {row[0]: row[1:] for block in section(chapter, title).blocks if isinstance(block, Table) for row in block.rows}


def facts(blocks: tuple[Block, ...]) -> dict[str, str]:
    return {f.name: f.value for block in blocks if isinstance(block, FactTable) for f in block.facts}


def test_every_name_of_the_original_report_is_there(make_run: MakeRun):
    text = to_markdown(make_page(read_report(make_run(events=[CHECKED, PLANNED, *HISTORY]))))
    names = (
        "Executive Summary", "Fine-Tuning Process", "Base Model", "Fine-Tuning Configuration", "Training Hyperparameters",
        "Apple Silicon Optimizations", "Monitoring", "Model Evaluation", "Response Analysis", "Next Steps",
    )  # fmt: skip
    for name in names:
        assert f"# {name}\n" in text, name


def test_the_chapters_on_answers_and_every_file_a_reader_of_the_original_knows(make_run: MakeRun):
    texts = [sample(model, "p", "Bread. Again.") for model in ("base", "tuned")]
    text = to_markdown(make_page(read_report(make_run(log=evaluation([], texts)))))
    for name in ("Evaluation Approach", "Performance Summary", "Answers, base beside tuned", "Tools and Resources"):
        assert f"# {name}\n" in text, name
    launchers, scripts = ([tool[at] for tool in original.TOOLS if tool[at][1]] for at in (2, 3))
    assert (len(launchers), len(scripts)) == (5, 4)
    for folder, name in launchers + scripts:
        assert name.replace("_", "\\_") in text or name in text, name
        assert (PROJECT / folder / name).is_file(), f"{folder}/{name}"


def test_the_original_stands_beside_what_was_done(make_run: MakeRun):
    found = chapter(make_run, overrides=["lora.targets=query_key_value", "train.accumulation=4", "optim.learning_rate=1e-3"])
    assert table(found, "Fine-Tuning Configuration")["Target modules"] == ("query_key_value", "query_key_value")
    assert table(found, "Fine-Tuning Configuration")["Trainable parameters"] == ("5.00% of all parameters: 50 of 1,000", "~0.5%")
    set_ = table(found, "Training Hyperparameters")
    assert set_["Gradient accumulation steps"] == ("4 (4 rows an update)", "16") and set_["Learning rate"][1] == "2e-4"
    assert set_["Training iterations"] == ("10 of 10 (asked for: 10)", "2000")
    assert set_["Mixed precision"] == ("disabled: float32", "disabled")
    assert table(found, "Base Model")["Model"] == ("tiny", "EleutherAI/pythia-1.4b")


def test_every_row_of_the_original_has_a_counterpart_from_the_run(make_run: MakeRun):
    found = chapter(make_run, [CHECKED, *HISTORY])
    looked = 0
    for title, rows in (
        ("Base Model", original.BASE), ("Fine-Tuning Configuration", original.LORA), ("Training Hyperparameters", original.TRAINING),
        ("Apple Silicon Optimizations", original.APPLE),
    ):  # fmt: skip
        for name, theirs in rows.items():
            mine, beside = table(found, title)[name]
            assert beside == theirs and mine not in ("", UNKNOWN), (title, name, mine)
            looked += 1
    assert looked == 23, "rows of the original report's four lists"
    assert table(found, "Base Model")["Architecture"] == ("gpt_neox", "GPT-Neo")


def test_the_original_figures_stand_beside_what_the_evaluation_measured(make_run: MakeRun):
    texts = [sample(model, "p", "Bread. Again.") for model in ("base", "tuned")]
    text = to_markdown(make_page(read_report(make_run(log=evaluation([], texts)))))
    (summary,) = (part for part in text.split("\n#") if part.lstrip("# ").startswith("Performance Summary"))
    rows = {cells[1].strip(): [cell.strip() for cell in cells[2:5]] for line in summary.split("\n") if len(cells := line.split("|")) > 5}
    assert rows["Median"] == ["Base", "Tuned", "Original report"]
    assert rows["Average generation time, s"] == ["4.0", "3.0", "3 to 5"]
    assert rows["Tokens per second"] == ["20.0", "20.0", "10 to 20"]
    assert rows["Output length, tokens"][:2] == ["40", "40"] and rows["Peak memory, GB"] == ["1.9", "1.9", "4 to 6"]


def test_a_model_that_was_guessed_for_says_how_often_the_guesses_were_right(make_run: MakeRun):
    texts = [sample(model, "p", "Bread. Again.") for model in ("base", "tuned")]
    log = evaluation([], texts)
    plain = to_markdown(make_page(read_report(make_run(log=log))))
    speed = [one.model_copy(update={"guessed": 40, "guessed_right": 30} if one.model == "tuned" else {}) for one in log.speed]
    guessed = to_markdown(make_page(read_report(make_run(log=log.model_copy(update={"speed": speed}), folder="s"))))
    (line,) = (line for line in guessed.split("\n") if "Guessed tokens that were drawn" in line)
    assert [cell.strip() for cell in line.split("|")[2:4]] == ["", "75%"] and "Guessed tokens" not in plain


def test_the_environment_is_what_the_machine_recorded(make_run: MakeRun):
    events = [CHECKED, replace(started(), device="mps"), *HISTORY[1:]]
    found = table(chapter(make_run, events), "Apple Silicon Optimizations")
    assert found["PYTORCH_MPS_HIGH_WATERMARK_RATIO"] == ("0.0", "0.0") and found["PYTORCH_ENABLE_MPS_FALLBACK"] == ("1", "1")
    assert found["Device"] == ("mps", "MPS") and found["Quantization"][0] == "none"
    assert found["Number format of the base"][0] == "float32: it is exact"


def test_on_another_device_the_variables_are_said_to_do_nothing(make_run: MakeRun):
    found = table(chapter(make_run, [CHECKED, *HISTORY]), "Apple Silicon Optimizations")
    assert found["PYTORCH_ENABLE_MPS_FALLBACK"][0] == "1 (nothing to do on cpu)" and found["TOKENIZERS_PARALLELISM"][0] == "false"


def test_what_an_older_run_did_not_record_is_not_guessed(make_run: MakeRun):
    run = make_run()
    lines = [line for line in run.config_file.read_text().split("\n") if "mps_high_watermark" not in line and not line.startswith("wandb")]
    run.config_file.write_text("\n".join(lines))
    found = process(read_report(run))
    assert table(found, "Apple Silicon Optimizations")["PYTORCH_MPS_HIGH_WATERMARK_RATIO"][0] == "not recorded"
    for title in ("The machine", "Prediction against what happened"):
        (text,) = section(found, title).blocks
        assert isinstance(text, Text) and text.text.startswith("Not recorded"), title
    assert facts(section(found, "Monitoring").blocks)["Weights & Biases"] == "not recorded"


def test_the_machine_and_what_was_found_wrong_with_it_first(make_run: MakeRun):
    found = section(chapter(make_run, [CHECKED, *HISTORY]), "The machine")
    said = facts(found.blocks)
    assert said["Chip"] == "Apple M4 Pro" and said["Memory"] == "48 GB" and said["GPU cores"] == "20"
    (warned,) = next(block for block in found.blocks if isinstance(block, Table)).rows
    assert warned == ("caution", "power", "On battery at 61%.", "Plug it in.")
    fold = next(block for block in found.blocks if isinstance(block, Fold))
    assert (
        fold.summary == "Checks without remarks: 1"
        and isinstance(fold.blocks[0], Table)
        and fold.blocks[0].rows == (("torch", "PyTorch 2.14.1."),)
    )


def test_prediction_against_what_happened(make_run: MakeRun):
    found = table(
        chapter(make_run, [CHECKED, PLANNED, *HISTORY[:-1], replace(finished(), peak_memory=1_210_000_000)]),
        "Prediction against what happened",
    )
    assert found["Peak memory"] == ("1 GB", "1.1 GB", "+10.0%")
    assert found["Training time"] == ("8.0 s", "7.5 s", "\u22126.2%")


@pytest.mark.parametrize("plan", [[PLANNED], []])
def test_memory_and_time_stand_in_one_place(make_run: MakeRun, plan: list):
    course = section(section(chapter(make_run, [CHECKED, *plan, *HISTORY]), "Monitoring"), "During training")
    assert {"began", "ended"} <= facts(course.blocks).keys()
    assert ({"memory", "time"} <= facts(course.blocks).keys()) == (not plan), "beside their prediction, where there is one"


def test_a_run_that_broke_off_is_not_held_against_its_time(make_run: MakeRun):
    found = table(chapter(make_run, [CHECKED, PLANNED, *HISTORY[:-1]]), "Prediction against what happened")
    assert found["Training time"][1:] == ("not recorded", "")


def test_after_a_resume_the_first_plan_is_held_against_the_whole(make_run: MakeRun):
    events = [
        CHECKED, PLANNED, started(), step(1, 3.0), step(2, 2.9), finished(2, 2, "interrupted"),
        replace(CHECKED, time=1_700_100_000, monotonic=5), replace(PLANNED, time=1_700_100_001, monotonic=6, seconds=4.0),
        replace(started(resumed_from=2), time=1_700_100_002, monotonic=7.0), replace(step(3, 2.8), time=1_700_100_005, monotonic=10.0),
        replace(finished(3, 3), time=1_700_100_006, monotonic=11.0),
    ]  # fmt: skip
    run = make_run(events=events)
    data = read_report(run)
    assert not data.training.sleep_gaps, "the clocks of two sessions are not compared"
    assert table(process(data), "Prediction against what happened")["Training time"] == ("8.0 s", "7.5 s", "\u22126.2%")


@pytest.mark.parametrize(
    ("mode", "words"), [("off", "off"), ("offline", "offline: kept in the run's wandb/"), ("online", "online, project pete")]
)
def test_monitoring_says_where_the_numbers_went(make_run: MakeRun, mode: str, words: str):
    found = section(
        chapter(make_run, [*HISTORY[:5], SAMPLED, Warned(message="row 3: hm"), *HISTORY[5:]], overrides=[f"tracking.wandb={mode}"]),
        "Monitoring",
    )
    said = facts(found.blocks)
    assert said["Weights & Biases"] == words
    assert "10 steps" in said["Local logging"] and "1 sample" in said["Local logging"] and "1 note" in said["Local logging"]
    assert said["Errors"] == "none recorded"
    fold = next(block for block in found.blocks if isinstance(block, Fold))
    assert facts(fold.blocks) == {"Step 5: A tagline?": "Bread. Again."}


def test_failures_are_counted(make_run: MakeRun):
    run = make_run()
    run.record_error(ValueError("no"))
    assert facts(section(process(read_report(run)), "Monitoring").blocks)["Errors"].startswith("1 failure,")
