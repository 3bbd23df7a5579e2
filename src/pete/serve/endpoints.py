"""The addresses of the server: requests in, answers out as they are drawn; the plain reply is the stream, folded."""

import asyncio
import functools
import json
import secrets
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Annotated, Any, TypeVar

from fastapi import Body, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.exceptions import HTTPException
from starlette.types import Receive, Scope, Send

from pete.config import GenerateConfig
from pete.data.examples import Message
from pete.errors import ContextError, UserError
from pete.generate.choose import RESEED, Answer, Ranking
from pete.generate.rewrite.rewriter import Rewriter
from pete.generate.stream import Delta, Drawing, Tuned, prompt_ids
from pete.serve.access import OPEN, refused, too_large
from pete.serve.errors import Refusal, invalid
from pete.serve.limits import Limits
from pete.serve.metrics import Metrics
from pete.serve.replies import Reply, extras
from pete.serve.requests import SEEDS, ChatRequest, TextRequest
from pete.serve.rewriting import SUFFIX, Piece, pieces, refuse_what_no_rewrite_has
from pete.serve.scheduler import Ask, Busy, Failure, Scheduler, Unable

PATHS = frozenset({"/v1/models", "/v1/chat/completions", "/v1/completions", "/v1/embeddings", OPEN, "/metrics"})
QUIET: Any = {"tracing": False, "metrics": False, "logs": False, "operation_spans": False, "auto_configure": False}
"""FastAPI reports requests, failures and their texts to wherever OTEL_ variables say: not from here."""
FAILED = {
    "time": (408, "It took longer than {seconds:g} seconds.", "request_timeout"),
    "engine": (500, "The engine failed; this answer is lost.", "engine_failed"),
    "hung": (503, "{words} While it computes nothing is answered; if it stays so, start pete serve again.", "engine_hangs"),
    "refused": (400, "{words}", "invalid_value"),
    "closing": (503, "The server is closing.", "closing"),
}
"""Reason of a failure -> status, message, code."""
BROKEN = Refusal(
    500, "The server failed; this request is lost.", code="server_failed", headers={"x-should-retry": "false", "connection": "close"}
)
"""uvicorn closes the connection of an application that failed: whoever keeps it for the next request has to know."""
T = TypeVar("T")


@dataclass(frozen=True)
class Wanted:
    """The answers that a request is for: a prompt each, and what they are judged by."""

    prompts: Sequence[Sequence[int]]
    sampling: Sequence[GenerateConfig]
    stops: Sequence[str]
    asked: Sequence[str]
    judge: Ranking | None
    """The persona's rules; a text that is gone on with is not judged."""


class Exchange:
    """One request's answers while they are drawn; nobody else's."""

    def __init__(self, tuned: Tuned, scheduler: Scheduler, limits: Limits, wanted: Wanted, numbers: Sequence[int] | None = None) -> None:
        """Ask for them, or for those of these numbers.

        Raises:
            Refusal: the server is busy, or its engine hangs.
        """
        self._limits, self._judge, self._metrics = limits, wanted.judge, scheduler.metrics
        self._heard: asyncio.Queue[Delta | Failure] = asyncio.Queue()  # an answer has an end, and so has this
        numbers = range(len(wanted.prompts)) if numbers is None else numbers
        self._asks = [
            Ask(
                number,
                wanted.prompts[number],
                wanted.sampling[number],
                Drawing(tuned.renderer, wanted.stops, asked=wanted.asked, trimmed=wanted.judge is not None),
                self._heard.put_nowait,
            )
            for number in numbers
        ]
        try:
            scheduler.submit(self._asks)
        except Busy as busy:
            raise Refusal(429, "Too many requests are waiting.", code="server_busy", headers={"retry-after": str(busy.seconds)}) from None
        except Unable as unable:
            raise self._refusal(unable.failure) from None

    async def deltas(self) -> AsyncIterator[list[Delta]]:
        """Text as it becomes certain, all that there is at a time; the last delta of each answer has it whole, judged.

        Raises:
            Refusal: an answer does not come.
        """
        left = len(self._asks)
        while left:
            heard = [await self._heard.get()]
            while not self._heard.empty():
                heard.append(self._heard.get_nowait())
            certain = [await self._judged(delta) for delta in heard if isinstance(delta, Delta)]
            left -= sum(delta.answer is not None for delta in certain)
            yield certain
            for failure in heard:
                if isinstance(failure, Failure):
                    raise self._refusal(failure)

    def _refusal(self, failure: Failure) -> Refusal:
        status, message, code = FAILED[failure.reason]
        words = message.format(seconds=self._limits.request_seconds, words=failure.words)
        return Refusal(status, words, code=code, headers={"x-should-retry": "false"})

    async def _judged(self, delta: Delta) -> Delta:
        if delta.answer is None or self._judge is None:
            return delta
        # not in this thread: a rule may look through all training rows
        answer = await asyncio.to_thread(self._judge.check, 0, delta.answer)
        for flag in answer.flags:
            self._metrics.add("pete_broken_rules_total", rule=flag.rule)
        return replace(delta, answer=answer)

    def leave(self) -> None:
        """Nobody listens any more."""
        for ask in self._asks:
            ask.gone = True


