import pytest

from pete.generate.meaning.grammar import ungrammatical
from pete.generate.meaning.wording import strays


@pytest.mark.parametrize(
    ("draft", "rewrite", "why"),
    [
        ("Keep the front open and limit the display.", "Keep front open and limit the display.", 'before "front"'),
        ("In affiliate marketing, a partner promotes your tea.", "Affiliate marketing, partner promotes your tea.", 'before "partner"'),
        ("Please include a message in the next version.", "A message in the next version.", 'what to do, "include"'),
        ("Assign the new users at random.", "The new users at random.", 'what to do, "assign"'),
        ("Assign new sign-ups at random and compare how many pay.", "New sign-ups at random and compare how many pay.", 'do, "assign"'),
        ("I understand that you operate about ten vans.", "I understand you about ten vans.", '"operate"'),
        ("Tell us whether there is demand and whether it pays.", "Tell us whether there is demand, and it pays.", '"whether"'),
        ("I suggest reducing the five codes to one.", "I suggest reducing the five codes.", '"to one"'),
        ("Name the action it should lead to and keep the code.", "Name the action it should lead and keep the code.", '"to"'),
        ("This was a mistake by our lab.", "We have a mistake by our lab.", "what somebody has"),
        ("This was a mistake by our lab.", "Our lab has a mistake.", "what somebody has"),
        ("The new rates are 3% and 7%.", "The new rates 3% and 7%.", '"are"'),
        ("If your question is about a deadline, write.", "If your question about a deadline, write.", '"is"'),
        ("The system is transparent for both.", "The system transparents both.", '"transparents"'),
        ("Kayak rental opens again.", "Kayak opens again.", '"rental"'),
        ("You will not receive any more post about her.", "You won't receive any more post.", '"about her"'),
        ("How long do the batteries last?", "How long the batteries last?", "question"),
    ],
)
def test_a_small_word_that_the_sentence_needs(draft, rewrite, why):
    assert why in (ungrammatical(draft, rewrite) or "")


@pytest.mark.parametrize(
    ("draft", "rewrite"),
    [
        ("Please keep the front open.", "Keep the front open."),
        ("The outer arm is the easiest.", "The outer arm is easiest."),
        ("If you have any questions, ask us.", "If you have questions, ask us."),
        ("There is no contract.", "No contract."),
        ("Please ask whether it is open.", "Ask if it is open."),
        ("However, the shop is open.", "The shop is open."),
        ("The person who operates about ten vans may call.", "Who operates about ten vans may call."),
        ("", ""),
    ],
)
def test_what_can_go(draft, rewrite):
    assert ungrammatical(draft, rewrite) is None


def test_other_languages_have_other_small_words():
    draft = "Wir haben am Montag f\u00fcr euch ge\u00f6ffnet, und das ist an der T\u00fcr zu lesen."
    assert ungrammatical(draft, "Am Montag haben wir f\u00fcr euch ge\u00f6ffnet, T\u00fcr lesen.") is None


def test_what_is_paid_is_not_what_paid():
    assert '"paid"' in (
        strays("A trial in which commission is paid for new customers.", "A trial in which commission paid for new customers.") or ""
    )


def test_no_is_not_the_and_bring_has_no_ending():
    assert '"the app"' in (strays("No app is required.", "The app is not required.") or "")
    assert '"bring"' in (strays("Bringing it back is useful.", "Bring it back is useful.") or "")
