from pete.serve.limits import Limits


def test_the_limits_fit_each_other():
    limits = Limits()
    assert limits.choices <= limits.rows + limits.waiting, "the largest request can be taken"
    assert limits.rows + limits.waiting <= limits.connections < 256, "those that may wait can connect, and macOS has files for them"
    assert limits.read_seconds < limits.request_seconds
