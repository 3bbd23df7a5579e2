import json
from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest

from pete.app.chat import Conversation
from pete.cli import chat
from pete.config import GenerateConfig
from pete.data.render import Message
from pete.errors import UserError
from pete.generate.rules import Violation


@dataclass
class Speaker:
    """Says its line word by word, and may be cut off."""

    words: list[str]
    cut_after: int | None = None
    error: UserError | None = None
    flags: tuple[Violation, ...] = ()
    asked: list[list[Message]] = field(default_factory=list)
    seeds: list[int] = field(default_factory=list)
    config: SimpleNamespace = field(default_factory=lambda: SimpleNamespace(generate=GenerateConfig()))
    renderer: SimpleNamespace = field(default_factory=lambda: SimpleNamespace(system="You are Ada."))

    def stream(self, conversation, sampling):
        self.asked.append(list(conversation))
        self.seeds.append(sampling.seed)
        if self.error:
            raise self.error
        for number, word in enumerate(self.words):
            if number == self.cut_after:
                raise KeyboardInterrupt
            yield SimpleNamespace(text=word, answer=None)
        yield SimpleNamespace(text="", answer=SimpleNamespace(flags=self.flags))


def conversation(speaker: Speaker) -> Conversation:
    return Conversation(speaker)  # type: ignore[arg-type]


def no_corrections():
    raise AssertionError("nobody edits here")


def type_in(monkeypatch, *lines: str) -> None:
    """What a person types, and then the end of input."""
    left = iter(lines)

    def typed(_: str) -> str:
        try:
            return next(left)
        except StopIteration:
            raise EOFError from None

    monkeypatch.setattr("builtins.input", typed)


def test_ctrl_c_stops_the_answer_keeps_what_was_said_and_goes_on(capsys):
    speaker = Speaker(["One. ", "Two. ", "Three."], cut_after=2)
    talk = conversation(speaker)
    chat._answer("Tell me all", talk)
    assert "(stopped)" in capsys.readouterr().out
    assert talk.turns == [Message("user", "Tell me all"), Message("assistant", "One. Two. ")]
    speaker.cut_after = None
    chat._answer("Go on", talk)
    assert [m.content for m in speaker.asked[1]] == ["Tell me all", "One. Two. ", "Go on"]
    assert len(talk.turns) == 4


def test_a_message_that_is_too_long_is_said_and_forgotten(capsys):
    talk = conversation(Speaker([], error=UserError("too long", "shorten it")))
    chat._answer("x" * 9, talk)
    assert talk.turns == [] and "too long (shorten it)" in capsys.readouterr().err


def test_what_streamed_is_flagged_afterwards_and_stays(capsys):
    flags = (Violation("length", "too long for a tagline (14 words, at most 10)", 0, 4), Violation("avoid", "says 'unlock'", 0, 4))
    talk = conversation(speaker := Speaker(["Long."], flags=flags))
    chat._answer("A tagline", talk)
    seen = capsys.readouterr()
    assert seen.out == "Long.\n" and len(talk.turns) == 2
    assert "(flagged: too long for a tagline (14 words, at most 10); says 'unlock'. /again draws another answer)" in seen.err
    speaker.flags = ()
    chat._answer("Another", talk)
    assert "flagged" not in capsys.readouterr().err


def test_again_asks_the_last_question_anew(monkeypatch, capsys):
    speaker = Speaker(["Yes."], config=SimpleNamespace(generate=GenerateConfig(seed=5)))
    type_in(monkeypatch, "/again", "One?", "/again", "/again", "Two?")
    chat._talk(conversation(speaker), print, no_corrections)
    assert [[m.content for m in asked] for asked in speaker.asked] == [["One?"], ["One?"], ["One?"], ["One?", "Yes.", "Two?"]]
    assert speaker.seeds == [5, 6, 7, 8], "another seed each time"
    assert "/again" in capsys.readouterr().err, "with nothing to repeat, it shows the help"


def test_system_changes_this_conversation_and_not_the_model(monkeypatch, capsys, tmp_path):
    speaker = Speaker(["Yes."])
    type_in(monkeypatch, "/system", "/system Be Bob.", "One?", "/again", f"/save {tmp_path / 'talk.json'}", "/reset", "Two?")
    chat._talk(conversation(speaker), print, no_corrections)
    told = Message("system", "Be Bob.")
    assert speaker.asked == [[told, Message("user", question)] for question in ("One?", "One?", "Two?")]
    assert speaker.renderer.system == "You are Ada."
    assert "system: You are Ada." in capsys.readouterr().err
    saved = json.loads((tmp_path / "talk.json").read_text())
    assert saved["system"] == "Be Bob." and [m["role"] for m in saved["messages"]] == ["user", "assistant"]