class _Events(StreamingResponse):
    """Server-sent events of an exchange, which ends with them, however they end."""

    media_type = "text/event-stream"

    def __init__(self, events: AsyncIterator[str], exchange: Exchange | None) -> None:
        super().__init__(events, headers={"cache-control": "no-store", "x-accel-buffering": "no"})
        self._exchange = exchange

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            if self._exchange is not None:
                self._exchange.leave()


def make_app(
    tuned: Tuned,
    name: str,
    limits: Limits,
    metrics: Metrics,
    failed: Callable[[str], None] = lambda kind: None,
    rewriter: Callable[[], Rewriter] | None = None,
) -> FastAPI:
    """The application; its scheduler lives as long as it does.

    Args:
        tuned: the model; used by nobody else meanwhile.
        name: what it is called.
        limits: how much it takes.
        metrics: what it counts.
        failed: hears the kind of each error of the engine or of this program.
        rewriter: what rewrites drafts, made when the first one comes; None: nothing does.
    """
    scheduler = Scheduler(tuned.engine, tuned.renderer.ends, limits, metrics, failed=failed)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        scheduler.post = asyncio.get_running_loop().call_soon_threadsafe
        scheduler.start()
        yield
        await asyncio.to_thread(scheduler.close)

    app = FastAPI(lifespan=lifespan, openapi_url=None, docs_url=None, redoc_url=None, telemetry=QUIET, max_body_size=limits.body_bytes)
    answerer = _Answerer(tuned, name, limits, scheduler, failed, rewriter)
    models_here = [{"id": one, "object": "model", "created": 0, "owned_by": "pete"} for one in answerer.names]

    @app.get(OPEN)
    async def health() -> Response:
        state = scheduler.state
        return JSONResponse({"status": state if state in ("ok", "hung") else "failed"}, 200 if state == "ok" else 503)

    @app.get("/metrics")
    async def counts() -> Response:
        return PlainTextResponse(metrics.text(), media_type="text/plain; version=0.0.4")

    @app.get("/v1/models")
    async def models() -> Response:
        return JSONResponse({"object": "list", "data": models_here})

    @app.get("/v1/models/{wanted:path}")
    async def one_model(wanted: str) -> Response:
        answerer.check_model(wanted, answerer.names)
        return JSONResponse(next(one for one in models_here if one["id"] == wanted))

    @app.post("/v1/chat/completions")
    async def chat(request: Request, body: Annotated[dict[str, Any], Body()]) -> Response:
        return await answerer.chat(request, body)

    @app.post("/v1/completions")
    async def text(request: Request, body: Annotated[dict[str, Any], Body()]) -> Response:
        return await answerer.text(request, body)

    @app.post("/v1/embeddings")
    async def embeddings() -> Response:
        raise Refusal(400, "This model writes; it makes no embeddings. Ask a model that was made for them.", code="unsupported_endpoint")

    @app.exception_handler(Refusal)
    async def refuse(request: Request, refusal: Refusal) -> Response:
        return refused(refusal)

    @app.exception_handler(RequestValidationError)
    async def malformed(request: Request, error: RequestValidationError) -> Response:
        return refused(Refusal(400, "Expected one JSON object, sent as application/json.", code="invalid_json"))

    @app.exception_handler(HTTPException)
    async def plain(request: Request, error: HTTPException) -> Response:
        if error.status_code == 413:
            return refused(too_large(limits))
        messages = {400: "The body cannot be read as JSON.", 404: "There is nothing at this address.", 405: "Not with this method."}
        headers = {key: value for key, value in (error.headers or {}).items() if key.lower() == "allow"}
        code = {404: "unknown_url", 405: "method_not_allowed"}.get(error.status_code, "invalid_json")
        return refused(Refusal(error.status_code, messages.get(error.status_code, "Refused."), code=code, headers=headers))

    @app.exception_handler(Exception)
    async def broken(request: Request, error: Exception) -> Response:
        failed(type(error).__name__)
        return refused(BROKEN)

    return app


