import pytest

from pete.data.rewriting import REQUEST
from pete.errors import UserError
from pete.generate.rewrite.choose import STRENGTHS, Chosen, Fact
from pete.generate.rewrite.page import make_page
from pete.generate.rewrite.passages import Replacement
from pete.generate.rewrite.rewriter import SIDE_BY_SIDE, Plan, Rewritten, certain, prose_of, rewritten
from tests.rewriting import rewriter

NORMAL = STRENGTHS["normal"]
TEXT = """# Hours

Our establishment opens on Tuesdays at 9. Kindly see [the list](https://example.org/list).

```
Our establishment opens on Tuesdays at 9.
```

- tea
- the kettle was purchased by Aunt Hanna in the year 1987

Hello.

The remarkable kettle whistles extraordinarily loudly in the afternoon.
"""
SAID = {
    "Our establishment opens on Tuesdays at 9. Kindly see the list.": ["We open on Tuesdays at 9. See the list."],
    "the kettle was purchased by Aunt Hanna in the year 1987": ["the kettle was got by Aunt Hanna in the year 1987"],
}


def made(text: str, answers=SAID, **more) -> tuple[Plan, list[Chosen], Rewritten]:
    one = rewriter(answers, **more)
    plan = one.plan(text)
    chosen = [one.choose(passage, one.draw(passage, NORMAL), NORMAL) for passage in plan.passages]
    return plan, chosen, rewritten(plan, chosen)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_only_the_prose_changes(end):
    _, _, whole = made(TEXT.replace("\n", end))
    expected = TEXT.replace("Our establishment opens on Tuesdays at 9. Kindly see", "We open on Tuesdays at 9. See", 1).replace(
        "purchased", "got"
    )
    assert whole.text == expected.replace("\n", end)
    assert whole.had_to_stay and whole.unchanged_passages == 1, "the last paragraph came back as it was"
    record = whole.record()
    assert {"kind": "link", "text": "https://example.org/list"} in record["kept"] and not record["lost"]
    assert [one["had_to"] for one in record["stayed"]] == [False] * len(record["stayed"])


def test_what_is_asked_is_what_training_asked_and_no_longer_than_twice_the_draft():
    one = rewriter(SAID)
    passage = one.plan(TEXT).passages[0]
    (message,) = one.conversation(passage.text)
    assert message.content == f"{REQUEST}\n\n{passage.text}" and message.role == "user"
    sampling = one.sampling(passage, STRENGTHS["light"])
    assert sampling.max_new_tokens == int(1.5 * 11) + 32 and sampling.best_of == 1 and sampling.retries == 0
    temperatures = [one.sampling(passage, STRENGTHS[name]).temperature for name in ("light", "normal", "full")]
    assert sorted(set(temperatures)) == temperatures and temperatures[1] == one.tuned.config.generate.temperature
    assert 1 < sampling.repetition_penalty < one.tuned.config.generate.repetition_penalty
    assert len(one.draw(passage, NORMAL)) == 2 * NORMAL.draws, "as a whole, and sentence by sentence"


@pytest.mark.parametrize("queues", [False, True])
def test_many_sentences_are_drawn_a_few_at_a_time_with_seeds_of_their_own_unless_the_engine_lets_rows_wait(queues):
    one = rewriter(words=300)
    one.tuned.engine.queues = queues  # type: ignore[misc]
    text = " ".join(f"The shop number {number} opens on Tuesdays." for number in range(12))
    (passage,) = one.plan(text).passages
    assert len(one.draw(passage, NORMAL)) == 2 * NORMAL.draws
    rows, seeds = zip(*one.tuned.drawn, strict=True)  # type: ignore[attr-defined]
    assert sum(rows) == 13 * NORMAL.draws and len(set(seeds)) == len(seeds)
    assert (max(rows) <= SIDE_BY_SIDE) == (len(rows) > 1) == (not queues)


def test_greetings_alone_are_not_asked_about():
    assert [passage.text for passage in rewriter().plan("# A\n\nHello.\n\n# B\n\nWe open on Tuesdays.").passages] == [
        "We open on Tuesdays."
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "empty"),
        (" \n\t\u200b", "empty"),
        ("```\nprint(1)\n```\n", "no prose in this text, nothing but markup"),
        ("x = {1: [2]};\ny = f(x);\n", "nothing but code"),
        ("A word\x1b[31m that a terminal obeys.", "nothing but control characters"),
        ("| a | b |\n|---|---|\n", "nothing but markup"),
        ("Wir sind am Dienstag und am Mittwoch f\u00fcr euch da, und das ist nicht zu viel.", "in German, which the author never wrote: "),
        ("\u041c\u044b \u043e\u0442\u043a\u0440\u044b\u0442\u044b ", "in a language that the author never wrote"),
    ],
)  # fmt: skip
def test_what_cannot_be_rewritten_is_refused_with_its_reason(text, said):
    with pytest.raises(UserError) as raised:
        rewriter().plan(text)
    assert said in raised.value.message and raised.value.hint


