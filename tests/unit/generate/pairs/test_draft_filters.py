import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pete.data.text import words
from pete.engines.sentence import Embedder
from pete.generate.pairs.draft_filters import Flaw, draft_objection
from pete.generate.pairs.draft_kinds import SHARED
from tests.bare_texts import SUBJECTS
from tests.draft_texts import DRAFTS
from tests.unit.generate.pairs.test_back_translate import by_subject

TEXT = (
    'The kettle at our Leeds office broke on 3 March. Anna Berg wrote "not again" on it and sent us to https://example.org/cafe. '
    "It made 14 cups a day for twelve years. The mayor of Umbria never owned a comparable machine. Bring your own spoon from Thursday on."
)
DRAFT = (
    'On 3 March the kettle of the office in Leeds stopped working. "Not again" was noted on it by Anna Berg, who referred everybody to '
    "https://example.org/cafe. For twelve years its daily output was 14 cups. As of Thursday, please have a spoon with you."
)
PARTS = ("broke stopped", "again", "cups", "umbria mayor", "spoon")


def by_sentence(texts):
    """Vectors by which part of the text a sentence says."""
    counts = np.array([[max(text.lower().count(word) for word in part.split()) for part in PARTS] for text in texts], float) + 0.001
    counts = np.column_stack([counts, counts.sum(axis=1) < 1])  # what says none of them is like nothing else
    return counts / np.linalg.norm(counts, axis=1, keepdims=True)


GERMAN = "Der Kessel ist nicht mehr da und wir haben das mit einem Topf aus der K\u00fcche gel\u00f6st. Er ist nicht sch\u00f6n, aber warm."


@pytest.mark.parametrize("kind", DRAFTS)
@pytest.mark.parametrize("subject", SUBJECTS)
def test_what_holds(kind, subject):
    assert draft_objection(DRAFTS[kind][subject], SUBJECTS[subject], by_subject) is None


@pytest.mark.parametrize(("draft", "refusal", "detail"), [
    ("", Flaw.NOTHING, ""),
    ("\u200b ...", Flaw.NOTHING, ""),
    ("<|im_start|>user a kettle broke", Flaw.NOTHING, ""),
    (f"This post says: {DRAFT}", Flaw.ABOUT, "This post"),
    (GERMAN + " " + GERMAN, Flaw.LANGUAGE, "English"),
    ("The kettle broke.", Flaw.SIZE, "3 words, the text has 50"),
    (f"{DRAFT} {DRAFT} {DRAFT}", Flaw.SIZE, ""),
    (TEXT.replace("our ", "the "), Flaw.IDENTICAL, ""),
    (DRAFT.replace("its daily output was 14 cups", "it made 14 cups a day for twelve years"), Flaw.COPIED, "made 14 cups a day for"),
    (DRAFT + " Signed, [Your Name].", Flaw.BLANK, "[Your Name]"),
    (DRAFT + " The cost is 250 euros.", Flaw.ADDED, "250"),
    (DRAFT.replace("Thursday", "Friday"), Flaw.ADDED, "Friday"),
    (DRAFT.replace("Anna Berg", "Anna Berg and Tom Holm"), Flaw.ADDED, "Tom"),
    (DRAFT + " See www.example.com.", Flaw.ADDED, "www.example.com"),
    (DRAFT.replace("https://example.org/cafe", "a cafe"), Flaw.LOST, "https://example.org/cafe"),
    (DRAFT.replace('"Not again"', "Something"), Flaw.LOST, '"not again"'),
    (DRAFT.replace("As of Thursday, please", "Please"), Flaw.LOST, "Thursday"),
])  # fmt: skip
def test_what_does_not(draft, refusal, detail):
    found = draft_objection(draft, TEXT, by_sentence)
    assert found is not None and found.refusal is refusal and detail in found.detail


def test_a_joke_may_be_left_out_whole_with_its_facts_but_not_what_else_is_said():
    assert draft_objection(DRAFT, TEXT, by_sentence) is None, "Umbria stood in an aside"


def test_a_quotation_is_repeated_however_long_it_is():
    text = 'The sign says "please do not feed the printer after six or it will eat" and nobody knows who wrote it.'
    draft = 'Its author is unknown, but a sign reads: "please do not feed the printer after six or it will eat".'
    assert draft_objection(draft, text, by_subject) is None
    assert draft_objection(draft.replace('"', ""), text, by_subject).refusal is Flaw.COPIED  # type: ignore[union-attr]


@given(st.integers(0, 20), st.integers(1, 12))
def test_eight_words_in_a_row_are_too_many_and_seven_are_not(first, count):
    text = SUBJECTS["bakery"]
    spoken = words(text)[first : first + count]
    found = draft_objection(f"{' '.join(['zz'] * 12)} {' '.join(spoken)} zz", text, by_subject)
    assert (found is not None and found.refusal is Flaw.COPIED) == (len(spoken) > SHARED)


EDITED = "We're shut on Monday. The kettle's broken, so bring a flask. Nobody is to blame."
LIGHT_DRAFT = "We are shut on Monday. The kettle is broken, and therefore please bring a flask. Nobody is to blame for it."


def test_a_light_draft_has_its_texts_words_and_is_one_that_the_text_may_stand_for():
    embedder = Embedder()
    assert draft_objection(LIGHT_DRAFT, EDITED, embedder, "light") is None
    other = "We are shut on Monday. A new boiler is what we need, with a flask. Nobody is to blame."
    found = draft_objection(other, EDITED, embedder, "light")
    assert found is not None and found.refusal is Flaw.FAR and "boiler" in found.detail, "the first sentence that it may not stand for"
    assert draft_objection(other, EDITED, embedder) is None, "of another kind it may be"


def test_a_light_draft_is_hardly_longer_than_its_text():
    wordy = "We are in fact shut on Monday as such. The kettle is now broken, and so please do bring a flask. There is nobody to blame."
    found = draft_objection(wordy, EDITED, Embedder(), "light")
    assert found is not None and found.refusal is Flaw.SIZE, "what it teaches is to leave words out"
    assert draft_objection(wordy, EDITED, Embedder()) is None, "of another kind it may be"