class _Answerer:
    """Requests to replies."""

    def __init__(
        self,
        tuned: Tuned,
        name: str,
        limits: Limits,
        scheduler: Scheduler,
        failed: Callable[[str], None],
        rewriter: Callable[[], Rewriter] | None,
    ) -> None:
        self._tuned, self._name, self._limits, self._scheduler, self._failed = tuned, name, limits, scheduler, failed
        self._fingerprint = f"pete-{tuned.engine.name}-{tuned.engine.base.fingerprint[:12]}"
        self._rewriter = rewriter

    @property
    def names(self) -> list[str]:
        """What can be asked: the run, and the run as what rewrites drafts."""
        return [self._name] if self._rewriter is None else [self._name, self._name + SUFFIX]

    def check_model(self, wanted: str, names: Sequence[str]) -> None:
        """Raises Refusal for another model than those there are."""
        if wanted not in names:
            here = (
                f"There is one model here, '{names[0]}'."
                if len(names) == 1
                else f"There are two models here, '{names[0]}' and '{names[1]}'."
            )
            raise Refusal(404, here, code="model_not_found", param="model")

    async def chat(self, http: Request, body: Mapping[str, Any]) -> Response:
        """A conversation, put before the model as `pete chat` puts it; or a draft, for the model that rewrites."""
        request = ChatRequest.read(body, self._limits)
        self.check_model(request.model, self.names)
        if request.model != self._name and self._rewriter is not None:
            return await self._rewrite(http, request, self._rewriter)
        if request.x_pete.strength is not None:
            raise invalid("x_pete.strength", f"'x_pete.strength' is for the model '{self._name}{SUFFIX}'.")
        turns = request.turns
        sampling = self._sampling(request, request.choices)
        formatted = self._tuned.formatter
        ids = await _ids(lambda: prompt_ids(self._tuned.renderer, formatted(turns), sampling[0], whole=True), "messages")
        judge = self._tuned.judge(turns)
        wanted = Wanted([ids] * len(sampling), sampling, self._tuned.stops, request.stops, judge)
        reply = self._reply("chat", request)
        if request.stream:
            return self._stream(reply, wanted, len(ids))
        answers, seeds = await _while_connected(http, self._retried(wanted, judge, request.x_pete.retries))
        if "text/plain" in http.headers.get("accept", ""):
            ends = ", ".join(answer.stop for answer in answers)
            return PlainTextResponse("\n\n".join(answer.text for answer in answers), headers={"x-pete-stop": ends})
        return JSONResponse(reply.whole(len(ids), answers, list(map(extras, answers, seeds))))

    async def text(self, http: Request, body: Mapping[str, Any]) -> Response:
        """A text, put before the model as it is: no template, no system line, no rules."""
        request = TextRequest.read(body, self._limits)
        self.check_model(request.model, [self._name])
        sampling = self._sampling(request, len(request.prompts) * request.choices)
        each = [await _ids(functools.partial(self._text_ids, prompt, sampling[0]), "prompt") for prompt in request.prompts]
        prompts = [ids for ids in each for _ in range(request.choices)]
        wanted = Wanted(prompts, sampling, (), request.stops, None)
        reply, length = self._reply("text", request), sum(map(len, each))
        if request.stream:
            return self._stream(reply, wanted, length)
        answers = await _while_connected(http, self._all(wanted))
        return JSONResponse(
            reply.whole(length, answers, [extras(answer, each.seed, False) for answer, each in zip(answers, sampling, strict=True)])
        )

    async def _rewrite(self, http: Request, request: ChatRequest, make: Callable[[], Rewriter]) -> Response:
        """A draft, which the last message is, in the author's voice: passage by passage, as `pete rewrite` does it."""
        refuse_what_no_rewrite_has(request)
        rewriter = await asyncio.to_thread(make)
        try:
            plan = await asyncio.to_thread(rewriter.plan, request.turns[-1].content)
        except UserError as error:
            raise invalid("messages", error.message) from None
        made = pieces(rewriter, plan, request, self._sampling(request, 1)[0].seed, self._draws)
        reply = replace(self._reply("chat", request), model=request.model)
        if request.stream:
            return _Events(self._rewrite_events(reply, made), None)
        (*_, last) = await _while_connected(http, _listed(made))
        assert last.answer is not None and last.extras is not None, "it says what the whole took"
        if "text/plain" in http.headers.get("accept", ""):
            return PlainTextResponse(last.answer.text, headers={"x-pete-stop": "end", "x-pete-stayed": str(len(last.extras["stayed"]))})
        return JSONResponse(reply.whole(last.prompt, [last.answer], [last.extras]))

    async def _draws(self, asked: Sequence[Sequence[Message]], sampling: Sequence[GenerateConfig]) -> tuple[int, list[Answer]]:
        """Answers to conversations, as many side by side as there are rows; (tokens of each different conversation, answers)."""
        format_, renderer = self._tuned.formatter, self._tuned.renderer
        known: dict[str, list[int]] = {}
        for turns in asked:
            if (said := turns[-1].content) not in known:
                known[said] = await _ids(lambda turns=turns: prompt_ids(renderer, format_(turns), sampling[0], whole=True), "messages")
        prompts = [known[turns[-1].content] for turns in asked]
        answers: list[Answer] = []
        for start in range(0, len(prompts), self._limits.rows):
            part = slice(start, start + self._limits.rows)
            answers += await self._all(Wanted(prompts[part], sampling[part], self._tuned.stops, (), None))
        return sum(map(len, known.values())), answers

    async def _rewrite_events(self, reply: Reply, made: AsyncIterator[Piece]) -> AsyncIterator[str]:
        yield _event(reply.begin(0))
        try:
            async for piece in made:
                yield _event(reply.chunk(0, piece.text, piece.answer, piece.extras))
                if piece.answer is not None and reply.usage:
                    yield _event(reply.last(piece.prompt, [piece.answer]))
        except Refusal as refusal:
            yield _event(refusal.document)
            return
        except Exception as error:
            self._failed(type(error).__name__)
            yield _event(BROKEN.document)
            return
        yield "data: [DONE]\n\n"

    def _text_ids(self, prompt: str, sampling: GenerateConfig) -> list[int]:
        renderer = self._tuned.renderer
        ids = [*renderer.first, *renderer.encode(prompt)] or [renderer.start]
        room = min(sampling.max_new_tokens, renderer.context // 2)
        if len(ids) + room > renderer.context:
            raise ContextError(
                f"The prompt takes {len(ids)} tokens and the answer may take {room}: the model sees only {renderer.context}."
            )
        return ids

    def _sampling(self, request: ChatRequest | TextRequest, count: int) -> list[GenerateConfig]:
        """For each answer: answer i draws with seed + i; where no seed is given, one that nobody can know, and the reply says it."""
        seed = secrets.randbelow(SEEDS) if request.seed is None else request.seed
        return [request.sampling(self._tuned.config.generate, seed + number) for number in range(count)]

    def _reply(self, kind: Any, request: ChatRequest | TextRequest) -> Reply:
        usage = request.stream_options is not None and request.stream_options.include_usage
        return Reply(kind, self._name, self._fingerprint, usage)

    async def _all(self, wanted: Wanted, numbers: Sequence[int] | None = None) -> list[Answer]:
        """The stream, folded: the answers in their order."""
        exchange = Exchange(self._tuned, self._scheduler, self._limits, wanted, numbers)
        answers: dict[int, Answer] = {}
        try:
            async for deltas in exchange.deltas():
                answers |= {delta.row: delta.answer for delta in deltas if delta.answer is not None}
        finally:
            exchange.leave()
        return [answers[number] for number in sorted(answers)]

    async def _retried(self, wanted: Wanted, judge: Ranking, retries: int) -> tuple[list[Answer], list[int]]:
        """The answers and their seeds; those that break a rule are drawn again, so often, and the best of each is kept."""
        best, seeds = await self._all(wanted), [sampling.seed for sampling in wanted.sampling]
        for number in range(1, 1 + retries):
            flagged = [at for at, answer in enumerate(best) if answer.flags]
            if not flagged:
                break
            again = [sampling.model_copy(update={"seed": (sampling.seed + number * RESEED) % SEEDS}) for sampling in wanted.sampling]
            for at, answer in zip(flagged, await self._all(replace(wanted, sampling=again), flagged), strict=True):
                took = {"tries": number + 1, "attempts": number + 1, "tokens_drawn": best[at].tokens_drawn + answer.tokens}
                if judge.rank(0, answer) < judge.rank(0, best[at]):
                    best[at], seeds[at] = answer, again[at].seed
                best[at] = replace(best[at], **took)
        return best, seeds

    def _stream(self, reply: Reply, wanted: Wanted, prompt: int) -> Response:
        exchange = Exchange(self._tuned, self._scheduler, self._limits, wanted)
        return _Events(self._events(reply, exchange, wanted, prompt), exchange)

    async def _events(self, reply: Reply, exchange: Exchange, wanted: Wanted, prompt: int) -> AsyncIterator[str]:
        if reply.kind == "chat":
            for number in range(len(wanted.prompts)):
                yield _event(reply.begin(number))
        answers: list[Answer] = []
        try:
            async for deltas in exchange.deltas():
                events = ""
                for delta in deltas:
                    extra = (
                        None if delta.answer is None else extras(delta.answer, wanted.sampling[delta.row].seed, wanted.judge is not None)
                    )
                    answers += [] if delta.answer is None else [delta.answer]
                    events += _event(reply.chunk(delta.row, delta.text, delta.answer, extra))
                yield events
        except Refusal as refusal:  # the status has been sent: OpenAI's clients look for the error among the events
            yield _event(refusal.document)
            return
        except Exception as error:
            self._failed(type(error).__name__)
            yield _event(BROKEN.document)
            return
        if reply.usage:
            yield _event(reply.last(prompt, answers))
        yield "data: [DONE]\n\n"


def _event(document: Mapping[str, Any]) -> str:
    return f"data: {json.dumps(document, ensure_ascii=False, separators=(',', ':'))}\n\n"


async def _listed(them: AsyncIterator[T]) -> list[T]:
    return [one async for one in them]


async def _ids(work: Callable[[], list[int]], param: str) -> list[int]:
    """Token ids, made in a thread of its own: a long text takes a while, and others are being answered.

    Raises:
        Refusal: they cannot be made.
    """
    try:
        return await asyncio.to_thread(work)
    except ContextError as error:
        raise Refusal(400, error.message, code="context_length_exceeded", param=param) from None
    except UserError as error:
        raise invalid(param, error.message) from None


async def _while_connected(request: Request, work: Coroutine[Any, Any, T]) -> T:
    """Do the work; give it up when the client goes away.

    Raises:
        Refusal: nobody is there to read it.
    """
    task = asyncio.ensure_future(work)
    gone = asyncio.ensure_future(_gone(request))
    try:
        await asyncio.wait((task, gone), return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            return task.result()
        raise Refusal(499, "The client went away.")
    finally:
        for each in (task, gone):
            each.cancel()
        await asyncio.gather(task, gone, return_exceptions=True)


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
