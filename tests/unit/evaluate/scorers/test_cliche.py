from pete.evaluate.scorers.cliche import Cliche
from tests.unit.evaluate.conftest import PROSE, sample


def test_cliches_are_counted_by_kind_and_pointed_at():
    text = "Unlock the game changer! #growth #hustle 🚀 Dear [Customer Name],"
    scorer = Cliche(["unlock*", "game changer"])
    assert scorer.score(sample(text)) == {"avoided": 2, "hashtags": 2, "emoji": 1, "placeholders": 1, "any": 1}
    assert "Unlock" in {text[m.start : m.end] for m in scorer.marks(sample(text))} and len(scorer.marks(sample(text))) == 6
    assert Cliche([]).score(sample(PROSE))["any"] == 0
    assert Cliche([]).score(sample("Stall #4 is ours, see [1]."))["any"] == 0, "a number is no hashtag and no placeholder"


def test_a_mark_names_the_phrase_it_is():
    text = "Unlocking a GAME changer in the game. Free #growth"
    marks = Cliche(["game", "game changer", "unlock*", "\u81ea\u7531"]).marks(sample(text))
    assert [(text[m.start : m.end], m.note) for m in marks] == [
        ("Unlocking", "unlock*"), ("GAME", "game"), ("game", "game"), ("#growth", "hashtags"),
    ]  # fmt: skip
    (longer,) = Cliche(["game changer", "game"]).marks(sample("a game changer"))
    assert longer.note == "game changer"