def wrapped(text: str, width: int, pieces: int, monkeypatch, wraps: bool = True) -> str:
    monkeypatch.setenv("COLUMNS", str(width))
    written: list[str] = []
    wrap = chat.WordWrap(written.append, wraps)
    for at in range(0, len(text), pieces):
        wrap.push(text[at : at + pieces])
    wrap.push("\n")
    return "".join(written)


@pytest.mark.parametrize("pieces", [1, 3, 1000])
def test_an_answer_wraps_at_words_in_any_pieces(monkeypatch, pieces):
    text = "One two three four five six\n\n- a list, indented\n  with a line below it that is long"
    shown = wrapped(text, 20, pieces, monkeypatch)
    assert max(map(len, shown.split("\n"))) <= 20 and shown.split() == text.split()
    assert "One two three four\nfive six\n\n- a list, indented\n  with a line below\n" in shown
    assert wrapped(text, 20, pieces, monkeypatch, wraps=False) == text + "\n", "a pipe gets it as it is"


def test_a_script_without_spaces_is_shown_before_its_end_and_the_width_is_read_anew(monkeypatch):
    written: list[str] = []
    wrap = chat.WordWrap(written.append, True)
    monkeypatch.setenv("COLUMNS", "100")
    wrap.push("\u8a9e" * 40)
    assert len("".join(written)) == 30
    monkeypatch.setenv("COLUMNS", "20")
    wrap.push(" next word")
    wrap.push("\n")
    assert "".join(written).endswith("\nnext word\n")


@dataclass
class Kept:
    file: str = "persona/edits.jsonl"
    pairs: list[tuple[str, str, str]] = field(default_factory=list)

    def keep(self, question: str, answer: str, correction: str) -> bool:
        self.pairs.append((question, answer, correction))
        return answer != correction


def test_edit_keeps_what_an_answer_became_and_the_conversation_goes_on_from_it(monkeypatch, capsys):
    speaker, kept = Speaker(["Yes."]), Kept()
    type_in(monkeypatch, "/edit", "One?", "/edit", "No,", "never.", ".", "Two?", "/edit", " ", ".", "/edit", "Yes.", ".")
    talk = conversation(speaker)
    chat._talk(talk, print, lambda: kept)  # type: ignore[arg-type, return-value]
    assert kept.pairs == [("One?", "Yes.", "No,\nnever."), ("Two?", "Yes.", "Yes.")]
    assert [turn.content for turn in talk.turns] == ["One?", "No,\nnever.", "Two?", "Yes."]
    assert [turn.content for turn in speaker.asked[1]] == ["One?", "No,\nnever.", "Two?"]
    said = capsys.readouterr().err
    assert "no answer to edit yet" in said and "kept in persona/edits.jsonl, here alone" in said
    assert said.index("here alone") < said.index("(kept in persona/edits.jsonl)") < said.index("(empty") < said.index("(as it was")


def test_edit_after_a_rewrite_opens_the_rewrite_and_leaves_the_conversation(monkeypatch):
    speaker, kept = Speaker(["Yes."]), Kept()
    type_in(
        monkeypatch, "One?", "/rewrite Tea is served.", "/edit", "Tea!", ".", "/edit", "Tea now!", ".", "/rewrite nothing", "/edit", "Now!",
        ".", "Two?", "/edit", "No.", ".",
    )  # fmt: skip
    talk = conversation(speaker)
    rewrites = {"Tea is served.": "There's tea."}
    chat._talk(talk, rewrites.get, lambda: kept)  # type: ignore[arg-type, return-value]
    draft = "Tea is served."
    assert kept.pairs == [
        (draft, "There's tea.", "Tea!"), (draft, "Tea!", "Tea now!"), (draft, "Tea now!", "Now!"), ("Two?", "Yes.", "No."),
    ]  # fmt: skip
    assert [turn.content for turn in talk.turns] == ["One?", "Yes.", "Two?", "No."]


def test_where_it_cannot_be_kept_is_said_before_anything_is_typed(monkeypatch, capsys):
    def gone():
        raise UserError("the persona is gone", "look for it")

    type_in(monkeypatch, "One?", "/edit", "Two?")
    speaker = Speaker(["Yes."])
    chat._talk(conversation(speaker), print, gone)
    assert "the persona is gone" in capsys.readouterr().err and len(speaker.asked) == 2


def test_rewrite_takes_a_draft_on_its_line_or_several_lines(monkeypatch):
    speaker, drafts = Speaker(["Yes."]), []
    type_in(
        monkeypatch,
        "/rewrite  We open on Tuesdays. ",
        "/rewrite",
        "Two lines,",
        "/quit is one of them.",
        "",
        "One?",
        "/rewrite",
        "to the end",
    )
    chat._talk(conversation(speaker), drafts.append, no_corrections)
    assert drafts == ["We open on Tuesdays.", "Two lines,\n/quit is one of them.", "to the end"]
    assert [[m.content for m in asked] for asked in speaker.asked] == [["One?"]], "a draft is no part of the conversation"
