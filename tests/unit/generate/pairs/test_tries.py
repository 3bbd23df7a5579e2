from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from pete.generate.pairs.tries import Objection, Tries
from tests.unit.generate.pairs.test_back_translate import Says


class Why(StrEnum):
    ODD = "an odd number"


@dataclass
class Even(Tries):
    noun: ClassVar[str] = "numbers"
    of: int

    def __len__(self) -> int:
        return self.of

    def question(self, number: int) -> str:
        before = self.refused.get(number)
        return f"{number}" + (f", not {self.last[number]}: {before.in_words()}" if before else "")

    def read(self, reply: str) -> str:
        return reply.strip()

    def problem(self, number: int, said: str) -> Objection | None:
        return Objection(Why.ODD, said) if int(said) % 2 else None


def test_what_is_refused_is_asked_for_again_with_the_reason_and_counted_where_it_never_holds():
    session, heard = Even(3), list[tuple[str, int, int]]()
    writer = Says(lambda question, attempt: f" {int(question[0]) * attempt}\n")
    session.run(writer, 2, lambda *said: heard.append(said))
    assert session.made == {0: "0", 1: "2", 2: "2"} and not session.counts()
    assert writer.asked == [["0", "1", "2"], ["1, not 1: an odd number: 1"]] and heard[-1] == ("numbers, try 2", 1, 1)
    never = Even(2)
    never.run(Says(lambda question, attempt: "1" if question[0] == "1" else "4"), 3, lambda *_: None)
    assert never.made == {0: "4"} and never.counts() == {Why.ODD: 1} and never.last == {1: "1"}
    assert never.questions()[1] == "1, not 1: an odd number: 1" and Objection(Why.ODD).in_words() == "an odd number"
