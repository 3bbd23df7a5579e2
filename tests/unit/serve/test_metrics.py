import threading

import pytest

from pete.serve.metrics import HELP, Metrics


def test_counts_are_kept_by_label_and_written_for_prometheus():
    metrics = Metrics()
    metrics.add("pete_requests_total", path="/v1/models", status="200")
    metrics.add("pete_requests_total", 2, status="200", path="/v1/models")
    metrics.add("pete_step_seconds_total", 0.25)
    metrics.read["pete_rows"] = lambda: 3
    text = metrics.text()
    assert 'pete_requests_total{path="/v1/models",status="200"} 3\n' in text
    assert "\npete_step_seconds_total 0.25\n" in text and "\npete_rows 3\n" in text and text.endswith("\n")
    assert metrics.get("pete_requests_total", path="/v1/models", status="200") == 3 and metrics.get("pete_steps_total") == 0
    for name in HELP:
        assert f"# TYPE {name} {'counter' if name.endswith('_total') else 'gauge'}\n" in text
    with pytest.raises(AssertionError):
        metrics.add("pete_unknown_total")


def test_nothing_is_lost_between_threads():
    metrics = Metrics()
    threads = [threading.Thread(target=lambda: [metrics.add("pete_steps_total") for _ in range(2000)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert metrics.get("pete_steps_total") == 8000
