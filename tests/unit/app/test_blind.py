from pathlib import Path

import pytest

from pete.app.blind import BlindSession, keep_result, pairs_of_a_longer_test, write_page
from pete.errors import UserError
from pete.evaluate.blind.record import blind_tests
from pete.run import RunDir
from tests.unit.evaluate.blind.test_page import result, saved
from tests.unit.evaluate.blind.test_record import run

__all__ = ["run"]


def test_each_choice_is_kept_and_another_session_goes_on(run: RunDir):
    session = BlindSession(run, 3)
    assert (session.judged, len(session.pairs), session.ended) == (0, 3, False) and not blind_tests(run), "nothing before the first choice"
    session.choose("=")
    later = BlindSession(run, 3)
    assert (later.file, later.test, later.pairs) == (session.file, session.test, session.pairs) and later.judged == 1
    later.choose("a")
    later.choose("s")
    assert later.ended and blind_tests(run) == {later.file: later.test}
    assert BlindSession(run, 3).file != later.file, "what has ended is not gone on with"


def test_starting_anew_leaves_the_earlier_test_as_it_is(run: RunDir):
    session = BlindSession(run, 3)
    session.choose("=")
    kept = dict(blind_tests(run))
    session.restart()
    assert session.judged == 0 and session.file not in kept and blind_tests(run) == kept
    session.choose("s")
    assert len(blind_tests(run)) == 2


def test_a_test_ends_once_it_is_clear_and_a_longer_one_is_told(run: RunDir):
    session = BlindSession(run, 3)
    session.choose("=")
    longer = pairs_of_a_longer_test(run, session.test)
    assert longer is not None and longer > 3 and pairs_of_a_longer_test(run, session.test.model_copy(update={"how": "page"})) is None
    session = BlindSession(run, longer)
    while not session.ended:
        session.choose("a" if session.pair.a_is == "tuned" else "b")
    assert session.test.preferred == "tuned" and session.judged < longer


def test_a_page_is_never_written_over_another_file(run: RunDir, tmp_path: Path):
    page = write_page(run, tmp_path / "blind.html", 2)
    assert (page.pairs, page.evaluation) == (2, "suite.json") and "<script" in (tmp_path / "blind.html").read_text()
    with pytest.raises(UserError, match="exists already"):
        write_page(run, tmp_path / "blind.html", 2)
    with pytest.raises(UserError, match="cannot be written"):
        write_page(run, tmp_path / "blind.html" / "below a file", 2)


def test_a_pages_result_is_kept_in_a_run_that_can_be_written(run: RunDir, tmp_path: Path, monkeypatch):
    file, test = keep_result(run, saved(tmp_path, result()))
    assert blind_tests(run) == {file: test}
    monkeypatch.setattr(RunDir, "require_writable", lambda self: (_ for _ in ()).throw(UserError("read-only")))
    for refused in (lambda: keep_result(run, saved(tmp_path, result(session="two"))), lambda: BlindSession(run)):
        with pytest.raises(UserError, match="read-only"):
            refused()
