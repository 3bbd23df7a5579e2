"""pete export through the real command line, on the engine that needs no model."""

import json
import zipfile

import pytest

from tests.pipeline.conftest import FAKE


@pytest.fixture
def run(pete, persona_folder, tmp_path):
    folder = tmp_path / "a run"
    done = pete(
        "train", "--persona", persona_folder, "--out", folder, *FAKE, "--set", "train.epochs=10", "--set", "optim.learning_rate=0.05"
    )
    assert done.returncode == 0, done.stderr
    return folder


def test_what_can_leave_leaves_and_what_cannot_says_why(pete, run, tmp_path):
    done = pete("export", run, "--to", "all", "--json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert [one["form"] for one in document["exports"]] == ["adapter"] and document["exports"][0]["proof"]["kl"] == 0
    assert document["refused"].keys() == {"merged", "gguf", "ollama", "lmstudio", "mlx"}
    assert all("no weights on disk" in one["message"] or "mlx" in one["message"] for one in document["refused"].values())
    path = run / "exports" / "ada-fake-adapter.zip"
    assert zipfile.is_zipfile(path) and sorted(p.name for p in path.parent.iterdir()) == ["ada-fake-adapter.zip", "adapter-f32.proof.json"]

    again = pete("export", run, "--to", "adapter")
    assert again.returncode == 2 and "is there already" in again.stderr and "--out" in again.stderr
    elsewhere = pete("export", run, "--to", "adapter", "--out", tmp_path / "out")
    assert elsewhere.returncode == 0 and "token ids equal" in " ".join(elsewhere.stdout.split())
    assert (tmp_path / "out" / path.name).read_bytes() == path.read_bytes()

    report = pete("report", run)
    assert report.returncode == 0 and "## Exports" in (run / "report.md").read_text()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["export", "RUN"], "--to says what it is exported to"),
        (["export", "RUN", "--to", "onnx"], "no export called 'onnx'"),
        (["export", "RUN", "--to", "gguf", "--quant", "q3"], "no kind of numbers called 'q3'"),
        (["export", "RUN", "--to", "merged"], "no weights on disk"),
        (["export", "RUN/adapter", "--to", "adapter"], "nothing says which base"),
        (["export", "nowhere", "--to", "adapter"], "There is no run 'nowhere'"),
        (["quantize", "RUN"], "no weights on disk"),
        (["quantize", "nowhere"], "neither"),
    ],
)
def test_what_cannot_be_is_one_error(pete, run, arguments, words):
    done = pete(*(word.replace("RUN", str(run)) for word in arguments))
    assert done.returncode == 2 and words in " ".join(done.stderr.split()) and "Traceback" not in done.stderr and done.stdout == ""
    assert not list(run.rglob(".export-*"))
