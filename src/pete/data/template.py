"""Chat templates (jinja), rendered as transformers renders them, in a sandbox that limits their time and memory.

What transformers gives a template (loop controls, `strftime_now`, `raise_exception`, `tojson` without HTML escapes, the
`generation` tag) is given here. Time and size are looked at while it runs: at each turn of a loop, each call, filter and
output. What a step would make is weighed before it is made, so that a template cannot fill the memory in one stroke.
"""

import datetime
import functools
import json
import re
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jinja2
import jinja2.compiler
import jinja2.exceptions
import jinja2.ext
import jinja2.nodes
import jinja2.parser
import jinja2.sandbox
import jinja2.utils

from pete.data.hidden import Hidden, Veil, filtered, joined, shown, tested

LONGEST_TEMPLATE = 100_000
"""Characters of a template."""
MOST = 4_000_000
"""Characters that a conversation may become, and that any one value in between may have."""
SECONDS = 1.0
"""Of processor time for one conversation. Real templates take milliseconds; a garbage collection among them takes tenths."""
LARGEST_NUMBER = 10_000
"""As an argument: of range, of an indent, of a width."""


class TemplateError(Exception):
    """A template that cannot be read, refuses a conversation, or was stopped; the message says which."""


@dataclass(frozen=True)
class Around:
    """What a template writes around texts of certain roles that it does not look into."""

    text: str
    """With places where the texts stand."""
    asked: frozenset[str]
    """Words that it looks for: it may write something else around a text in which one of them stands."""

    def holds(self, texts: Sequence[str]) -> bool:
        """Whether it writes this around these texts, which have no blanks at their ends."""
        return all(texts) and sum(map(len, texts)) < MOST // 10 and not any(words in text for words in self.asked for text in texts)


class ChatTemplate:
    """One compiled template; safe in several threads."""

    def __init__(self, source: str) -> None:
        """Compile.

        Raises:
            TemplateError: it is too long, or no jinja.
        """
        if len(source) > LONGEST_TEMPLATE:
            raise TemplateError(f"it has {len(source):,} characters, more than {LONGEST_TEMPLATE:,}")
        self.source = source
        self._sandbox = _Sandbox()
        try:
            tree = self._sandbox.parse(source)
            written = [data.data for data in tree.find_all(jinja2.nodes.TemplateData)]
            written += [const.value for const in tree.find_all(jinja2.nodes.Const) if isinstance(const.value, str)]
            self._compiled = self._sandbox.from_string(tree)
            # they make plain text of what is written in them
            self._mixes = any(tree.find(kind) for kind in (jinja2.nodes.AssignBlock, jinja2.nodes.EvalContextModifier))
        except (jinja2.TemplateError, RecursionError, ValueError, TypeError) as error:
            raise TemplateError(f"it cannot be read: {_reason(error)}") from None
        self.literals = "\0".join(written)
        """Every text that stands in the template itself."""

    def render(self, messages: Sequence[Mapping[str, Any]], now: datetime.datetime, **variables: object) -> str:
        """The text of a conversation.

        Args:
            messages: dicts with role and content, as transformers takes them.
            now: what `strftime_now` tells.
            variables: special tokens, add_generation_prompt, enable_thinking.

        Raises:
            TemplateError: the template refuses the conversation, breaks, or takes too much.
        """
        return self._written(messages, now, None, variables)

    def around(self, messages: Sequence[Mapping[str, Any]], now: datetime.datetime, **variables: object) -> Around | None:
        """What the template writes around the texts of a conversation, whatever they are; None where that depends on them.

        Args:
            messages: as for `render`, with places in the contents that are texts.
            now: the same.
            variables: the same.
        """
        veil = Veil()
        try:
            hidden = [{key: _hidden(value, veil) for key, value in message.items()} for message in messages]
            text = self._written(hidden, now, veil, variables)
        except TemplateError:
            return None
        return None if veil.looked or self._mixes else Around(text, frozenset(veil.asked))

    def _written(
        self, messages: Sequence[Mapping[str, Any]], now: datetime.datetime, veil: Veil | None, variables: Mapping[str, object]
    ) -> str:
        parts: list[str] = []
        size = 0
        self._sandbox.begin(now, veil)
        try:
            for part in self._compiled.generate(messages=[dict(m) for m in messages], tools=None, documents=None, **variables):
                part = shown(part)
                size += len(part)
                if size > MOST:
                    raise _stopped_by_size()
                parts.append(part)
        except TemplateError:
            raise
        except Exception as error:  # somebody else's program can fail in any way
            raise TemplateError(_reason(error)) from None
        finally:
            self._sandbox.end()
        return "".join(parts)


