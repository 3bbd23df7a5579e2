"""Ollama's Modelfile: our chat template as a Go template, the system line, every end, and how answers are drawn.

The Go template is not translated from jinja but read off it: conversations of placeholders are rendered, and what stands between
the placeholders is what it writes. A template that writes other things between the same roles has no such form, and is refused.
"""

import copy
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from pete.data.examples import Role
from pete.data.render import Message, Renderer
from pete.errors import UserError
from pete.export.source import Source

_PLACE = "\U000f0010{}\U000f0011"
_PLACES = re.compile("\U000f0010[0-9]+\U000f0011")
_ROLES: tuple[tuple[Role, ...], ...] = (
    ("user",), ("user", "assistant", "user"), ("user", "assistant", "user", "assistant", "user"),
)  # fmt: skip


@dataclass(frozen=True)
class Frame:
    """What a chat template writes around the texts of a conversation that ends with the user's."""

    with_system: tuple[str, str]
    """Before the system line, and between it and the first request."""
    without_system: str
    """Before the first request of a conversation without a system line."""
    to_answer: str
    """Between a request and its answer, where the answer is there already."""
    to_request: str
    """Between an answer and the next request."""
    prompt: str
    """Behind the last request, for the model to go on from."""
    trims: bool
    """Blanks around a text are left out."""

    def text(self, turns: Sequence[Message]) -> str:
        """A conversation, a system line first where it has one."""
        system, rest = (turns[0].content, turns[1:]) if turns[0].role == "system" else (None, turns)
        text = self.without_system if system is None else self.with_system[0] + system + self.with_system[1]
        for number, turn in enumerate(rest):
            last = number == len(rest) - 1
            text += turn.content + ((self.prompt if last else self.to_answer) if turn.role == "user" else "" if last else self.to_request)
        return text


def frame_of(renderer: Renderer) -> Frame:
    """The frame of a renderer's template.

    Raises:
        UserError: its template has none.
    """
    bare = copy.copy(renderer)
    bare.system = ""
    pieces = [_pieces(bare, roles) for roles in _ROLES]
    led = [_pieces(bare, ("system", *roles)) for roles in _ROLES]
    if renderer.folds_system:  # the line stands in front of the first request, after what stands there anyway
        expected = pieces[0][0]
        system = (expected, "\n\n")
    else:
        system = (led[0][0], led[0][1])
    longest = pieces[-1]
    frame = Frame(system, longest[0], longest[1], longest[2], longest[-1], trims=_trims(bare))
    for roles in _ROLES:
        for talk in (_talk(roles), _talk(("system", *roles))):
            if frame.text(talk) != bare.text(talk, prompt=True):
                raise UserError(
                    "The chat template writes different things between the same roles of a conversation, or something that depends on "
                    "its texts: Ollama's templates, as Pete writes them, cannot say that.",
                    "--to gguf has the template as it is, for programs that read jinja: llama.cpp, LM Studio",
                )
    return frame


def _talk(roles: Sequence[Role]) -> list[Message]:
    return [Message(role, _PLACE.format(number)) for number, role in enumerate(roles)]


def _pieces(renderer: Renderer, roles: Sequence[Role]) -> list[str]:
    return _PLACES.split(renderer.text(_talk(roles), prompt=True))


def _trims(renderer: Renderer) -> bool:
    return " x " not in renderer.text([Message("user", " x ")], prompt=True)


def go_template(frame: Frame, strip: str = "") -> str:
    """The frame in Go's template language, every literal quoted, so that no blank of the source counts.

    Args:
        frame: of a chat template.
        strip: what stands in front of everything and is left out, because Ollama writes it itself (BOS).
    """
    before, between = frame.with_system
    return "\n".join(
        [
            "{{- if .System -}}",
            f"{{{{- {_quoted(before.removeprefix(strip))} -}}}}{{{{- .System -}}}}{{{{- {_quoted(between)} -}}}}",
            "{{- else -}}",
            f"{{{{- {_quoted(frame.without_system.removeprefix(strip))} -}}}}",
            "{{- end -}}",
            "{{- range $i, $_ := .Messages -}}",
            "{{- $last := eq (len (slice $.Messages $i)) 1 -}}",
            '{{- if eq .Role "user" -}}',
            "{{- .Content -}}",
            f"{{{{- if $last -}}}}{{{{- {_quoted(frame.prompt)} -}}}}{{{{- else -}}}}{{{{- {_quoted(frame.to_answer)} -}}}}{{{{- end -}}}}",
            '{{- else if eq .Role "assistant" -}}',
            "{{- .Content -}}",
            f"{{{{- if not $last -}}}}{{{{- {_quoted(frame.to_request)} -}}}}{{{{- end -}}}}",
            "{{- end -}}",
            "{{- end -}}",
        ]
    )


def _quoted(text: str) -> str:
    """A string literal of Go; its escapes are JSON's, for all that a template writes."""
    return json.dumps(text, ensure_ascii=False)


def modelfile(source: Source, file: str, *, strip: str = "") -> str:
    """The whole Modelfile.

    Args:
        source: what is exported.
        file: the GGUF's name, in the same folder.
        strip: see `go_template`.

    Raises:
        UserError: the chat template has no form in Go, or a text cannot stand in a Modelfile.
    """
    renderer, sampling = source.renderer, source.sampling
    frame = frame_of(renderer)
    ends = [str(renderer.tokenizer.id_to_token(number)) for number in sorted(renderer.ends)]
    lines = [
        f"# {source.name}: {source.base.name} with its adapter merged in. Made by Pete; beside it lies the proof.",
        f"FROM ./{file}",
        f"TEMPLATE {_block(go_template(frame, strip))}",
        *(["# The template it was trained with leaves out blanks around a text; Ollama passes them on as typed."] if frame.trims else []),
        *([f"SYSTEM {_block(renderer.system)}"] if renderer.system else []),
        *(f"PARAMETER stop {_quoted(text)}" for text in dict.fromkeys((*ends, *source.stops))),
        f"PARAMETER temperature {sampling.temperature:g}",
        f"PARAMETER top_p {sampling.top_p:g}",
        f"PARAMETER top_k {sampling.top_k}",
        "# Pete's repetition penalty looks at the answer alone. Ollama's looks at the last 64 tokens, the end of the prompt among them.",
        f"PARAMETER repeat_penalty {sampling.repetition_penalty:g}",
        f"PARAMETER num_ctx {min(renderer.context, 8192)}",
        "",
    ]
    return "\n".join(lines)


def _block(text: str) -> str:
    if '"""' in text:
        raise UserError('The system line or the template has """ in it, which a Modelfile cannot hold.', "--to gguf can")
    return f'"""{text}"""'
