"""`POST /v1/chat/completions`, as clients of OpenAI's interface send it, for models that answer dialogues."""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
import time
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from concurrent.futures import Future
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response, StreamingResponse

from oreline.dialogue import Message, as_cell, messages_of
from oreline.errors import DataError, OrelineError
from oreline.generation import Generation, generation
from oreline.serve.gateway import model_headers
from oreline.serve.jobs import Answered
from oreline.serve.refusals import DeadlineError, Refusal, as_json, openai_body
from oreline.serve.schemas import Text
from oreline.serve.service import Gone, Service
from oreline.serve.spoken import Spoken

PATH = "/v1/chat/completions"


class Part(BaseModel):
    """A piece of a message."""

    model_config = ConfigDict(extra="forbid")

    type: Literal["text"]
    text: Text


class Said(BaseModel):
    """One message."""

    model_config = ConfigDict(extra="forbid")

    role: Literal["system", "developer", "user", "assistant"]
    content: Text | list[Part]
    name: Text | None = None


class StreamOptions(BaseModel):
    """What a stream tells beside the text."""

    model_config = ConfigDict(extra="ignore")

    include_usage: bool = False


class ResponseFormat(BaseModel):
    """The form of an answer: plain text."""

    model_config = ConfigDict(extra="forbid")

    type: Literal["text"]


class CompletionRequest(BaseModel):
    """A dialogue to answer. `model`, `user` and `name` are taken and not looked at: one model is served."""

    model_config = ConfigDict(extra="forbid")

    messages: list[Said] = Field(min_length=1, examples=[[{"role": "user", "content": "Is it open on Sunday?"}]])
    model: Text | None = None
    stream: bool | None = Field(default=None, description="Send the text as it is written, as server-sent events.")
    stream_options: StreamOptions | None = None
    max_tokens: int | None = Field(default=None, ge=1, description="Tokens of the answer at most.")
    max_completion_tokens: int | None = Field(default=None, ge=1, description="The newer name of max_tokens.")
    temperature: float | None = Field(default=None, ge=0, le=2, description="0: the most probable tokens.")
    top_p: float | None = Field(default=None, gt=0, le=1)
    top_k: int | None = Field(default=None, ge=0)
    repetition_penalty: float | None = Field(default=None, gt=0)
    stop: Text | Annotated[list[Text], Field(max_length=4)] | None = Field(
        default=None, description="Texts that the answer ends before."
    )
    seed: int | None = Field(default=None, description="The same samples for the same request.")
    n: Literal[1] | None = Field(default=None, description="Answers: one.")
    frequency_penalty: Annotated[float, Field(ge=0, le=0)] | None = None
    presence_penalty: Annotated[float, Field(ge=0, le=0)] | None = None
    logprobs: Literal[False] | None = None
    response_format: ResponseFormat | None = None
    user: Text | None = None


FIELDS = tuple(CompletionRequest.model_fields)


class Choice(BaseModel):
    """The answer."""

    index: int
    message: dict[str, str | None]
    finish_reason: Literal["stop", "length"]


class Usage(BaseModel):
    """Tokens that were read, and written."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class Completion(BaseModel):
    """The answer to a dialogue."""

    id: str = Field(description="Names this answer, for /feedback and DELETE /predictions/{id}.")
    object: Literal["chat.completion"]
    created: int
    model: str
    choices: list[Choice]
    usage: Usage
    warnings: list[str]


def completion_routes(service: Service, gone: Any, responses: dict[int | str, dict[str, Any]]) -> APIRouter:
    """Return the route; `gone(request)` makes what tells that a client has closed its connection."""
    router = APIRouter(tags=["model"], responses=responses)

    @router.post(PATH, response_model=Completion)
    async def completions(request: Request, body: CompletionRequest) -> Response:
        """Answer a dialogue as OpenAI's clients read it, whole or while it is written; of a chat model."""
        answer = _Completion(service, body, gone(request))
        headers = model_headers(answer.identity)
        if not body.stream:
            async for _ in answer.parts():
                pass
            return as_json(answer.whole(), headers=headers)
        parts = answer.parts()
        await anext(parts)  # what cannot be answered is refused before the stream begins
        stream = _events(answer, parts, include_usage=bool(body.stream_options and body.stream_options.include_usage))
        headers["Cache-Control"] = "no-cache"
        return StreamingResponse(stream, media_type="text/event-stream", headers=headers)

    return router


def asked_generation(body: CompletionRequest, own: Generation) -> Generation:
    """Return how an answer is written: what the request says, over the model's own settings.

    One answer is written, token by token, so that the model's own beams do not count. As in OpenAI's interface `top_p`
    alone means a temperature of 1, and at 0 it says nothing.
    """
    given: dict[str, Any] = {"num_beams": 1, "num_answers": 1}
    limits = [limit for limit in (body.max_tokens, body.max_completion_tokens) if limit is not None]
    wanted = {
        "max_new_tokens": min(limits, default=None),
        "temperature": body.temperature,
        "top_p": body.top_p,
        "top_k": body.top_k,
        "repetition_penalty": body.repetition_penalty,
    }
    given |= {name: value for name, value in wanted.items() if value is not None}
    if "temperature" not in given and not own.samples and (given.get("top_p", 1) < 1 or given.get("top_k")):
        given["temperature"] = 1.0
    if not given.get("temperature", own.temperature):
        given |= {"top_p": 1.0, "top_k": 0}
    return generation(given, own)


