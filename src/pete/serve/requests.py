"""Requests as OpenAI's clients send them: each setting is honoured, or refused by its name; none is ignored."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from pete.config import GenerateConfig
from pete.data.examples import Message
from pete.serve.errors import Refusal, invalid, unsupported
from pete.serve.limits import Limits

SEEDS = 2**31
"""Seeds are below this."""
NEUTRAL: Mapping[str, tuple[Any, ...]] = {
    "logprobs": (None, False),
    "top_logprobs": (None,),
    "logit_bias": (None, {}),
    "presence_penalty": (None, 0, 0.0),
    "frequency_penalty": (None, 0, 0.0),
    "response_format": (None, {"type": "text"}),
    "tools": (None, []),
    "tool_choice": (None, "none"),
    "parallel_tool_calls": (None,),
    "functions": (None, []),
    "function_call": (None, "none"),
    "modalities": (None, ["text"]),
    "audio": (None,),
    "prediction": (None,),
    "web_search_options": (None,),
    "reasoning_effort": (None, "none"),
    "verbosity": (None,),
    "store": (None, False),
    "metadata": (None, {}),
    "service_tier": (None, "auto", "default"),
    "echo": (None, False),
    "suffix": (None, ""),
    "best_of": (None, 1),
}
"""Settings that cannot be honoured -> values that ask for nothing."""
INSTEAD = {
    "logprobs": "the engine hands over tokens, not their probabilities",
    "presence_penalty": "repetition_penalty (1 is none) is what there is",
    "frequency_penalty": "repetition_penalty (1 is none) is what there is",
    "best_of": "ask for n answers and choose",
}
"""Setting -> what to say beside the refusal."""
LABELS = ("user", "safety_identifier", "prompt_cache_key")
"""Names that a client gives itself, without effect on an answer; they are not kept either."""


def _encodable(text: str) -> str:
    """Half a character, which JSON can write, is no text."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("not Unicode text") from None
    return text


Text = Annotated[str, AfterValidator(_encodable)]


