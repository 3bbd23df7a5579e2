import io
import json

from pete.engines.bench.pace import Pace, peak_resident


def test_an_order_is_answered_with_what_was_found_and_how_long_it_took():
    answers = io.StringIO()
    pace = Pace(io.StringIO('{"rows": 2}\n{}\n'), answers)
    waited = []
    pace.finish = lambda: waited.append(True)
    pace.peak = lambda: 7
    pace.ready(read=3)
    assert pace.wait() == {"rows": 2}
    pace.done(tokens=5)
    assert pace.wait() == {}
    pace.done(seconds=2.5)
    assert pace.wait() is None
    pace.failed("no")
    ready, first, second, failed = map(json.loads, answers.getvalue().splitlines())
    assert ready == {"peak": 7, "read": 3} and failed == {"error": "no"} and waited == [True, True]
    assert first["tokens"] == 5 and 0 < first["seconds"] < 5 and second["seconds"] == 2.5


def test_the_highest_point_is_of_this_process_and_stays():
    before = peak_resident()
    held = bytearray(before + (64 << 20))
    held[::4096] = b"x" * len(held[::4096])
    high = peak_resident()
    del held
    assert high >= before + (64 << 20) and peak_resident() >= high - (1 << 20), "the kernel counts to within some pages"
