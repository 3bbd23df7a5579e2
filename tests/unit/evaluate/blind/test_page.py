import json
import re
from pathlib import Path

import pytest

from pete.errors import DataError
from pete.evaluate.blind.page import make_page, read_result
from pete.evaluate.blind.record import blind_tests, hash_of, pairs_of
from pete.evaluate.log import EvaluationLog
from pete.run import RunDir
from tests.unit.evaluate.blind.test_record import an_evaluation, run

__all__ = ["run"]
LOG = an_evaluation()


def result(log: EvaluationLog = LOG, choices: str = "ab=s", **facts: object) -> dict[str, object]:
    """What a page gives out."""
    said = {"kind": "pete blind test", "version": 1, "run": "r", "answers": hash_of(log), "seed": "seed", "session": "one"}
    return said | {"choices": choices} | facts


def saved(tmp_path: Path, document: object) -> Path:
    path = tmp_path / "blind-result.json"
    path.write_text(document if isinstance(document, str) else json.dumps(document))
    return path


def test_the_texts_stand_only_in_the_data_and_cannot_end_it(run: RunDir):
    log = an_evaluation(say="</script><script>alert(1)</script> {{ CONTENT }}")
    page = make_page(run, log, "seed", pairs_of(log, "seed"))
    data = re.search(r'<script type="application/json" id="test-data">(.*?)</script>', page, re.S)
    assert data is not None and page.count("<script") == 2 and "{{ SCRIPT_HASH" not in page
    pairs = [[pair.prompt, pair.a, pair.b] for pair in pairs_of(log, "seed")]
    assert [pair[:3] for pair in json.loads(data[1])["pairs"]] == pairs and "alert(1)" not in page.replace(data[1], "")


def test_nothing_leaves_the_page(run: RunDir):
    page = make_page(run, LOG, "seed", pairs_of(LOG, "seed"))
    assert not re.search(r"https?://|\bfetch\(|XMLHttpRequest|<link|<img|\bsrc=", page)
    assert "default-src 'none'" in page and "script-src 'sha256-" in page


def test_a_result_is_scored_against_the_log_and_kept(run: RunDir, tmp_path: Path):
    choices = "".join("a" if pair.a_is == "tuned" else "b" for pair in pairs_of(LOG, "seed")[:5]) + "=s"
    file, test = read_result(run, saved(tmp_path, result(choices=choices)))
    assert (test.wins, test.losses, test.ties, test.skipped, test.how) == (5, 0, 1, 1, "page")
    assert blind_tests(run) == {file: test} and test.evaluation == "suite.json"


def test_an_evaluation_that_is_no_longer_the_newest_will_do(run: RunDir, tmp_path: Path):
    an_evaluation(3).write(run.evaluation_file("later"))
    run.evaluation_file("damaged").write_text("{")
    assert read_result(run, saved(tmp_path, result()))[1].evaluation == "suite.json"


def test_a_session_counts_once_and_may_go_on(run: RunDir, tmp_path: Path):
    first, _ = read_result(run, saved(tmp_path, result(choices="ab")))
    longer, test = read_result(run, saved(tmp_path, result(choices="ab=a")))
    assert longer == first and len(test.pairs) == 4 and len(blind_tests(run)) == 1
    for again in ("ab=a", "ab", "bb=ab"):
        with pytest.raises(DataError, match="saved already"):
            read_result(run, saved(tmp_path, result(choices=again)))
    read_result(run, saved(tmp_path, result(choices="ab=a", session="two")))
    assert len(blind_tests(run)) == 2, "the same page, another person"


def test_results_and_records_of_earlier_versions_are_read(run: RunDir, tmp_path: Path):
    old = result(choices="ab")
    old |= {"sitting": old.pop("session"), "check": "0a1b2c3d"}
    file, test = read_result(run, saved(tmp_path, old))
    assert test.session == "one" and json.loads(file.read_text())["session"] == "one"
    file.write_text(file.read_text().replace('"session"', '"sitting"'))
    longer, test = read_result(run, saved(tmp_path, result(choices="ab=")))
    assert longer == file and len(test.pairs) == 3, "the session that was saved under its old name goes on"


@pytest.mark.parametrize(
    ("document", "words"),
    [
        (result(session=""), "session"),
        (result(choices=""), "choices made of"),
        (result(choices="axb"), "choices made of"),
        (result(choices="a" * 37), "37 choices; the test has 36"),
        (result(version=2), "version"),
        (result(kind="shopping list"), "kind"),
        (result(choices=7), "choices"),
        ({"wins": 20}, "not the result of a blind test"),
        ("[", "not the result of a blind test"),
        (result(an_evaluation(2), run="another"), "is of the run 'another', not of 'r'"),
        (result(an_evaluation(2)), "evaluated again since"),
    ],
)
def test_what_cannot_be_read_is_said_and_nothing_is_kept(run: RunDir, tmp_path: Path, document, words):
    with pytest.raises(DataError, match=words) as error:
        read_result(run, saved(tmp_path, document))
    assert error.value.hint and not blind_tests(run)


def test_a_file_that_is_not_there_or_no_text(run: RunDir, tmp_path: Path):
    with pytest.raises(DataError, match="cannot be read"):
        read_result(run, tmp_path / "none.json")
    (tmp_path / "image").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError, match="not the result"):
        read_result(run, tmp_path / "image")
