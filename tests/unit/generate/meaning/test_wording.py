import pytest

from pete.generate.meaning.wording import strays


@pytest.mark.parametrize(
    ("draft", "rewrite"),
    [
        ("Contact me if you would like to view it.", "Contact me if you want to see it."),
        (
            "To ensure that they work properly, please keep the box in a dry place.",
            "Make sure they work properly: keep the box in a dry place.",
        ),
        ("A new pair will be ready for you on Monday from 10.", "A new pair is ready for you on Monday from ten."),
        ("The shop has twenty-six chairs.", "The store has 26 chairs."),
        ("You receive 400 pictures.", "You receive four hundred pictures."),
        ("Please let us know which you would prefer.", "Please tell us which one you would like."),
        ("We provide assistance to every customer.", "We help all customers."),
        ("The shipment is remarkably late.", "The shipment is late."),
        ("Our kettle is available on Mondays.", "The kettle is available on Mondays."),
        ('He asks, kindly, for "a kettle."', 'Kindly, he asks for "a kettle."'),
        ("Ginger, free cocktail, 8 euros", "Ginger, a free cocktail, eight euros"),
        ("This was a mistake by our lab.", "It was a mistake by our lab."),
        ("If you reply, we will send it.", "We will send it if you reply."),
        ("We see that and we would like to pay.", "We see that and would like to pay."),
        ("To: Brand team", "To: the brand team"),
        ("You receive 400 pictures within a week.", "You get 400 pictures within a week."),
        ("I am very sorry.", "I'm so sorry."),
        ("In this post we look at the shop.", "We look at the shop."),
        ("Our establishments open on Mondays.", "The establishments open on Mondays."),
    ],
)
def test_the_same_in_other_words(draft, rewrite):
    assert strays(draft, rewrite) is None


