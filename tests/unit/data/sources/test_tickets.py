from pete.data.examples import Message
from pete.data.sources.chat import Said
from pete.data.sources.record import Reason
from pete.data.sources.tickets import ticket


def said(text: str, who: str, own: bool | None = None, dropped: Reason | None = None) -> Said:
    return Said(text=text, where=f"t:{text}", author=(who,), own=own, dropped=dropped)


def test_what_is_dropped_lies_between_no_question_and_its_answer():
    comments = [said("Where?", "Ada", False), said("note", "Mina", None, Reason.INTERNAL), said("Here.", "Mina"), said("Ta.", "Ada", False),
                said("Any time.", "Mina")]  # fmt: skip
    found = {record.text: record for record in ticket(comments, name="ticket 1", title="Late")}
    assert found["note"].dropped == Reason.INTERNAL and found["Here."].before == (Message("user", "Where?"),)
    assert [turn.content for turn in found["Any time."].before] == ["Where?", "Here.", "Ta."]
    assert {record.thread for record in found.values()} == {"ticket 1"} and found["Here."].title == "Late"


def test_others_who_answered_are_named_and_not_taken_for_the_author():
    found = list(
        ticket([said("Where?", "Ada", False), said("Soon.", "Bo"), said("Now?", "Ada", False), said("Yes.", "Mina")], name="t", title="")
    )
    assert found[-1].before == (Message("user", "Ada: Where?\nBo: Soon.\nAda: Now?"),)
