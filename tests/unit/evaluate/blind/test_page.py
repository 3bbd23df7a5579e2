import json
import re
from pathlib import Path

import pytest

from pete.errors import DataError
from pete.evaluate.blind.page import _fnv, _veil, make_page, read_result
from pete.evaluate.blind.record import blind_tests, hash_of, pairs_of
from pete.evaluate.log import EvaluationLog
from pete.run import RunDir
from tests.unit.evaluate.blind.test_record import an_evaluation, run

__all__ = ["run"]
LOG = an_evaluation()


def result(log: EvaluationLog = LOG, choices: str = "ab=s", **facts: object) -> dict[str, object]:
    """What a page gives out."""
    answers = hash_of(log)
    check = f"{_fnv(f'{answers}:seed:one:{choices}'):08x}"
    said = {"kind": "pete blind test", "version": 1, "run": "r", "answers": answers, "seed": "seed", "sitting": "one", "choices": choices}
    return said | {"check": check} | facts


def saved(tmp_path: Path, document: object) -> Path:
    path = tmp_path / "blind-result.json"
    path.write_text(document if isinstance(document, str) else json.dumps(document))
    return path


def test_nothing_in_the_page_says_whose_an_answer_is(run: RunDir):
    page = make_page(run, LOG, "seed", pairs_of(LOG, "seed"))
    assert "base says" not in page and "Ask marketing" not in page and "{{" not in page
    again = make_page(run, LOG, "seed", pairs_of(LOG, "seed"))
    assert re.search('data-content="(.+?)"', again)[1] != re.search('data-content="(.+?)"', page)[1], "another veil each time"  # type: ignore[index]


def test_nothing_leaves_the_page(run: RunDir):
    page = make_page(run, LOG, "seed", pairs_of(LOG, "seed"))
    assert not re.search(r"https?://|\bfetch\(|XMLHttpRequest|<link|<img|\bsrc=", page)
    assert "default-src 'none'" in page and "script-src 'sha256-" in page


def test_the_veil_lifts_itself_and_the_check_is_fnv():
    assert _veil(_veil(b"Whose is it?", 7), 7) == b"Whose is it?" and _veil(b"Whose is it?", 7) != b"Whose is it?"
    assert _fnv("foobar") == 0xBF9CF968, "from the authors' own list"


def test_a_result_is_scored_against_the_log_and_kept(run: RunDir, tmp_path: Path):
    choices = "".join("a" if pair.a_is == "tuned" else "b" for pair in pairs_of(LOG, "seed")[:5]) + "=s"
    file, test = read_result(run, saved(tmp_path, result(choices=choices)))
    assert (test.wins, test.losses, test.ties, test.skipped, test.how) == (5, 0, 1, 1, "page")
    assert blind_tests(run) == {file: test} and test.evaluation == "suite.json"


def test_an_evaluation_that_is_no_longer_the_newest_will_do(run: RunDir, tmp_path: Path):
    an_evaluation(3).write(run.evaluation_file("later"))
    run.evaluation_file("damaged").write_text("{")
    assert read_result(run, saved(tmp_path, result()))[1].evaluation == "suite.json"


def test_a_sitting_counts_once_and_may_go_on(run: RunDir, tmp_path: Path):
    first, _ = read_result(run, saved(tmp_path, result(choices="ab")))
    longer, test = read_result(run, saved(tmp_path, result(choices="ab=a")))
    assert longer == first and len(test.pairs) == 4 and len(blind_tests(run)) == 1
    for again in ("ab=a", "ab", "bb=ab"):
        with pytest.raises(DataError, match="saved already"):
            read_result(run, saved(tmp_path, result(choices=again)))
    other = result(choices="ab=a", sitting="two")
    other["check"] = f"{_fnv(':'.join(str(other[key]) for key in ('answers', 'seed', 'sitting', 'choices'))):08x}"
    read_result(run, saved(tmp_path, other))
    assert len(blind_tests(run)) == 2, "the same page, another person"


@pytest.mark.parametrize(
    ("document", "words"),
    [
        (result() | {"choices": "aaaa"}, "was changed after"),
        (result() | {"seed": "other"}, "was changed after"),
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