@pytest.mark.parametrize(
    ("draft", "rewrite", "why"),
    [
        (
            "I recommend a limited trial in which the commission is paid only for new customers.",
            "I recommend a trial in which the commission comes out only once.",
            "comes",
        ),
        ("Our new kettle is available from Monday.", "Our new kettle is the most efficient from Monday.", "most"),
        ("The board meets twice a year.", "The board meets once a year.", "once"),
        ("Your parcel leaves on Monday.", "I send your parcel on Monday, it leaves.", '"i"'),
        ("Fire lighters made of wood wool.", "Wood lighters made of wood wool.", "wood"),
        ("The panes are guaranteed for five years and cost nothing.", "The panes cost nothing.", "guaranteed"),
        ("Older people buy the cheap car.", "Older people sell the cheap car.", "sell"),
        ("Ask what the cat costs.", "Ask what the catalogue costs.", "catalogue"),
        ("We photograph your finished roof.", "Your roof is finished.", '"we"'),
        (
            "We see that you run 22 vans and would like to show our trackers.",
            "You run 22 vans and would like to show our trackers.",
            '"we"',
        ),
        (
            "I see that you run 22 vans and I would like to show our trackers.",
            "I see you run 22 vans and would like to show our trackers.",
            "else",
        ),
        ("We refund it, and you will have the money by Monday.", "We refund it, and you have the money by Monday.", "what will be"),
        ("To: Brand team", ": Brand team", '"To:"'),
        ("A: We open on Mondays.", "We open on Mondays.", '"A:"'),
        ("I understand that he has grown and that this is nobody's fault.", "I understand he has grown and nobody's fault.", "nobody's"),
        ("The wine is available in the shop at 7 a bottle.", "The wine is available at 7 a bottle.", '"in the shop"'),
        ("I am very sorry that we sent it.", "I'm sorry that we sent it.", "very sorry"),
        ("Clay and power have become more expensive.", "Clay and power become more expensive.", '"become"'),
        ("Your order has now been sent.", "Your order is now being sent.", "another time"),
        ("We would love to have her back.", "We would have had her back.", "another time"),
        ("Up to six people use one vault.", "Six people use one vault.", '"up to"'),
        ("We turned a board round and forgot it.", "A board turned a round for us and forgot it.", 'who does it, "we"'),
        ("We are open until 7 tonight.", "We're open until 7.", '"tonight", and claim more'),
        ("Your order will be dispatched to you tomorrow.", "Your order will be sent to you.", '"tomorrow"'),
        ("Count how many come in for each version.", "Count how many come in each version.", '"for"'),
        ("Before starting, I would ask them.", "Before starting, I ask them.", "only would be"),
        ("The company will provide further information.", "The company will get more information.", '"get"'),
        ("The shop is open until 7 tonight.", "Open the shop until 7 tonight.", "ask to"),
        ("It is in the shop at 7 a bottle.", "It is at the 7 a bottle shop.", '"the 7"'),
        ("Contact us about a viewing.", "Call us about a viewing.", "call"),
        ("Customers are likely to notice the change.", "Customers will notice the change.", 'leave out "likely", and claim more'),
        ("A phone number should be added, and a name should go.", "A phone number should be added, a name goes.", 'leave out "should"'),
        ("You operate about ten vans.", "You operate ten vans.", 'leave out "about"'),
        ("Some affiliates are credited.", "The affiliates are credited.", 'leave out "some"'),
        ("Many customers wrote because they did not know.", "Many of them wrote because they did not know.", '"they" for a name'),
        ("Compare how many are customers later.", "Compare how many are customers after.", 'has no "after"'),
        ("We pay as long as you have kept the receipt.", "We pay. You have kept the receipt.", 'leave out "if"'),
        ("Returns are checked every working day.", "Returns are checked every day.", 'leave out "working"'),
        ("Your tickets are safe.", "Your tickets are safe now.", '"now"'),
        ("You were not charged for the last case.", "You were not charged for the last one.", 'say "one", and not what'),
        ("1. Define a goal.", "Define a goal.", "no point of the list"),
        ("- Tea is ready.\n- Cake is ready.", "Tea is ready. Cake is ready.", "no point of the list"),
        ("We are reducing the pack.", "We have reduced the pack.", '"reduced"'),
        ("Some partners are credited with customers.", "Some partners credit customers.", 'leave out "credited"'),
        ("It was used twice, which suggested a limited effect.", "It was used twice, a limited effect.", 'leave out "suggest"'),
        ("The painting is on loan until June.", "It is on loan until June.", 'say "it", and not what'),
        ("We checked the tickets at the door.", "We checked a ticket at the door.", 'more than one "ticket"'),
        ("Today you can order it in our shop.", "Today we can order it in your shop.", '"order" of somebody else'),
        ("Never clean it in the dishwasher.", "Never clean it by the dishwasher.", '"by dishwasher"'),
        ("If you reply to this email we can call.", "If you reply to this email we can call it.", 'say "it"'),
        ("Tell them that the new one is made, and the old one is not.", "Tell them that it is made, the old one is not.", 'say "it"'),
        ("A phone number should be in a large font.", "The phone number should be in a large font.", '"the phone" as if'),
        ("Cucumber and lime, free cocktail, 8 euros", "Cucumber, lime, and free cocktail, 8 euros", "list other things"),
        ("SHOP TO TEST DRONES", "SHOP TESTS DRONES", "in capitals"),
        ("It costs 60,000 a year.", "It cost 60,000 a year.", '"cost"'),
        ("Our engineer comes.", "Our engineers come.", '"engineers"'),
        ("Ten affiliates are credited with most sales.", "Ten affiliates have most sales.", 'leave out "credited"'),
        ("We sponsored a history podcast and gave listeners a promo code.", "We sponsored a history podcast, a promo code.", "leave out"),
        ("There is no fee and you were not charged.", "There is no fee and you were charged.", "deny"),
        ("The members generally agree with us.", "The members generally agree.", "with us"),
        ("Affiliates are credited with customers.", "Affiliates are credited customers.", '"with"'),
        ("Not every listener who buys will enter the code.", "Not every listener will enter the code.", "who buys"),
        ("Bringing it back can be useful.", "Bringing it back is useful.", "for certain"),
        ("Some readers do not want to scan a code.", "Some readers do not scan a code.", 'leave out "want"'),
        ("We are very sorry about the cake.", "I'm very sorry about the cake.", 'say "i'),
        ("We are sorry about the cake.", "We were sorry about the cake.", "another time"),
        ("The five of you may all return.", "The five of you may return.", "of all"),
        ("Open the little door at night.", "Open the door at night.", 'leave out "little"'),
        ("We refund half of the price, 190.", "Half, 190, of the price, 190, we refund.", '"190" once more'),
        ("It states the shade of green.", 'It states the "shade of green".', "quote"),
        ("We have also taken 30 off the price.", "We have 30 off the price.", 'leave out "taken"'),
        ("The code is used at once.", "The code used at once.", 'who "used"'),
        ("If you have found somebody else, tell us.", "If somebody else has found you, tell us.", '"found you"'),
        ("Borrow a pair that is close to your old one.", "Borrow a pair you've got close to your old one.", '"you" once more'),
        ("You were able to see the rest.", "You can see the rest.", "another time"),
        ("Your wine club membership has ended.", "Your wine club has ended.", 'leave out "membership"'),
        ("It describes the red of ordinary bricks.", "It describes ordinary bricks.", 'leave out "red"'),
        ("Not every listener who buys will enter the code.", "Not every listener buys the code.", "who buys"),
        ("Book a weekday morning and pay half.", "Book a weekday morning and half.", 'leave out "pay"'),
        ("I understand that you run ten vans.", "I see you run ten vans.", 'leave out "understand"'),
        ("Borrow a pair close to your old one.", "Borrow a pair of your old one.", 'leave out "almost"'),
        ("You keep all of the money.", "You keep all of your money.", '"money" of somebody else'),
        ("Never clean it in the dishwasher.", "Never clean the dishwasher.", '"clean dishwasher"'),
        ("We sell the blazers and you keep the money.", "We sell the blazers and keep the money.", 'leave out "you"'),
        ("This is more than four times as many.", "This is four times as many.", "claim more"),
        ("This is 10% less product for the same price.", "This is 10% less product than the same price.", 'no "than"'),
        ("Customers may feel misled.", "Customers may be misled.", 'leave out "feel"'),
        ("We can arrange a call.", "We will arrange a call.", "promise"),
        ("We report what was done to members.", "We report to members who did what.", '"who"'),
    ],
)
def test_a_word_too_many_or_too_few(draft, rewrite, why):
    assert why in (strays(draft, rewrite) or "")


