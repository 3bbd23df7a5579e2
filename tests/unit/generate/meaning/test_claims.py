import pytest

from pete.generate.meaning.claims import claims_else


@pytest.mark.parametrize(
    ("draft", "rewrite", "why"),
    [
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
    ],
)
def test_the_same_facts_with_another_claim(draft, rewrite, why):
    assert why in (claims_else(draft, rewrite) or "")


@pytest.mark.parametrize(
    ("draft", "rewrite"),
    [
        ("The pair will be open on Monday.", "The pair is open on Monday."),
        ("It was closed because it rained, and therefore we left.", "It was closed; it rained, so we left."),
        ("Reply by the end of 15 May.", "Reply by the end of 15 May, please."),
        ("Two days is really a short time.", "Two days is a short time."),
        ("Together they provide a better view.", "Together they are a better view."),
        ("As from June you pay 11.49, tea included.", "From June you pay 11.49, and the tea is in it."),
        ("", ""),
    ],
)
def test_the_same_claim(draft, rewrite):
    assert claims_else(draft, rewrite) is None


def test_other_languages_claim_with_other_words():
    draft, rewrite = "Wir helfen auch in der Not, und das ist nicht immer einfach.", "Es ist nicht einfach, aber wir helfen in der Not"
    assert claims_else(draft, rewrite) is None