class _Wire(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class TextPart(_Wire):
    """A part of a message's content."""

    type: Literal["text"]
    text: Text


class ChatMessage(_Wire):
    """One message of a conversation."""

    role: Literal["system", "developer", "user", "assistant"]
    content: Text | list[TextPart]

    @property
    def turn(self) -> Message:
        """The same as the renderer takes it."""
        text = self.content if isinstance(self.content, str) else "".join(part.text for part in self.content)
        return Message("system" if self.role == "developer" else self.role, text)


class StreamOptions(_Wire):
    """What a stream has besides text."""

    include_usage: bool = False
    include_obfuscation: Literal[False] | None = None


class Extras(_Wire):
    """What only this server has."""

    retries: Annotated[int, Field(ge=0, le=2)] = 0
    """How often an answer that breaks one of the persona's rules is drawn again."""
    strength: Literal["light", "normal", "full"] | None = None
    """How far a rewrite may go; for the model that rewrites."""


class _Sampled(_Wire):
    """What both kinds of request have."""

    model: str
    n: Annotated[int, Field(ge=1)] | None = None
    seed: Annotated[int, Field(ge=0, lt=SEEDS)] | None = None
    stop: Text | list[Text] | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    top_p: Annotated[float, Field(gt=0, le=1)] | None = None
    top_k: Annotated[int, Field(ge=0)] | None = None
    repetition_penalty: Annotated[float, Field(ge=1, le=2)] | None = None
    max_tokens: Annotated[int, Field(ge=1)] | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None

    @property
    def stops(self) -> tuple[str, ...]:
        """The stop strings."""
        return (self.stop,) if isinstance(self.stop, str) else tuple(self.stop or ())

    @property
    def choices(self) -> int:
        """Answers wanted to each prompt."""
        return self.n or 1

    def _check(self, limits: Limits) -> None:
        if self.choices > limits.choices:
            raise invalid("n", f"'n' is {self.n}: at most {limits.choices} answers to a request.")
        if len(self.stops) > 4 or not all(self.stops):
            raise invalid("stop", "'stop' takes up to four strings, none of them empty.")
        if self.stream_options is not None and not self.stream:
            raise invalid("stream_options", "'stream_options' is for requests with 'stream': true.")

    def _longest(self) -> int | None:
        return self.max_tokens

    def sampling(self, defaults: GenerateConfig, seed: int) -> GenerateConfig:
        """How its answers are drawn; what it does not say is as the run says."""
        given = {name: getattr(self, name) for name in ("temperature", "top_p", "top_k", "repetition_penalty")}
        given = {name: value for name, value in given.items() if value is not None}
        if (longest := self._longest()) is not None:
            given["max_new_tokens"] = longest
        return defaults.model_copy(update={**given, "seed": seed % SEEDS, "retries": 0, "best_of": 1})


class ChatRequest(_Sampled):
    """POST /v1/chat/completions."""

    messages: Annotated[list[ChatMessage], Field(min_length=1)]
    max_completion_tokens: Annotated[int, Field(ge=1)] | None = None
    x_pete: Extras = Extras()

    @classmethod
    def read(cls, body: Mapping[str, Any], limits: Limits) -> Self:
        """A request out of what was sent.

        Raises:
            Refusal: naming the first setting that is wrong or cannot be honoured.
        """
        request = _read(cls, body)
        request._check(limits)
        roles = [message.turn.role for message in request.messages]
        if len(roles) > limits.messages:
            raise invalid("messages", f"The conversation has {len(roles)} messages: at most {limits.messages}.")
        if "system" in roles[1:]:
            at = roles.index("system", 1)
            raise invalid(f"messages[{at}].role", "A system message is the first message, or there is none.")
        if roles[-1] != "user":
            raise invalid(f"messages[{len(roles) - 1}].role", "The last message is the user's: an answer is not gone on with.")
        if None not in (both := (request.max_tokens, request.max_completion_tokens)) and both[0] != both[1]:
            raise invalid("max_completion_tokens", "'max_tokens' and 'max_completion_tokens' are the same thing, and differ.")
        if request.stream and request.x_pete.retries:
            raise invalid("x_pete.retries", "What was streamed cannot be drawn again: 'x_pete.retries' is for requests without 'stream'.")
        return request

    @property
    def turns(self) -> list[Message]:
        """The conversation."""
        return [message.turn for message in self.messages]

    def _longest(self) -> int | None:
        return self.max_completion_tokens or self.max_tokens


class TextRequest(_Sampled):
    """POST /v1/completions: a text to go on with, put before the model as it is."""

    prompt: Text | Annotated[list[Text], Field(min_length=1)]

    @classmethod
    def read(cls, body: Mapping[str, Any], limits: Limits) -> Self:
        """A request out of what was sent; raises Refusal as ChatRequest's does."""
        request = _read(cls, body)
        request._check(limits)
        if len(request.prompts) * request.choices > limits.choices:
            raise invalid(
                "prompt", f"{len(request.prompts)} prompts, 'n' {request.choices}: at most {limits.choices} answers to a request."
            )
        return request

    @property
    def prompts(self) -> list[str]:
        """The texts."""
        return [self.prompt] if isinstance(self.prompt, str) else self.prompt


Request = TypeVar("Request", bound=_Sampled)


def _read(kind: type[Request], body: Mapping[str, Any]) -> Request:
    kept = {}
    for name, value in body.items():
        if name in NEUTRAL:
            if not any(type(value) is type(neutral) and value == neutral for neutral in NEUTRAL[name]):
                instead = f": {INSTEAD[name]}" if name in INSTEAD else ""
                raise unsupported(name, f"'{name}' is not supported by this server{instead}.")
        elif name not in LABELS:
            kept[name] = value
    try:
        return kind.model_validate(kept)
    except ValidationError as error:
        raise _refusal(error) from None


def _refusal(error: ValidationError) -> Refusal:
    """What is wrong, by its name, the innermost where it is a part of something; what was sent is not repeated."""
    found = error.errors(include_url=False, include_input=False, include_context=False)
    first = max(found, key=lambda one: len(one["loc"]))
    param = ""
    for part in first["loc"]:
        if isinstance(part, int):
            param += f"[{part}]"
        elif part.isidentifier() and part != "str":  # the rest are branches of a union
            param += f".{part}" if param else part
    if first["type"] == "extra_forbidden":
        return Refusal(400, f"Unrecognized request argument supplied: {param[:100]}", code="unknown_parameter", param=param[:100])
    if first["type"] == "missing":
        return Refusal(400, f"Missing required parameter: '{param}'.", code="missing_required_parameter", param=param)
    return invalid(param, f"'{param}': {first['msg']}.")
