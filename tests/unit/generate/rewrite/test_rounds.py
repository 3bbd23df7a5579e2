from pete.generate.rewrite.choose import Draw
from pete.generate.rewrite.rounds import Rounds

TEXT = "Dear all,\n\nWe open on Tuesdays. There is no charge.\n\nYours"


def test_a_passage_is_asked_as_a_whole_and_as_often_by_sentences_without_greeting_and_name():
    assert Rounds(TEXT, 2).texts == [TEXT] * 2 + ["We open on Tuesdays.", "There is no charge."] * 2


def test_a_single_sentence_is_the_whole_and_asked_as_often_as_both():
    rounds = Rounds("We open on Tuesdays.", 2)
    answers = [Draw(f"Open {number}.", "end") for number in range(4)]
    assert rounds.texts == ["We open on Tuesdays."] * 4 and rounds.draws(answers) == answers


def test_answers_to_sentences_stand_in_their_places_one_draw_a_round():
    said = ["Whole.", "Tuesdays, then.", "It is\nfree.", "Tuesdays only.", ""]
    assert Rounds(TEXT, 1).draws([Draw(text, "end") for text in said[:3]]) == [
        Draw("Whole.", "end"), Draw("Dear all,\n\nTuesdays, then. It is free.\n\nYours", "end")
    ]  # fmt: skip
    assert Rounds(TEXT, 2).joined([Draw(text, "end") for text in said[1:]])[1].text.endswith("Tuesdays only. There is no charge.\n\nYours")


def test_what_was_cut_off_leaves_the_drafts_sentence():
    (draw,) = Rounds(TEXT, 1).joined([Draw("Tuesdays at", "length"), Draw("Free, free, free", "loop")])
    assert draw.text == TEXT and draw.ended


def test_a_sentence_is_asked_without_what_marks_it_and_gets_it_back():
    rounds = Rounds("Subject: Your three lamps\n\n1. Check the lamps first.\n2. Go.", 1)
    assert rounds.sentence_texts == ["Your three lamps", "Check the lamps first."]
    (draw,) = rounds.joined([Draw("Three lamps", "end"), Draw("Lamps first.", "end")])
    assert draw.text == "Subject: Three lamps\n\n1. Lamps first.\n2. Go."
