"""Blind test: the pairs a person chooses between, each choice on disk once it is made; or one page with them for somebody else."""

from dataclasses import dataclass
from pathlib import Path

from pete.errors import UserError
from pete.evaluate.blind.page import make_page, read_result
from pete.evaluate.blind.record import PAIRS, BlindTest, Choice, Pair, hash_of, new_file, new_seed, open_evaluation, pairs_of, unfinished
from pete.run import RunDir, write_atomic


class BlindSession:
    """A test on the way: one that was left, or else a new one. Nothing is written before the first choice.

    `pairs` stand in their order, `test` has the choices so far and `file` is where they are kept.
    """

    def __init__(self, run: RunDir, most: int = PAIRS) -> None:
        """Open a test of at most so many pairs; raises UserError where the run's newest evaluation has none, or is read-only."""
        run.require_writable()  # before twenty choices are made, not after
        self.run, self._most = run, most
        self._evaluation, self._log = open_evaluation(run)
        if (left := unfinished(run, self._log, most)) is not None:
            self._take(*left)
        else:
            self.restart()

    def restart(self) -> None:
        """A new test, in another order; an earlier one stays as it is."""
        test = BlindTest(run=self.run.name, evaluation=self._evaluation.name, answers=hash_of(self._log), seed=new_seed())
        self._take(new_file(self.run), test)

    def _take(self, file: Path, test: BlindTest) -> None:
        self.file, self.test = file, test
        self.pairs = pairs_of(self._log, test.seed, str(self._evaluation))[: self._most]

    @property
    def judged(self) -> int:
        """Pairs that have their choice."""
        return len(self.test.pairs)

    @property
    def ended(self) -> bool:
        """Whether it is clear, or every pair is judged."""
        return self.test.preferred is not None or self.judged == len(self.pairs)

    @property
    def pair(self) -> Pair:
        """The next one to judge."""
        return self.pairs[self.judged]

    def choose(self, choice: Choice) -> None:
        """Judge the next pair, and keep it."""
        self.test = self.test.judge(self.pair, choice)
        self.test.write(self.file)


@dataclass(frozen=True)
class BlindPage:
    """What a page was made of."""

    pairs: int
    evaluation: str


def write_page(run: RunDir, path: Path, most: int = PAIRS) -> BlindPage:
    """Write a test of at most so many pairs as one HTML file; raises UserError where it cannot be, and where there is a file already."""
    if path.exists():
        raise UserError(f"{path} exists already, and somebody may be at it.", "choose another name: --html FILE")
    evaluation, log = open_evaluation(run)
    seed = new_seed()
    pairs = pairs_of(log, seed, str(evaluation))[:most]
    try:
        write_atomic(path, make_page(run, log, seed, pairs))
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error.strerror}.", "choose another place: --html FILE") from None
    return BlindPage(len(pairs), evaluation.name)


def keep_result(run: RunDir, path: Path) -> tuple[Path, BlindTest]:
    """Score the result that a page saved, and keep it in the run; raises as `read_result` does, and UserError where it is read-only."""
    run.require_writable()
    return read_result(run, path)


def pairs_of_a_longer_test(run: RunDir, test: BlindTest) -> int | None:
    """How many pairs to ask for to go on with a test at the terminal; None where there are no more."""
    if test.how != "terminal":
        return None
    left = len(pairs_of(open_evaluation(run)[1], test.seed)) - len(test.pairs)
    return len(test.pairs) + min(left, PAIRS) if left > 0 else None