def test_in_another_language_small_words_are_small_too():
    draft = "Wir haben am Montag f\u00fcr euch ge\u00f6ffnet, und das ist nicht neu."
    assert strays(draft, "Am Montag haben wir f\u00fcr euch ge\u00f6ffnet, und neu ist das nicht.") is None


@pytest.mark.parametrize(
    ("draft", "rewrite"),
    [
        ("She will be back on Monday.", "She'll be back on Monday."),
        ("You should not pull the cord.", "You shouldn't pull the cord."),
        ("We could not find the key.", "We couldn't find the key."),
        ("It is ten minutes longer, and it is cold.", "It's ten minutes longer, and cold."),
        ("There are no duplicates at all.", "There are no duplicates."),
        ("The regions which you ship to are listed.", "The regions you ship to are listed."),
        ("Send it for a week, sign-ups included in full.", "Send it for a week, sign-ups included."),
        ("It is the shop and its door.", "It's the shop and its door."),
    ],
)
def test_what_only_looks_like_another_word_is_none(draft, rewrite):
    assert strays(draft, rewrite) is None


def test_all_that_is_no_part_of_at_all_is_asked_for():
    assert "of all" in (strays("Bring all the keys at once.", "Bring the keys at once, at all.") or "")


@pytest.mark.parametrize(
    "said",
    [
        "Set everyone invited against everyone who was not.",
        "We report the number who borrow and the number who return.",
        "Bring all the keys, not some, to the one shop that is open.",
        "You may, if it is not too late, keep the front open for her.",
    ],
)
def test_every_sentence_says_itself(said):
    assert strays(said, said) is None