@functools.lru_cache(maxsize=64)
def compiled(source: str) -> ChatTemplate:
    """The template of a source, compiled once: that takes as long as rendering a hundred conversations.

    Raises:
        TemplateError: as `ChatTemplate`.
    """
    return ChatTemplate(source)


class _Generation(jinja2.ext.Extension):
    """`{% generation %}` marks what the assistant said; here it changes nothing."""

    tags = {"generation"}  # noqa: RUF012  (as jinja declares it)

    def parse(self, parser: jinja2.parser.Parser) -> jinja2.nodes.Node:
        """The body, in a scope of its own."""
        line = next(parser.stream).lineno
        body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
        return jinja2.nodes.CallBlock(self.call_method("_body"), [], [], body).set_lineno(line)

    def _body(self, caller: Callable[[], str]) -> str:
        return caller()


class _Sandbox(jinja2.sandbox.ImmutableSandboxedEnvironment):
    """jinja's sandbox, and a limit to what may be made in it."""

    intercepted_binops = frozenset({"+", "*", "**", "%"})

    def __init__(self) -> None:
        super().__init__(trim_blocks=True, lstrip_blocks=True, extensions=[_Generation, jinja2.ext.loopcontrols])
        self._running = threading.local()
        self.filters["tojson"] = _tojson
        self.filters = {name: self._watched(name, made) for name, made in self.filters.items()}
        self.tests = {name: self._asking(name, test) for name, test in self.tests.items()}
        self.globals = {
            "range": _range,
            "dict": _Dict(),
            "namespace": _Namespace,
            "cycler": jinja2.utils.Cycler,
            "joiner": jinja2.utils.Joiner,
            "raise_exception": _refuse,
            "strftime_now": lambda form: self._running.now.strftime(form),
        }
        self.finalize = self._shown
        self.code_generator_class = _Ticking

    # --- the meter -----------------------------------------------------------------------------------------------

    def begin(self, now: datetime.datetime, veil: Veil | None) -> None:
        """Start counting for one conversation, in this thread; its texts are hidden or not."""
        self._running.veil = veil
        self._running.now, self._running.until, self._running.made = now, time.thread_time() + SECONDS, 0

    def end(self) -> None:
        """Stop counting."""
        self._running.until = None

    def tick(self, literal: int = 0) -> bool:
        """One more step, which may write so many characters of the template's own.

        Raises:
            TemplateError: it has run too long, or made too much.
        """
        until = getattr(self._running, "until", None)
        if until is not None:  # else a constant is folded, while the template is compiled
            self._running.made += literal
            if self._running.made > MOST:
                raise _stopped_by_size()
            if time.thread_time() > until:
                raise TemplateError(f"it was stopped after {SECONDS} s of computing")
        return True

    def _shown(self, value: Any) -> Any:
        self.tick(_weight(value))
        return shown(value)

    def _veiled(self, value: Any) -> Any:
        """What a macro or block has written is plain text: hidden again."""
        veil = getattr(self._running, "veil", None)
        return value if veil is None else veil.over(value)

    def _asking(self, name: str, test: Callable[..., bool]) -> Callable[..., bool]:
        @functools.wraps(test)  # keeps jinja's mark of what is passed first
        def asking(*args: Any) -> bool:
            return test(*(tested(name, value) for value in args))

        return asking

    def _watched(self, name: str, made: Callable[..., Any]) -> Callable[..., Any]:
        """A filter that is stopped before it makes too much."""

        @functools.wraps(made)  # keeps jinja's mark of what is passed first
        def watched(*args: Any, **kwargs: Any) -> Any:
            self.tick()
            given = [a for a in (*args, *kwargs.values()) if not isinstance(a, jinja2.Environment | jinja2.runtime.Context)]
            _weigh_arguments(made.__name__.removeprefix("do_"), given)
            if (hidden := filtered(name, [self._veiled(value) for value in given])) is not None:
                return hidden
            value = made(*args, **kwargs)
            _weighed(value)
            return value

        return watched

    # --- what the sandbox lets us step into ----------------------------------------------------------------------

    def call(__self, __context: Any, __obj: Any, *args: Any, **kwargs: Any) -> Any:
        if getattr(__obj, "__func__", None) is _Sandbox.tick:  # put there by _Ticking
            return __obj()
        __self.tick()
        subject = getattr(__obj, "__self__", None)
        if isinstance(subject, str | bytes):
            if __obj.__name__ in ("expandtabs", "translate", "format_map"):
                raise TemplateError(f"it uses {__obj.__name__}, which is not allowed")
            _weigh_arguments(__obj.__name__, [subject, *args, *kwargs.values()])
        else:
            _weigh_arguments("", [*args, *kwargs.values()])
        return __self._veiled(_weighed(super().call(__context, __obj, *args, **kwargs)))

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        self.tick()
        if operator == "+" and type(left) is str and type(right) is str:  # what most templates do, row after row
            if len(left) + len(right) > MOST:
                raise _stopped_by_size()
            return left + right
        if operator == "+" and (hidden := joined([left, right])) is not None:
            return hidden
        if operator == "*" and (isinstance(left, str | list | tuple) or isinstance(right, str | list | tuple)):
            held, times = (right, left) if isinstance(left, int) else (left, right)
            if isinstance(times, int) and times > 0 and _weight(held) * times > MOST:
                raise _stopped_by_size()
        elif operator == "%" and isinstance(left, str):
            _weigh_arguments("format", [left, right])
        elif operator in ("*", "**") and isinstance(left, int) and isinstance(right, int):
            bits = left.bit_length() * (max(right, 0) if operator == "**" else 1) + (right.bit_length() if operator == "*" else 0)
            if bits > LARGEST_NUMBER:
                raise _stopped_by_size()
        elif operator == "+":
            _weighed((left, right))
        return super().call_binop(context, operator, left, right)

    def wrap_str_format(self, value: Any) -> Callable[..., str] | None:
        made = super().wrap_str_format(value)
        if made is None:
            return None

        def watched(*args: Any, **kwargs: Any) -> str:
            _weigh_arguments("format", [value.__self__, *args, *kwargs.values()])
            return made(*args, **kwargs)

        return watched

    def joined(self, *parts: Any) -> str | Hidden:
        """The operator `~`."""
        self.tick()
        _weighed(parts)
        hidden = joined(parts)
        return "".join(map(str, parts)) if hidden is None else hidden


