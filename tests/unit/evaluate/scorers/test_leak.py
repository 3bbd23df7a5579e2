from pete.evaluate.scorers.leak import Leak
from tests.unit.evaluate.conftest import sample


def test_leaks_raw_clean_and_the_next_turn():
    clean = Leak().score(sample("Fine.", raw="Fine.<|im_end|>"))
    assert clean == {"raw": 0, "clean": 0, "turn": 0, "turn_raw": 0, "any": 0}
    inside = Leak().score(sample("Fine.", raw="Fine.<|im_start|>user\nMore<|im_end|>"))
    assert inside["raw"] == 1 and inside["any"] == 0, "the extractor took it away, and we still count it"
    assert Leak().score(sample("Fine.\n### Instruction:\nWrite more"))["turn"] == 1
    assert Leak().score(sample("Fine.\nUser: and now?"))["any"] == 1
    assert Leak().score(sample("Fine <|endoftext|> and more"))["clean"] == 1
    assert Leak().score(sample("Dear user: the system is down."))["any"] == 0
    (mark,) = Leak().marks(sample("Fine.\nUser: and now?"))
    assert (mark.start, mark.note) == (6, "second turn")
