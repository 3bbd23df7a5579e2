from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pete.generate.pairs.back_translate import BackTranslation, Bare
from pete.generate.pairs.filters import Refusal
from tests.bare_texts import GOOD, RULES, SUBJECTS, knows, subject_of

TEXTS = [Bare(text, rule, subject) for rule, (subject, text) in zip(RULES, SUBJECTS.items(), strict=True)]
NAMES = list(SUBJECTS)


def by_subject(texts: Sequence[str]) -> np.ndarray:
    """Vectors by which subjects a text names; one that names none is a little of everything."""
    counts = np.array([[text.lower().count(subject) for subject in SUBJECTS] for text in texts], float) + 0.01
    return counts / np.linalg.norm(counts, axis=1, keepdims=True)


class Says:
    origin = "test"

    def __init__(self, say) -> None:
        self.say, self.asked = say, list[list[str]]()

    def announcement(self, questions):
        return ""

    def ask(self, questions, attempt):
        self.asked.append(list(questions))
        for question in questions:
            yield self.say(question, attempt)


def run(say, tries: int = 3, others=(), banned=()):
    session = BackTranslation(TEXTS, others, banned, by_subject)
    writer = Says(say)
    session.run(writer, tries, lambda *_: None)
    return session, writer


def test_what_holds_is_kept_at_the_first_try():
    session, writer = run(lambda question, _: f'"{knows(question)}"')
    assert session.made == dict(enumerate(GOOD.values())) and len(writer.asked) == 1 and not session.counts()
    assert writer.asked[0] == session.questions()


def test_a_refused_one_is_asked_for_again_with_the_reason():
    session, writer = run(lambda question, attempt: knows(question) if attempt == 2 else "Write about the kettle in Leeds.")
    assert len(session.made) == 6 and [len(asked) for asked in writer.asked] == [6, 6]
    assert all("refused (a figure, name, date or link that the text does not have: Leeds)" in question for question in writer.asked[1])


def test_who_never_gets_it_right_keeps_the_rule_and_is_counted():
    def say(question: str, attempt: int) -> str:
        return "Write about Leeds." if subject_of(question) in ("piano", "garden") else knows(question)

    session, writer = run(say)
    assert sorted(session.made) == [0, 1, 2, 5] and session.counts() == {Refusal.INVENTED: 2} and len(writer.asked) == 3


def test_a_prompt_that_fits_another_text_better_is_given_up():
    swapped = {"kettle": "umbrella"}

    def say(question: str, attempt: int) -> str:
        subject = subject_of(question)
        return GOOD[swapped.get(subject, subject)].replace("railway", "coast").replace("lost", "gone") if attempt == 1 else knows(question)

    session, writer = run(say, 1)
    assert 0 not in session.made and session.refused[0].refusal is Refusal.NOT_FIRST
    session, writer = run(say, 2)
    assert session.made[0] == GOOD["kettle"] and "fits the text better" in writer.asked[1][0]


def test_a_message_somebody_wrote_may_outrank_it_and_a_vague_one_never_holds():
    session, _ = run(lambda question, _: knows(question), others=["kettle"])
    assert 0 not in session.made and len(session.made) == 5
    session, _ = run(lambda question, _: f"Write a few lines, number it {NAMES.index(subject_of(question))} or so.", 1)
    assert not session.made


def test_two_texts_do_not_get_one_prompt_nor_that_of_the_evaluation():
    session, _ = run(lambda question, _: "Write about a kettle, please.", 1)
    assert session.counts()[Refusal.TAKEN] == 5
    session, _ = run(lambda question, _: knows(question), 1, banned=[GOOD["piano"].upper()])
    assert session.counts() == {Refusal.TAKEN: 1} and NAMES.index("piano") not in session.made


def test_passages_of_one_document_compare_their_prompts_but_not_their_title():
    texts = [Bare(SUBJECTS["kettle"], "About the kettle.", "doc"), Bare(SUBJECTS["piano"], "The kettle kettle, part two.", "doc")]
    session = BackTranslation(texts, [], [], by_subject)
    session.run(Says(lambda question, _: knows(question) if subject_of(question) == "kettle" else ""), 1, lambda *_: None)
    assert session.made == {0: GOOD["kettle"]}
    elsewhere = [texts[0], Bare(texts[1].text, texts[1].prompt, "other")]
    session = BackTranslation(elsewhere, [], [], lambda said: by_subject(["kettle kettle" if "part" in text else text for text in said]))
    session.run(
        Says(lambda question, _: "Say a word on the kettle and the piano." if subject_of(question) == "kettle" else ""), 1, lambda *_: None
    )
    assert session.made == {}


def test_broken_off_what_was_made_is_there():
    def say(question: str, _: int) -> str:
        if subject_of(question) == "piano":
            raise KeyboardInterrupt
        return knows(question)

    session = BackTranslation(TEXTS, [], [], by_subject)
    with pytest.raises(KeyboardInterrupt):
        session.run(Says(say), 3, lambda *_: None)
    assert sorted(session.settle()) == [0, 1, 2, 3] and not session.counts()


@given(st.lists(st.sampled_from(NAMES), min_size=6, max_size=6), st.lists(st.sampled_from(NAMES), max_size=3))
def test_every_prompt_that_is_kept_is_the_first_for_its_text(chosen, others):
    answers = {
        subject: f"Write on the {other}, then on number {'abcdef'[number]}."
        for number, (subject, other) in enumerate(zip(NAMES, chosen, strict=True))
    }
    session, _ = run(lambda question, _: answers[subject_of(question)], 1, others)
    prompts = [session.made.get(number, text.prompt) for number, text in enumerate(TEXTS)]
    near = by_subject([text.text for text in TEXTS]) @ by_subject([*prompts, *others]).T
    for number in session.made:
        assert near[number].argmax() == number and (near[number] == near[number][number]).sum() == 1