def test_a_paragraph_in_another_language_stays_in_a_text_that_is_not():
    german = "Wir sind am Dienstag und am Mittwoch f\u00fcr euch da, und das ist nicht zu viel."
    text = f"{'We open on Tuesdays, and that is all there is to it for you and me. ' * 3}\n\n# B\n\n{german}"
    plan = rewriter().plan(text)
    assert [stayed.text for stayed in plan.stayed] == [german] and all(german not in passage.text for passage in plan.passages)
    assert "another language" in plan.stayed[0].why


def test_a_sentence_longer_than_any_that_was_learned_stays_and_says_so():
    _, _, whole = made(f"We open on Tuesdays.\n\n{'and so on ' * 40}\n")
    assert any("longer than any" in one.why and one.forced for one in whole.stayed)


def test_what_was_never_asked_about_counts_among_what_could_have_changed():
    german = "Wir sind am Dienstag und am Mittwoch f\u00fcr euch da, und das ist nicht zu viel."
    _, _, whole = made(
        f"{'We open on Tuesdays, and that is all there is to it for you and me. ' * 3}\n\n{'and so on ' * 80}\n\n# B\n\n{german}\n"
    )
    assert len(whole.stayed) == whole.sentences == 5, "none of them was rewritten, not fewer than none"


def test_blocks_are_certain_once_no_passage_can_change_them():
    plan, chosen, whole = made(TEXT)
    seen = [len(certain(plan, chosen[:count])) for count in range(len(chosen) + 1)]
    assert seen == sorted(seen) and seen[-1] == len(plan.blocks)
    for count in range(len(chosen) + 1):
        assert (
            "".join(block.text for block in certain(plan, chosen[:count]))
            == whole.text[: sum(len(b.text) for b in whole.blocks[: seen[count]])]
        )


def test_a_rewrite_that_would_be_a_heading_or_a_list_is_put_back():
    one = rewriter()
    plan = one.plan("We open on Tuesdays at nine.")
    chosen = Chosen((Replacement(0, 0, len("We open"), "# We open"),), (), (), 1)
    (block,) = certain(plan, [chosen])
    assert block.text == "We open on Tuesdays at nine." and block.stayed[0].forced and "no paragraph" in block.stayed[0].why


def test_every_sentence_of_a_paragraph_that_was_put_back_stayed_and_its_facts_are_those_of_the_draft():
    draft = "We open on Tuesdays at nine. The kettle costs 12 euros."
    plan = rewriter().plan(f"{draft}\n\nTea is served at four.")
    first = Replacement(0, 0, len("We open"), "# We open")
    lost = Fact("figure", "12", False)
    whole = rewritten(plan, [Chosen((first,), (), (lost,), 3)])
    assert whole.text.startswith(draft) and [one.text for one in whole.stayed] == draft.replace(". ", ".|").split("|")
    assert all(one.forced and "no paragraph" in one.why for one in whole.stayed)
    assert {(fact.text, fact.kept) for fact in whole.facts} >= {("12", True), ("Tuesdays", True)}
    assert whole.sentences - len(whole.stayed) == 1 and whole.unchanged_passages == 1


def test_prose_of_takes_plain_text_for_what_it_is():
    assert any(block.prose for block in prose_of("    An indented paragraph of plain text.", markdown=False))
    with pytest.raises(UserError):
        prose_of("    An indented paragraph of plain text.", markdown=True)


def test_the_page_holds_both_texts_and_no_text_can_end_its_script():
    evil = "The </script><script>alert(1)</script> kettle was purchased by Aunt Hanna."
    _, _, whole = made(evil, {})
    whole = Rewritten(whole.blocks, (Fact("name", "Hanna", True), Fact("figure", "9", False)), 1, 0)
    page = make_page(whole, "pete", "kettle.md")
    assert page.count("<script") == 2 and "alert(1)" in page and "{{" not in page
    assert "default-src 'none'" in page and "http" not in page.split("</style>")[1].split("rewrite-data")[0]
