from pete.data.checks.drafts import draft_findings
from pete.data.examples import Example

TEXT = "We open at nine and close at five, and on Tuesdays we do not open at all, because Tuesday is when the flour arrives here."


def row(draft: str, text: str = TEXT, kind: str = "plain") -> Example:
    return Example(task="rewrite", prompt=draft, completion=text, draft_kind=kind, source=f"{kind}.jsonl:1")


def kinds(*rows: Example) -> list[tuple[str, str]]:
    return [(finding.kind, finding.severity) for finding in draft_findings(rows)]


def test_a_draft_that_says_it_otherwise_is_nothing_to_question():
    assert kinds(row("Opening hours: 9 to 5. Closed on Tuesdays due to flour deliveries."), Example(prompt=TEXT, completion=TEXT)) == []


def test_the_text_itself_is_no_draft_of_it():
    (finding,) = draft_findings([row(f"  {TEXT.upper()}\n", kind="notes")])
    assert (finding.kind, finding.severity, finding.examples) == ("draft is text", "error", (("notes.jsonl:1", "notes"),))


def test_one_word_changed_is_nearly_the_text():
    assert kinds(row(TEXT.replace("here", "in"))) == [("draft nearly text", "warning")]
    assert (
        kinds(row("We close at five and open at nine, and because Tuesday is when flour arrives, we do not open at all on Tuesdays.")) == []
    )


def test_three_times_as_long_or_a_third_is_said_of_more_than_a_line():
    assert kinds(row(TEXT + " And so on, as everybody here knows." * 9)) == [("uneven draft", "warning")]
    assert kinds(row("Closed Tuesdays.")) == [("uneven draft", "warning")]
    assert kinds(row("Our bakery opens at five in the morning and closes at noon.", "Open at five.")) == []
