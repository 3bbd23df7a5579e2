"""pete chat: talk with a tuned model."""

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from pete.cli.console import RunArgument, SetOption, as_path, complain, read_line
from pete.errors import UserError

if TYPE_CHECKING:
    from pete.app.chat import Conversation, Corrections

HELP = """/reset         forget the conversation
/again         another answer to the last question, in place of the last one
/rewrite TEXT  a draft in the voice, facts kept (alone: read lines up to an empty one or Ctrl-D)
/system TEXT   another system line for this conversation (alone: show it)
/edit          make the last answer or rewrite what it should have been; the pair is kept for the next training
/save FILE     write the conversation as JSON
/quit          leave (so does Ctrl-D); Ctrl-C stops an answer"""


def chat(run: RunArgument = None, set_: SetOption = None) -> None:
    """Talk with a tuned model. /help lists the commands; Ctrl-C stops the answer, not the program."""
    from pete.app.chat import Conversation, Corrections, open_chat
    from pete.run import RunDir

    if sys.stdin.isatty():
        import readline  # noqa: F401  (line editing and history for input())

    folder = RunDir.find(run)
    print(f"loading {folder.name} ...", file=sys.stderr)
    tuned = open_chat(folder, set_ or [])
    print(f"{tuned.lineage.persona}, at your service. /help for commands.", file=sys.stderr)
    from pete.cli.rewrite import in_chat

    _talk(Conversation(tuned), in_chat(tuned, folder), lambda: Corrections(folder))


def _talk(conversation: "Conversation", rewrite: Callable[[str], str | None], corrections: "Callable[[], Corrections]") -> None:
    rewritten: tuple[str, str] | None = None  # a draft and its rewrite, where that is the last thing said
    while True:
        try:
            line = read_line("> " if sys.stdin.isatty() else "").strip()
        except EOFError:
            return
        except UserError as error:
            complain(error)
            continue
        except KeyboardInterrupt:  # at the prompt: clear the line, as a shell does
            print()
            continue
        if not line:
            continue
        command = line.split()[0]
        if command in ("/quit", "/exit"):
            return
        if command == "/edit":
            rewritten = _edit(conversation, rewritten, corrections)
            continue
        if command == "/rewrite":
            draft = line.removeprefix(command).strip() or _several_lines()
            made = rewrite(draft)
            rewritten = rewritten if made is None else (draft, made)
            continue
        rewritten = None
        if command == "/again" and (question := conversation.take_back()) is not None:
            _answer(question, conversation)
        elif line.startswith("/"):
            _command(line, conversation)
        else:
            _answer(line, conversation)


def _several_lines() -> str:
    lines: list[str] = []
    while True:
        try:
            line = read_line()
        except (EOFError, KeyboardInterrupt):
            break
        if not line.strip():
            break
        lines.append(line)
    return "\n".join(lines)


def _answer(question: str, conversation: "Conversation") -> None:
    shown: list[str] = []
    screen = WordWrap(lambda text: print(text, end="", flush=True), sys.stdout.isatty())
    flags = ""
    try:
        for delta in conversation.ask(question):
            shown.append(delta.text)
            screen.push(delta.text)
            if delta.answer is not None:
                flags = "; ".join(flag.words for flag in delta.answer.flags)
        screen.push("\n")
        if flags:
            print(f"(flagged: {flags}. /again draws another answer)", file=sys.stderr)
    except KeyboardInterrupt:
        screen.push("\n(stopped)\n")
    except UserError as error:
        print(f"{error.message} ({error.hint})", file=sys.stderr)
        return
    conversation.keep(question, "".join(shown))


def _edit(
    conversation: "Conversation", rewritten: tuple[str, str] | None, corrections: "Callable[[], Corrections]"
) -> tuple[str, str] | None:
    """The last answer in the person's editor, or the last rewrite, whichever came last; what it becomes is kept.

    A conversation goes on from a corrected answer; of a rewrite, the draft and what it is now come back.
    """
    from pete.cli.editor import END, edited
    from pete.data.text import visible

    if not rewritten and not conversation.turns:
        print("(there is no answer to edit yet)", file=sys.stderr)
        return None
    question, answer = rewritten or (turn.content for turn in conversation.turns[-2:])
    try:
        kept = corrections()
        how = "" if sys.stdin.isatty() else f"; type it anew, a line with {END} alone ends it"
        print(f"(what it becomes is kept in {kept.file}, here alone; what stays as it is is not{how})", file=sys.stderr)
        correction = edited(answer)
        if not visible(correction):
            print("(empty: nothing is kept)", file=sys.stderr)
        elif kept.keep(question, answer, correction):
            if rewritten:
                rewritten = question, correction
            else:
                conversation.correct(correction)
            print(f"(kept in {kept.file})", file=sys.stderr)
        else:
            print("(as it was, or kept before: nothing is kept)", file=sys.stderr)
    except UserError as error:
        complain(error)
    return rewritten


LONGEST_WORD = 30
"""Cells after which a word is shown though it goes on: some scripts put no space between words."""


class WordWrap:
    """Text that arrives in pieces, broken between words at the terminal's width as it is then; unchanged where `wraps` is False."""

    def __init__(self, write: Callable[[str], object], wraps: bool) -> None:
        self._write, self._wraps = write, wraps
        self._space = self._word = ""
        self._column = 0

    def push(self, text: str) -> None:
        """More text; a word is shown once it is whole."""
        if not self._wraps:
            self._write(text)
            return
        for character in text:
            if not character.isspace():
                self._word += character
                if len(self._word) < LONGEST_WORD:
                    continue
            self._show_word()
            if character == "\n":
                self._write("\n")
                self._space, self._column = "", 0
            elif character.isspace():
                self._space += character

    def _show_word(self) -> None:
        import shutil

        from rich.cells import cell_len

        if not self._word:
            return
        if self._column and self._column + cell_len(self._space + self._word) > shutil.get_terminal_size().columns:
            self._write("\n")
            self._space, self._column = "", 0
        self._write(self._space + self._word)
        self._column += cell_len(self._space + self._word)
        self._space = self._word = ""


def _command(line: str, conversation: "Conversation") -> None:
    name, _, rest = line.partition(" ")
    rest = rest.strip()
    if name == "/reset":
        conversation.turns.clear()
        print("(forgotten)", file=sys.stderr)
    elif name == "/system":
        if rest:
            conversation.system = rest
        print(f"system: {conversation.system or '(none)'}", file=sys.stderr)
    elif name == "/save":
        if not rest:
            print("/save FILE: a file name is missing", file=sys.stderr)
            return
        try:
            path = as_path(rest)
            conversation.save(path)
            print(f"saved {path}", file=sys.stderr)
        except OSError as error:
            print(f"{rest} was not written: {error.strerror}", file=sys.stderr)
        except UserError as error:
            complain(error)
    else:
        print(HELP, file=sys.stderr)
