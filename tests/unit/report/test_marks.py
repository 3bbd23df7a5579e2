from pete.evaluate.scorers.cliche import Cliche
from pete.report.marks import marks_of, pieces
from tests.unit.evaluate.conftest import sample


def test_a_phrase_to_avoid_is_named_by_the_persona_s_rule():
    answer = sample("We unlocked it, #growth.")
    answer = answer.model_copy(update={"marks": tuple(Cliche(["unlock*"]).marks(answer))})
    assert [(p.text, p.words) for p in pieces(answer.text, marks_of(answer)) if p.marks] == [
        ("unlocked", "what the voice avoids: unlock*"),
        ("#growth", "what the voice avoids: hashtags"),
    ]


def test_the_pieces_are_the_text_and_a_mark_outside_it_is_left_out():
    answer = sample("Plain prose, nothing else.", marks=[{"start": 6, "end": 99, "kind": "odd"}, {"start": 0, "end": 5, "kind": "odd"}])
    cut = pieces(answer.text, marks_of(answer))
    assert "".join(p.text for p in cut) == answer.text and [(p.text, p.words) for p in cut if p.marks] == [("Plain", "odd")]
