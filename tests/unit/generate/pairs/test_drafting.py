from pete.generate.pairs.draft_filters import Flaw
from pete.generate.pairs.drafting import Drafting, Wanted
from tests.bare_texts import SUBJECTS, subject_of
from tests.draft_texts import DRAFTS, kind_of, knows_drafts
from tests.unit.generate.pairs.test_back_translate import Says, by_subject

WANTED = [Wanted(text, kind, "post") for text in SUBJECTS.values() for kind in ("plain", "notes")]


def run(say, wanted=WANTED, tries: int = 1, fits=lambda draft, text: True):
    session = Drafting(wanted, by_subject, fits)
    writer = Says(say)
    session.run(writer, tries, lambda *_: None)
    return session, writer


def test_every_kind_of_every_text_is_asked_for_and_kept():
    session, writer = run(lambda question, _: f"Draft: {knows_drafts(question)}")
    assert session.made == {n: DRAFTS[one.kind][subject_of(one.text)] for n, one in enumerate(WANTED)} and len(session) == 12
    assert writer.asked == [session.questions()]


def test_one_draft_does_not_stand_twice_before_a_text():
    session, _ = run(lambda question, _: DRAFTS["plain"][subject_of(question)])
    assert session.counts() == {Flaw.SAME: 6} and {WANTED[n].kind for n in session.made} == {"plain"}
    there = [Wanted(SUBJECTS["piano"], "notes", there=(DRAFTS["notes"]["piano"].upper(),))]
    assert run(lambda question, _: knows_drafts(question), there)[0].counts() == {Flaw.SAME: 1}


def test_a_refused_draft_is_asked_for_again_with_what_was_wrong():
    session, writer = run(
        lambda question, n: knows_drafts(question) + (" In Leeds." if n == 1 and kind_of(question) == "plain" else ""), tries=2
    )
    assert len(session.made) == 12 and len(writer.asked[1]) == 6 and all(f"{Flaw.ADDED}: Leeds" in asked for asked in writer.asked[1])


def test_a_draft_of_something_else_and_one_that_fits_no_row_are_out():
    texts = [Wanted("The kettle sings at night.", "plain"), Wanted("The piano sleeps by day.", "plain")]
    session, _ = run(lambda question, _: "At night a piano can be heard.", texts)
    assert session.counts() == {Flaw.FURTHER: 1} and list(session.made) == [1]
    session, _ = run(lambda question, _: knows_drafts(question), fits=lambda draft, text: "piano" not in draft)
    assert session.counts() == {Flaw.LONG: 2}
