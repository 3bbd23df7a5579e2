from pete.generate.meaning.alignment import Alignment, is_telling
from pete.generate.meaning.parts import parts_of


def test_support_is_high_for_what_is_said_and_low_for_what_is_not(embed):
    both = Alignment.of(
        "The invoice was charged twice. We repaid it this morning.", "You were billed two times. Bears sleep in winter.", embed
    )
    said, unsaid = both.support(both.rewrite.sentences, both.draft)
    assert said > 0.55 and unsaid < 0.3
    assert both.nearest()[0] == 0


def test_a_sentence_may_say_two(embed):
    both = Alignment.of("The shop is shut on Monday. The shop is shut on Friday.", "On Monday and on Friday the shop is shut.", embed)
    (support,) = both.support(both.rewrite.sentences, both.draft)
    assert support > 1


def test_what_anybody_says_tells_nothing():
    thanks, told = parts_of("Thank you very much. The engineer arrives after lunch.")[0]
    assert not is_telling(thanks) and is_telling(told)
