"""Drafts of the bare texts, light, close, plain and as notes, and a writer that knows them."""

from pete.generate.pairs.draft_kinds import KINDS
from tests.bare_texts import subject_of

DRAFTS = {
    "close": {
        "kettle": "On a Monday the coffee machine in the office stopped working. A kettle was bought, and it is operated by Anna from the "
        "accounts team. Our meetings take less time now: four cups, and nothing is refilled.",
        "umbrella": "Eleven umbrellas of mine were left behind on trains. One of them was sold back to me by the railway. "
        "My name was still in it, and for once it was spelled correctly.",
        "bicycle": "A spoon was used by our courier to mend his bicycle. "
        "The repair lasted two winters, longer than the brake pads lasted in one.",
        "garden": "In the garden at the back of the warehouse grows what the drivers have spat out. "
        "For this summer the result is plums and one melon of very small size.",
        "piano": "A piano was put into the lift by some person and has remained. "
        "On arrival visitors hear a waltz, usually in an incorrect key.",
        "bakery": "At five the bakery on the floor below opens, and its smell reaches us at six. "
        "No one has arrived late here since the day its oven was made to face the staircase.",
    },
    "plain": {
        "kettle": "On Monday the coffee maker at work failed. A kettle was purchased, which Anna (accounts) operates. "
        "Because it makes four cups without refills, meetings take less time.",
        "umbrella": "Eleven umbrellas of mine were forgotten in trains. One was sold to me again by the railway. "
        "My name was inside and written correctly.",
        "bicycle": "A courier of our company mended his bicycle using a spoon. The repair lasted two winters. The brake pads lasted one.",
        "garden": "Fruit grows in the garden at the back of the warehouse where drivers throw away stones and seeds. "
        "This year it has plums and a small melon.",
        "piano": "A piano was placed in the lift and nobody has removed it. People who visit hear a waltz on arrival, often off key.",
        "bakery": "The bakery below us starts work at five and its smell reaches us at six. "
        "Since its oven was turned towards the stairs, all employees are punctual.",
    },
    "notes": {
        "kettle": "Coffee machine broken since Monday\nkettle bought, run by Anna, accounts\nmeetings shorter: four cups, no refills",
        "umbrella": "eleven umbrellas lost on trains\none bought back from railway\nname still inside, correct spelling",
        "bicycle": "courier bicycle repaired, spoon\nlasted two winters\nbrake pads only one",
        "garden": "garden, back of warehouse: fruit from drivers' stones\nthis summer plums, one small melon",
        "piano": "piano in lift, still there\nvisitors get a waltz on arrival, mostly wrong key",
        "bakery": "bakery below: opens five, smell by six\nno late arrivals since oven faces stairs",
    },
}


LIGHT = {
    "kettle": "It was on a Monday that the office coffee machine broke. We then bought a kettle, and it is Anna from accounts who now "
    "runs it. The meetings are shorter now: there are four cups, and there are no refills.",
    "umbrella": "I have by now left eleven umbrellas on trains. The railway did then sell one of them back to me. "
    "It still had my name inside of it, and it was for once spelled properly.",
    "bicycle": "Our courier has repaired his bicycle with a spoon. It did hold for two winters, and this is more than the brake pads "
    "managed in one of them.",
    "garden": "The garden that is behind the warehouse grows whatever it is that the drivers spit out. "
    "For this summer that means that there are plums, and that there is a very small melon.",
    "piano": "Somebody has moved a piano into the lift and so it has stayed there. "
    "Visitors do now arrive to a waltz, which is mostly in the wrong key.",
    "bakery": "The bakery that is downstairs opens at five and we do smell it at six. "
    "Nobody here has in fact been late since the oven was turned so as to face the stairs.",
}
"""What the texts are light edits of."""


def kind_of(question: str) -> str:
    """Which kind of draft a question asks for."""
    return next(kind for kind, how in KINDS.items() if how in question)


def knows_drafts(question: str) -> str:
    """A writer that gets every draft right at once."""
    return {"light": LIGHT, **DRAFTS}[kind_of(question)][subject_of(question)]
