from hypothesis import given
from hypothesis import strategies as st

from pete.data.passages import Room
from pete.generate.rewrite.passages import Replacement, passages, replaced, wrapped_at
from pete.generate.rewrite.prose import blocks


def room(words: int) -> Room:
    return Room(lambda text: len(text.split()), words)


SENTENCE = "This is a sentence of exactly eight words."


def test_paragraphs_go_together_as_far_as_there_is_room_and_an_item_goes_alone():
    text = f"{SENTENCE}\n\n{SENTENCE} {SENTENCE}\n\n# Title\n\n{SENTENCE}\n\n- {SENTENCE}\n- {SENTENCE}\n"
    found, too_long = passages(blocks(text), room(30))
    assert [passage.text.count("exactly") for passage in found] == [3, 1, 1, 1] and not too_long
    assert found[0].text == f"{SENTENCE}\n\n{SENTENCE} {SENTENCE}"
    found, too_long = passages(blocks(text), room(16))
    assert [passage.text.count("exactly") for passage in found] == [1, 2, 1, 1, 1] and not too_long


def test_a_long_paragraph_is_cut_between_sentences_and_a_sentence_that_is_too_long_is_named():
    text = f"{SENTENCE} {SENTENCE} {SENTENCE}\n\n{'endless ' * 20}\n\n{SENTENCE}\n"
    pieces = blocks(text)
    found, too_long = passages(pieces, room(10))
    assert [passage.text for passage in found] == [SENTENCE] * 4
    assert [pieces[number].text.split()[0] for number in too_long] == ["endless"]


SENTENCES = st.sampled_from(["One two three.", "Four!", "A [link](https://example.org) five?", "Six `seven` eight."])


@given(st.lists(st.lists(SENTENCES, min_size=1, max_size=4), max_size=5), st.integers(4, 40), st.sampled_from(["\n", "\r\n"]))
def test_pieces_of_passages_are_found_in_the_text_to_the_letter(paragraphs, words, end):
    text = (end * 2).join(" ".join(sentences) for sentences in paragraphs)
    pieces = blocks(text)
    found, _ = passages(pieces, room(words))
    for passage in found:
        part = passage.part(0, len(passage.text.split("\n\n")[0]))
        assert part is not None
        number = passage.numbers[part[0]]
        source = passage.source(*part)
        assert pieces[number].text[part[1].start : part[1].end] == source
        again, _ = passages(blocks(source), room(1000))
        assert again[0].text == passage.text.split("\n\n")[0]


WRAPPED = (
    "The kettle was bought by an aunt of ours, who had two of them and\n"
    "needed one. It has stood on the same shelf since, next to the tea\n"
    "and the [good cups](https://example.org/cups), which nobody uses."
)


def test_lines_that_were_wrapped_are_shown_as_one_and_wrapped_again():
    pieces = blocks(WRAPPED.replace("\n", "\r\n"))
    assert wrapped_at(pieces) == 65
    (passage,), _ = passages(pieces, room(100))
    assert "\n" not in passage.text and "the good cups, which" in passage.text
    start = passage.text.index("It has")
    _, part = passage.part(start, start + len("It has stood on the same shelf since"))
    new = replaced(passage.shown[0], [Replacement(0, part.start, part.end, "It has lived on one and the same wooden shelf ever since")])
    assert new.split("\r\n")[0] == WRAPPED.split("\n")[0] and "[good cups](https://example.org/cups)" in new
    assert max(map(len, new.split("\r\n"))) <= 65 and new.count("\r\n") == 3
    assert replaced(passage.shown[0], []) == pieces[0].text


def test_lines_that_somebody_ended_stay_lines():
    text = "Dear Ada,\nthe kettle is here.\nIt whistles.\n\nBest,\nTilda"
    pieces = blocks(text)
    assert wrapped_at(pieces) == 0
    (passage,), _ = passages(pieces, room(100))
    assert passage.text == text
    assert passage.part(len("Dear Ada,\nthe"), len(text)) is None, "it goes beyond a paragraph"
