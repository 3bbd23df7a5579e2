"""Chat: a run's model, loaded and ready to answer, and a conversation with it."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from pete.adapter import WEIGHTS
from pete.config import ANSWERING, override
from pete.data.edits import keep_edit
from pete.data.render import Message
from pete.generate.stream import Delta, Tuned, open_tuned
from pete.persona import load_persona, require_own
from pete.run import RunDir


def open_chat(run: RunDir, overrides: Sequence[str] = ()) -> Tuned:
    """Load a run's model, with some values of [generate] and [engine.llama] changed.

    Raises:
        ConfigError: an override does not fit. RunError: the run has no adapter. BaseModelError, AdapterError: it cannot be loaded.
    """
    return open_tuned(run, override(run.read_config(), overrides, ANSWERING).config)


class Conversation:
    """Questions and answers so far, with a system line of its own if it was given one; the model keeps its own."""

    def __init__(self, tuned: Tuned) -> None:
        self.turns: list[Message] = []
        self._tuned = tuned
        self._system: str | None = None
        self._answers = 0

    @property
    def system(self) -> str:
        """The system line it is under."""
        return self._tuned.renderer.system if self._system is None else self._system

    @system.setter
    def system(self, text: str) -> None:
        self._system = text

    def ask(self, question: str) -> Iterator[Delta]:
        """Stream an answer, each with another seed; what stands of it afterwards is for `keep` to say.

        An answer that streams is seen before it can be judged: it is flagged, and drawn again only when asked to.
        """
        sampling = self._tuned.config.generate
        system = [] if self._system is None else [Message("system", self._system)]
        self._answers += 1
        sampling = sampling.model_copy(update={"seed": sampling.seed + self._answers - 1})
        return self._tuned.stream([*system, *self.turns, Message("user", question)], sampling)

    def keep(self, question: str, answer: str) -> None:
        """Let a question and its answer, or as much as came of it, be part of the conversation."""
        self.turns += [Message("user", question), Message("assistant", answer)]

    def take_back(self) -> str | None:
        """Forget the last answer and its question; the question, None where there is none."""
        if not self.turns:
            return None
        question = self.turns[-2].content
        del self.turns[-2:]
        return question

    def correct(self, answer: str) -> None:
        """Let the last answer be another one; the conversation goes on from there."""
        self.turns[-1] = Message("assistant", answer)

    def save(self, path: Path) -> None:
        """Write it as JSON; raises OSError, also where there is a file already: a conversation never overwrites one."""
        messages = [{"role": turn.role, "content": turn.content} for turn in self.turns]
        with path.open("x", encoding="utf-8") as file:
            json.dump({"system": self.system, "messages": messages}, file, ensure_ascii=False, indent=2)


class Corrections:
    """What a person makes of a run's answers, kept in edits.jsonl of the persona it was trained on."""

    def __init__(self, run: RunDir) -> None:
        """Find the persona.

        Raises:
            PersonaError: it is not there any more, or its folder is not one's own to write into.
        """
        self._persona = load_persona(run.read_config().config.data.persona, empty=True)
        require_own(self._persona)
        weights = hashlib.sha256((run.adapter / WEIGHTS).read_bytes()).hexdigest()
        self.model = f"{run.name} {weights[:12]}"
        """Who wrote what is corrected: the run, and a hash of its adapter."""

    @property
    def file(self) -> Path:
        """Where they are kept."""
        return self._persona.edits

    def keep(self, question: str, answer: str, correction: str) -> bool:
        """Keep what an answer became; False where that is what it was. Raises UserError where it cannot be kept."""
        return keep_edit(self._persona, answer, correction, "chat", prompt=question, model=self.model)
