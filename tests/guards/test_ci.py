"""The workflow other people's machines run: the same ./check, on Linux and on a Mac with Apple silicon."""

import yaml

from pete.resources import PROJECT

WORKFLOW = PROJECT / ".github" / "workflows" / "ci.yml"


def test_linux_and_apple_silicon_run_check():
    workflow = yaml.load(WORKFLOW.read_text(encoding="utf-8"), yaml.BaseLoader)  # or YAML reads "on" as a truth value
    assert set(workflow["on"]) == {"push", "pull_request"} and workflow["permissions"] == {"contents": "read"}
    (job,) = workflow["jobs"].values()
    assert job["runs-on"] == "${{ matrix.os }}" and job["steps"][-1] == {"run": "./check"}
    machines = [entry["os"] for entry in job["strategy"]["matrix"]["include"]]
    macs = [name for name in machines if name.startswith("macos-")]
    assert any(name.startswith("ubuntu-") for name in machines) and macs
    for name in macs:
        version = name.removeprefix("macos-")
        assert version == "latest" or (version.isdigit() and int(version) >= 14), f"{name} is an Intel machine, or too old for PyTorch"
    assert {"3.11", "3.13"} <= {entry["python"] for entry in job["strategy"]["matrix"]["include"]}, "the oldest and the newest"