class _Ticking(jinja2.compiler.CodeGenerator):
    """jinja's compiler, with a tick in every body (of a loop, a condition, a macro), and `~` where it can be weighed."""

    def blockvisit(self, nodes: Iterable[jinja2.nodes.Node], frame: jinja2.compiler.Frame) -> None:
        nodes = list(nodes)
        written = [part for node in nodes if isinstance(node, jinja2.nodes.Output) for part in node.nodes]
        self.writeline(f"environment.tick({sum(len(part.data) for part in written if isinstance(part, jinja2.nodes.TemplateData))})")
        super().blockvisit(nodes, frame)

    def _output_child_to_const(self, node: jinja2.nodes.Expr, frame: jinja2.compiler.Frame, finalize: Any) -> str:
        if not isinstance(node, jinja2.nodes.TemplateData):  # a constant that is written as the template's own text would not be counted
            raise jinja2.nodes.Impossible
        return super()._output_child_to_const(node, frame, finalize)

    def visit_For(self, node: jinja2.nodes.For, frame: jinja2.compiler.Frame) -> None:
        if node.test is not None:  # is asked for every item, before there is a body
            tick = jinja2.nodes.Call(jinja2.nodes.EnvironmentAttribute("tick"), [], [], None, None)
            node.test = jinja2.nodes.And(tick, node.test).set_lineno(node.lineno, override=True).set_environment(self.environment)
        super().visit_For(node, frame)

    def visit_Concat(self, node: jinja2.nodes.Concat, frame: jinja2.compiler.Frame) -> None:
        self.write("environment.joined(")
        for part in node.nodes:
            self.visit(part, frame)
            self.write(", ")
        self.write(")")


