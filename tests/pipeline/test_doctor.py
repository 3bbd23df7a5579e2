"""pete doctor through the real command line, on whatever machine this is."""

import json

from tests.pipeline.conftest import FAKE


def test_doctor_says_what_this_machine_is(pete):
    done = pete("doctor", "--json", *FAKE)
    document = json.loads(done.stdout)
    assert done.returncode == (1 if any(f["level"] == "stop" for f in document["findings"]) else 0)
    assert document["facts"]["memory"] > 0 and document["selftest"] is None and len(document["findings"]) > 8
    shown = pete("doctor", *FAKE, COLUMNS="80")
    assert shown.returncode == done.returncode and max(map(len, shown.stdout.splitlines())) <= 80
    assert "good" in shown.stdout and "\x1b" not in shown.stdout


def test_a_wrong_setting_is_exit_2(pete):
    done = pete("doctor", "--set", "engine.devise=mps")
    assert done.returncode == 2 and "did you mean engine.device" in done.stderr
