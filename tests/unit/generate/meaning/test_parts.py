from hypothesis import given
from hypothesis import strategies as st

from pete.data.text import words
from pete.generate.meaning.parts import content, parts_of, stem


def test_sentences_stand_without_their_bullets():
    sentences, clauses = parts_of("1. Review the questions.\n- Ask them, because it is cheap and it works.")
    assert [s.text for s in sentences] == ["Review the questions.", "Ask them, because it is cheap and it works."]
    assert [c.text for c in clauses] == ["Ask them, because it is cheap", "and it works."] and {c.sentence for c in clauses} == {1}


def test_words_of_one_stem():
    assert len({stem(word) for word in ("move", "moves", "moved", "moving")}) == 1
    assert len({stem(word) for word in ("stay", "stays", "stayed", "staying")}) == 1
    assert content("We are charging the twelve parcels.") == content("He charged twelve parcels")


@given(st.text(max_size=300))
def test_parts_lie_where_they_say_and_clauses_make_up_their_sentence(text):
    sentences, clauses = parts_of(text)
    for part in (*sentences, *clauses):
        assert text[part.start : part.end] == part.text
    for number in {clause.sentence for clause in clauses}:
        said = [word for clause in clauses if clause.sentence == number for word in words(clause.text)]
        assert said == words(sentences[number].text)
