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
        ("The meetings include a good meal with us.", "The meetings are a good meal with us.", '"include"'),
        ("Neither is complete, but together they help.", "Neither is complete, so together they help.", '"so"'),
        ("Ask what happens if the sales are not achieved.", "Ask what happens if the sales are not.", "what is not"),
        ("As it rained all day, we cannot open.", "It rained all day, and we can't open.", '"as"'),
        ("However, the survey at the checkout is short.", "So the survey at the checkout is short.", '"so"'),
        ("We hope that this will help others decide.", "We hope others decide.", '"help"'),
        ("The wine you like is available in the shop.", "You like the wine in the shop.", '"you like" by itself'),
        ("We do not know, because we have no data.", "We do not know, so we have no data.", "what follows"),
        ("Check the data for existing customers.", "Check for existing customers.", '"the data"'),
        ("The panes are guaranteed for five years.", "The panes are for five years.", '"guaranteed"'),
        ("The words are no longer allowed in mail.", "The words are no longer in mail.", '"allowed"'),
        ("We would love to have her back.", "We would have her back.", '"love to have"'),
        ("Please apply to Ms Brandl by 15 January.", "Apply to Ms Brandl. 15 January.", '"by 15"'),
        ("Deliveries will be available in the test.", "Deliveries are available in the test.", '"available" already'),
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
        ("The pair will be open on Monday.", "The pair is open on Monday."),
        ("It was closed because it rained, and therefore we left.", "It was closed; it rained, so we left."),
        ("Reply by the end of 15 May.", "Reply by the end of 15 May, please."),
        ("Two days is really a short time.", "Two days is a short time."),
        ("Together they provide a better view.", "Together they are a better view."),
        ("As from June you pay 11.49, tea included.", "From June you pay 11.49, and the tea is in it."),
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
