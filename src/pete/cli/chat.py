"""pete chat: talk with a tuned model."""

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from pete.cli.console import RunArgument, SetOption, as_path, complain, read_line
from pete.errors import UserError

if TYPE_CHECKING:
    from pete.config import GenerateConfig
    from pete.data.render import Message
    from pete.generate.stream import Tuned

HELP = """/reset         forget the conversation
/again         another answer to the last question, in place of the last one
/system TEXT   another system line for this conversation (alone: show it)
/save FILE     write the conversation as JSON
/quit          leave (so does Ctrl-D); Ctrl-C stops an answer"""


def chat(run: RunArgument = None, set_: SetOption = None) -> None:
    """Talk with a tuned model. /help lists the commands; Ctrl-C stops the answer, not the program."""
    from pete.app.chat import open_chat
    from pete.run import RunDir

    if sys.stdin.isatty():
        import readline  # noqa: F401  (line editing and history for input())

    folder = RunDir.find(run)
    print(f"loading {folder.name} ...", file=sys.stderr)
    tuned = open_chat(folder, set_ or [])
    print(f"{tuned.lineage.persona}, at your service. /help for commands.", file=sys.stderr)
    _talk(tuned, tuned.config.generate)


def _talk(tuned: "Tuned", sampling: "GenerateConfig") -> None:
    turns: list[Message] = []
    answered = 0
    # an answer that streams is on the screen before it can be judged: it is flagged, and drawn again only when asked to
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
        if line.split()[0] == "/again" and turns and turns[-1].role == "assistant":
            line = turns[-2].content
            del turns[-2:]
        if line.startswith("/"):
            if line.split()[0] in ("/quit", "/exit"):
                return
            _command(line, tuned, turns)
        else:
            _answer(line, tuned, turns, seed=sampling.seed + answered)
            answered += 1


def _answer(line: str, tuned: "Tuned", turns: "list[Message]", seed: int) -> None:
    from pete.data.render import Message

    shown: list[str] = []
    screen = WordWrap(lambda text: print(text, end="", flush=True), sys.stdout.isatty())
    question = Message("user", line)
    flags = ""
    try:
        for delta in tuned.stream([*turns, question], tuned.config.generate.model_copy(update={"seed": seed})):
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
    turns += [question, Message("assistant", "".join(shown))]


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


def _command(line: str, tuned: "Tuned", turns: "list[Message]") -> None:
    import json

    from pete.data.render import Message

    name, _, rest = line.partition(" ")
    rest = rest.strip()
    system = turns[0].content if turns and turns[0].role == "system" else tuned.renderer.system
    if name == "/reset":
        del turns[1 if turns and turns[0].role == "system" else 0 :]
        print("(forgotten)", file=sys.stderr)
    elif name == "/system":
        if rest:  # of this conversation; the model keeps its own
            turns[: 1 if turns and turns[0].role == "system" else 0] = [Message("system", rest)]
        print(f"system: {rest or system or '(none)'}", file=sys.stderr)
    elif name == "/save":
        if not rest:
            print("/save FILE: a file name is missing", file=sys.stderr)
            return
        messages = [{"role": turn.role, "content": turn.content} for turn in turns if turn.role != "system"]
        try:
            path = as_path(rest)
            with path.open("x", encoding="utf-8") as file:  # a conversation never overwrites a file
                json.dump({"system": system, "messages": messages}, file, ensure_ascii=False, indent=2)
            print(f"saved {path}", file=sys.stderr)
        except OSError as error:
            print(f"{rest} was not written: {error.strerror}", file=sys.stderr)
        except UserError as error:
            complain(error)
    else:
        print(HELP, file=sys.stderr)