class _Dict:
    """`dict(...)` without a way to the class behind it."""

    def __call__(self, *args: Any, **kwargs: Any) -> dict[Any, Any]:
        return dict(*args, **kwargs)

    def fromkeys(self, *args: Any, **kwargs: Any) -> dict[Any, Any]:
        """As dict's own."""
        return dict.fromkeys(*args, **kwargs)


class _Namespace(jinja2.utils.Namespace):
    """jinja's namespace; names that begin with an underscore are Python's."""

    def __init__(*args: Any, **kwargs: Any) -> None:  # so that `namespace(self=...)` works
        given = dict(*args[1:], **kwargs)
        for name in given:
            _check_name(name)
        jinja2.utils.Namespace.__init__(args[0], given)

    def __setitem__(self, name: str, value: Any) -> None:
        _check_name(name)
        _weighed(value)
        super().__setitem__(name, value)


def _hidden(value: Any, veil: Veil) -> Any:
    """A value of a message, the texts in it hidden."""
    if isinstance(value, list):
        return [_hidden(part, veil) for part in value]
    if isinstance(value, dict):
        return {key: _hidden(part, veil) for key, part in value.items()}
    return veil.over(value)


def _check_name(name: object) -> None:
    if isinstance(name, str) and name.startswith("_"):
        raise jinja2.exceptions.SecurityError(f"a namespace cannot keep {name!r}")


def _refuse(message: str) -> None:
    raise TemplateError(str(message)[:500])


def _range(*args: int) -> range:
    found = range(*args)
    if len(found) > LARGEST_NUMBER:
        raise TemplateError(f"it counts to {len(found):,}, more than {LARGEST_NUMBER:,}")
    return found


def _tojson(value: Any, ensure_ascii: bool = False, indent: Any = None, separators: Any = None, sort_keys: bool = False) -> str:
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


# --- sizes -------------------------------------------------------------------------------------------------------------


def _weight(value: Any, left: int = MOST) -> int:
    """Characters of the texts in a value, and one for each thing that holds them; counted up to about `left`."""
    if isinstance(value, str | bytes):
        return len(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return max(1, value.bit_length() // 3)
    if isinstance(value, Mapping):
        value = [*value.keys(), *value.values()]
    if not isinstance(value, list | tuple | set | frozenset):
        return 1
    total = 1
    for item in value:
        total += _weight(item, left - total)
        if total > left:
            break
    return total


def _weighed(value: Any) -> Any:
    if _weight(value) > MOST:
        raise _stopped_by_size()
    return value


_WIDE = re.compile(r"\d{5}|%[-+ #0]*\*|\.\*")
"""Widths in a format that only a hostile template asks for."""


def _weigh_arguments(name: str, given: Sequence[Any]) -> None:
    """Refuse a filter or method by what it would make of its arguments."""
    for value in given:
        if isinstance(value, int) and not isinstance(value, bool) and abs(value) > LARGEST_NUMBER:
            raise TemplateError(f"it asks for {str(value)[:20]} of something, more than {LARGEST_NUMBER:,}")
    _weighed(list(given))
    texts = [value for value in given if isinstance(value, str)]
    made = 0
    if name == "replace" and len(texts) >= 3:
        made = texts[0].count(texts[1]) * len(texts[2])
    elif name == "join" and texts:
        made = max((len(value) for value in given if isinstance(value, list | tuple)), default=0) * max(map(len, texts))
    elif name == "indent" and texts:
        made = texts[0].count("\n") * max((value for value in given if isinstance(value, int)), default=4)
    elif name == "format" and texts and (len(texts[0]) > LARGEST_NUMBER or _WIDE.search(texts[0])):
        made = MOST + 1
    if made > MOST:
        raise _stopped_by_size()


def _stopped_by_size() -> TemplateError:
    return TemplateError(f"it was stopped at {MOST:,} characters")


def _reason(error: BaseException) -> str:
    if isinstance(error, RecursionError):
        return "it calls itself without end"
    if isinstance(error, MemoryError):
        return "it asks for more memory than there is"
    return str(error)[:500] or type(error).__name__
