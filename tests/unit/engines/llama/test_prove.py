"""The proof beside the program: what it prints is read, and a crash is a sentence."""

import subprocess
from pathlib import Path

import pytest

from pete.config import Config
from pete.engines.llama.prove import LONGEST, gap_of
from pete.engines.reference import Gap
from pete.errors import WorkError


def printing(out: str, errors: str = "", code: int = 0):
    return lambda config, adapter: subprocess.CompletedProcess([], code, out, errors)


def test_the_last_line_is_the_gap() -> None:
    line = '{"largest": 0.01, "tuned": 0.002, "change": 0.5, "agreement": 1.0}'
    assert gap_of(Config(), Path(), printing(f"preparing ...\n{line}\n")) == Gap(0.01, 0.002, 0.5, 1.0)


@pytest.mark.parametrize(
    ("out", "errors", "said"),
    [
        ("", "a line\nops.cpp:6355: GGML_ASSERT(n_dims % 2 == 0) failed\nAborted\n", "ops.cpp:6355: GGML_ASSERT"),
        ("", "Traceback ...\npete.errors.WorkError: no room\n", "no room"),
        ("", "", "exit code -11"),
        ("not json\n", "", "exit code -11"),
    ],
)
def test_a_crash_is_a_sentence_with_its_cause(out: str, errors: str, said: str) -> None:
    with pytest.raises(WorkError, match=r"llama\.cpp cannot compute this model") as found:
        gap_of(Config(), Path(), printing(out, errors, -11))
    assert said in str(found.value) and "generate.engine=torch" in found.value.hint


def test_one_that_hangs_is_ended() -> None:
    def hang(config: Config, adapter: Path) -> "subprocess.CompletedProcess[str]":
        raise subprocess.TimeoutExpired("prove", LONGEST)

    with pytest.raises(WorkError, match="did not answer in 600 s"):
        gap_of(Config(), Path(), hang)


def test_the_process_is_this_module(tmp_path: Path) -> None:
    """No adapter there: it says so, and no traceback is taken for a gap."""
    config = Config.model_validate({"generate": {"engine": "fake"}, "engine": {"name": "fake"}, "model": {"base": "fake"}})
    with pytest.raises(WorkError, match="There is no adapter folder"):
        gap_of(config, tmp_path / "nowhere")
