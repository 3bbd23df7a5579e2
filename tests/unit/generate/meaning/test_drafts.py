from pete.data.examples import Example
from pete.generate.meaning import drafts
from pete.generate.meaning.drafts import detail_findings


def row(draft: str, text: str, number: int = 1) -> Example:
    return Example(task="rewrite", prompt=draft, completion=text, source=f"rewrite.jsonl:{number}")


def test_a_text_that_keeps_every_detail_is_nothing_to_question():
    rows = [row("The shop opens at 9 on Tuesday.", "Tuesday, nine. The shop is awake."), Example(prompt="a", completion="Ring Marta at 7.")]
    assert detail_findings(rows) == []


def test_what_is_made_up_and_what_is_left_out_is_said_by_its_place():
    made_up, left_out = detail_findings(
        [
            row("The shop opens at 9.", "The shop opens at 9, as it has for 31 years.", 1),
            row("The shop opens at 9 on Tuesday, see https://example.org/hours.", "The shop opens at 9.", 2),
        ]
    )
    assert (made_up.kind, made_up.examples) == ("detail made up", (("rewrite.jsonl:1", "the draft has no 31"),))
    assert (left_out.kind, left_out.count, left_out.examples[0][0]) == ("detail left out", 1, "rewrite.jsonl:2")
    assert left_out.examples[0][1].startswith("the text lacks ") and left_out.severity == "warning"
    assert made_up.message.startswith("1 draft with a text that has a figure")


def test_of_very_many_some_from_all_over_are_looked_at(monkeypatch):
    monkeypatch.setattr(drafts, "MOST", 4)
    (found,) = detail_findings([row("It is late.", f"It is {number + 40} minutes late.", number) for number in range(10)])
    assert found.count == 4 and "4 drafts of 4 looked at" in found.message and found.examples[1][0] == "rewrite.jsonl:3"
