from hypothesis import given
from hypothesis import strategies as st

from pete.generate.meaning import compare
from tests.unit.generate.meaning.fake import by_letters

DRAFT = (
    "We will test drone delivery with three customers. It runs on Tuesdays only and weather permitting. "
    "Write to hello@example.org by 14:15."
)


def test_a_text_says_what_it_says(embed):
    meaning = compare(DRAFT, DRAFT, embed)
    assert meaning.same and meaning.unchanged_share == 1 and meaning.facts_kept == 1 and meaning.missing == ()
    assert [DRAFT[s.start : s.end] for s in meaning.sentences] == [DRAFT[a:b] for s in meaning.sentences for a, b in s.stands_for]
    assert all(s.may_stand and s.unchanged for s in meaning.sentences)


def test_an_added_sentence_may_not_stand_and_stands_for_nothing(embed):
    added = "My grandmother grew enormous tomatoes behind the garage."
    meaning = compare(DRAFT, f"{DRAFT} {added}", embed)
    assert [(d.kind, d.way) for d in meaning.differences] == [("sentence", "added")]
    assert [s.may_stand for s in meaning.sentences] == [True, True, True, False] and meaning.sentences[-1].stands_for == ()


def test_a_dropped_sentence_is_missing(embed):
    rewrite = DRAFT.replace("It runs on Tuesdays only and weather permitting. ", "")
    meaning = compare(DRAFT, rewrite, embed)
    assert [DRAFT[a:b] for a, b in meaning.missing] == ["It runs on Tuesdays only and weather permitting."]
    assert {(d.kind, d.way) for d in meaning.differences} == {("sentence", "lost"), ("date", "lost")}


def test_a_sentence_that_loses_a_figure_may_not_stand(embed):
    rewrite = DRAFT.replace("three customers", "some customers")
    meaning = compare(DRAFT, rewrite, embed)
    assert [s.may_stand for s in meaning.sentences] == [False, True, True]
    (lost,) = meaning.of("figure")
    assert lost.way == "lost" and lost.draft and DRAFT[slice(*lost.draft)] == "three" and meaning.facts_kept < 1


@given(st.text(max_size=200), st.text(max_size=200))
def test_any_two_texts_can_be_compared(draft, rewrite):
    meaning = compare(draft, rewrite, by_letters)
    for difference in meaning.differences:
        assert (difference.draft is None) == (difference.way == "added")
        for place, text in ((difference.draft, draft), (difference.rewrite, rewrite)):
            assert place is None or 0 <= place[0] < place[1] <= len(text)
    assert 0 <= meaning.facts_kept <= 1 and 0 <= meaning.unchanged_share <= 1
    owned = [place for sentence in meaning.sentences for place in sentence.stands_for]
    assert len(set(owned)) == len(owned) and not set(owned) & set(meaning.missing)


def test_an_added_clause_is_found(embed):
    draft = "Thanks for the photos from the allotment. The tomatoes look splendid, and I would love to see them in August."
    rewrite = draft.replace("in August.", "in August if it turns out that you are going home.")
    (added,) = compare(draft, rewrite, embed).differences
    assert added.way == "added" and added.rewrite and "going home" in rewrite[slice(*added.rewrite)]