class _Completion:
    """One answer: the dialogue on its way through the queue, and the text as it grows."""

    def __init__(self, service: Service, body: CompletionRequest, gone: Gone) -> None:
        self._service, self._gone = service, gone
        live = service.live.current
        task: Any = live.task
        self._served = live.writing(asked_generation(body, task.generation))
        self.identity = live.identity
        self._changed = asyncio.Event()
        key = body.seed if body.seed is not None else secrets.randbits(63)
        stops = [body.stop] if isinstance(body.stop, str) else body.stop or []
        # A seed may be any whole number; what samples are drawn by has 64 bits.
        self.spoken = Spoken(self._served.runtime, stops=stops, key=key % (1 << 64), on_change=_waking(self._changed))
        said = [Message(turn.role, _text(turn.content)) for turn in body.messages]
        self._columns = {self._served.task.inputs[0]: [as_cell(messages_of(as_cell(said)))]}
        self.id, self._created_s = uuid.uuid4().hex, int(time.time())

    async def parts(self) -> AsyncGenerator[str, None]:
        """Yield what is new in the text whenever there is more, the first time when the model begins; until its end.

        Raises what the queue or the model raises, `DeadlineError` when it takes too long, and `Refusal` when the client
        goes. Whoever stops asking ends the answer too.
        """
        deadline_s = self._service.settings.deadline_s
        until_s = time.monotonic() + deadline_s
        future = self._service.batcher.submit(
            self._columns, 1, deadline_s=deadline_s, served=self._served, listener=self.spoken
        )
        self._service.unlogged[self.id] = future
        future.add_done_callback(self._on_done)
        watcher = asyncio.ensure_future(self._gone())
        told = ""
        try:
            while True:
                await self._wait(watcher, until_s)
                if future.done() and not future.cancelled() and (error := future.exception()):
                    raise _of_request(error)
                is_last, text = self.spoken.finish is not None, self.spoken.text  # in this order: text is set first
                yield text[len(told) :]
                told = text
                if is_last:
                    return
        finally:
            watcher.cancel()
            if self.spoken.finish is None:
                future.cancel()  # the model sees it with its next token, and writes no more

    async def _wait(self, watcher: asyncio.Future[None], until_s: float) -> None:
        """Wait until there is more to say."""
        if self.spoken.finish is None:
            change = asyncio.ensure_future(self._changed.wait())
            try:
                waiting: set[asyncio.Future[Any]] = {change, watcher}
                timeout_s = max(until_s - time.monotonic(), 0)
                done, _ = await asyncio.wait(waiting, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
            finally:
                change.cancel()
            if watcher in done:
                raise Refusal("the client closed the connection", status=499)
            if not done:
                raise DeadlineError("the answer was not ready in time", remedy="ask for fewer tokens (max_tokens)")
        self._changed.clear()

    def _on_done(self, future: Future[Answered]) -> None:
        """Log the answer; it may be ready long before others in its batch, and is logged with them."""
        if not future.cancelled() and future.exception() is None:
            self._service.record(self._columns, [self.id], future.result())
        self._service.unlogged.pop(self.id, None)
        self.spoken.wake()

    def whole(self) -> dict[str, Any]:
        """Return the answer when it has ended."""
        message = {"role": "assistant", "content": self.spoken.text, "refusal": None}
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": self.spoken.finish}
        return {
            **self._head("chat.completion"),
            "choices": [choice],
            "usage": self.usage(),
            "warnings": self.warnings(),
        }

    def chunk(self, delta: Mapping[str, str], finish: str | None = None, **more: Any) -> dict[str, Any]:
        """Return one event of a stream."""
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        return {**self._head("chat.completion.chunk"), "choices": [choice], **more}

    def last_chunk(self) -> dict[str, Any]:
        """Return the event that tells the tokens."""
        return {**self._head("chat.completion.chunk"), "choices": [], "usage": self.usage()}

    def usage(self) -> dict[str, int]:
        """Return the tokens so far."""
        read, written = self.spoken.num_read, self.spoken.num_written
        return {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}

    def warnings(self) -> list[str]:
        """Return what a person should know of the answer."""
        return ["the dialogue was too long: its oldest turns were not read"] if self.spoken.is_cut else []

    def _head(self, kind: str) -> dict[str, Any]:
        return {"id": self.id, "object": kind, "created": self._created_s, "model": self.identity["id"]}


async def _events(answer: _Completion, parts: AsyncGenerator[str, None], *, include_usage: bool) -> AsyncIterator[str]:
    """Yield the server-sent events of an answer; what goes wrong on the way is an event too, the last one."""
    yield _event(answer.chunk({"role": "assistant", "content": ""}))
    try:
        async with contextlib.aclosing(parts):
            async for text in parts:
                if text:
                    yield _event(answer.chunk({"content": text}))
    except OrelineError as error:
        yield _event(openai_body(error))
        return
    more = {"warnings": answer.warnings()} if answer.warnings() else {}
    yield _event(answer.chunk({}, answer.spoken.finish, **more))
    if include_usage:
        yield _event(answer.last_chunk())
    yield "data: [DONE]\n\n"


def _event(content: Mapping[str, Any]) -> str:
    return f"data: {json.dumps(content, ensure_ascii=False, separators=(',', ':'))}\n\n"


def _text(content: str | list[Part]) -> str:
    return content if isinstance(content, str) else "".join(part.text for part in content)


def _waking(event: asyncio.Event) -> Callable[[], None]:
    """Return what sets an event from another thread."""
    loop = asyncio.get_running_loop()

    def wake() -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended: nobody waits
            loop.call_soon_threadsafe(event.set)

    return wake


def _of_request(error: BaseException) -> BaseException:
    """Return an error with the part of the request that it is about."""
    if isinstance(error, DataError) and error.row is not None:
        return DataError(error.what, where="messages", allowed=error.allowed, remedy=error.remedy)
    return error
