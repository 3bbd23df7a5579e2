import pytest

from pete.data.examples import Example
from pete.generate.pairs.filters import Refusal
from pete.generate.pairs.paraphrase import by_writer, change_of

OLD = "Write a post about the kettle in Leeds and its 4 cups. About 80 words."
TEXT = "The kettle makes four cups and nobody in Leeds minds that, as it is for the office."


@pytest.mark.parametrize(("new", "refusal"), [
    ("Could you do a post of about 80 words on the kettle in Leeds and its 4 cups?", None),
    (OLD.upper(), Refusal.NOTHING),
    ("", Refusal.NOTHING),
    ("Kettle.", Refusal.SENTENCES),
    ("Could you do a post of about 60 words on the kettle in Leeds and its 4 cups?", Refusal.LENGTH),
    ("Could you do a post of about 80 words on the kettle in Leeds?", Refusal.INVENTED),
    ("Could you do a post of about 80 words on the kettle in York and its 4 cups?", Refusal.INVENTED),
    ("A post on how the kettle makes four cups and nobody in Leeds minds its 4 cups, about 80 words?", Refusal.COPIED),
    ("Schreib etwas \u00fcber den Kessel und die 4 Tassen in Leeds, und nicht zu lang. About 80 words.", Refusal.LANGUAGE),
])  # fmt: skip
def test_what_a_paraphrase_may_not_change(new, refusal):
    assert change_of(new, OLD, TEXT) is refusal


class Says:
    origin = "url:host m"

    def announcement(self, questions):
        return ""

    def ask(self, questions, attempt):
        for question in questions:
            yield OLD.replace("Write", "Please write") if "kettle" in question and attempt == 1 else "No."


def test_only_what_holds_is_given_and_it_names_its_writer():
    rows = [Example(id="a", prompt=OLD, completion=TEXT), Example(id="b", prompt="Write about rain.", completion="Rain.")]
    seen = []
    others = by_writer(Says(), rows, 2, lambda what, done, of: seen.append((what, done, of)))
    (other,) = others(rows[0])
    assert (other.prompt[:12], other.completion, other.how) == ("Please write", TEXT, "url:host m") and others(rows[1]) == []
    assert seen[-1] == ("paraphrases", 2, 2)
