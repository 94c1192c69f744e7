"""What every request passes first: draining, the token, the size of its body, the queue; and what every answer gets.

Plain ASGI, outside of the framework: a request that is refused costs no parsing, which matters most when there
are too many of them.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import logging
import time
from typing import TYPE_CHECKING

from starlette.datastructures import Headers, MutableHeaders

from oreline.errors import OrelineError
from oreline.serve.refusals import DrainingError, Refusal, refusal

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from oreline.serve.service import Service

_LOG = logging.getLogger(__name__)
OPEN_ROUTES = ("/health/live", "/health/ready", "/metrics", "/docs", "/openapi.json")
"""Need no token, and answer while draining: probes and scrapers have no secrets, and these show no data."""
_QUEUED_ROUTES = ("/predict", "/explain", "/v1/embeddings", "/v1/chat/completions")
_DISCARDED_BYTES = 64 << 20
"""Of a refused body, at most this much is read and thrown away before the connection is closed."""


class Gateway:
    """Wraps the application."""

    def __init__(self, app: ASGIApp, service: Service, token: str | None) -> None:
        self._app, self._service = app, service
        self._token = None if token is None else token.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        answer, incoming = _Answer(self._service, scope, send), _Incoming(receive)
        try:
            if scope["path"] not in OPEN_ROUTES:
                receive = await self._admit(scope, incoming)
            await self._app(scope, receive, answer.send)
        except OrelineError as error:
            settled = incoming.settled(answer.send, self._service.settings.body_timeout_s)
            await refusal(error, scope["path"])(scope, receive, settled)
        except Exception:
            _LOG.exception("a request failed")
            if not answer.status:
                failure = Refusal("the server failed; the cause is in its log", status=500)
                await refusal(failure, scope["path"])(scope, receive, answer.send)
        finally:
            answer.measure()

    async def _admit(self, scope: Scope, incoming: _Incoming) -> Receive:
        """Check a request and read its body; return a channel that plays the body back."""
        headers = Headers(scope=scope)
        if self._service.draining:
            raise DrainingError("the server is going away", remedy="send to another replica", retry_after_s=1)
        if self._token is not None and not _holds(headers.get("authorization", ""), self._token):
            raise Refusal(
                "no valid token",
                status=401,
                where="header Authorization",
                allowed="Bearer TOKEN",
                remedy="use the token in the server's environment variable ORELINE_TOKEN",
            )
        limit = self._service.settings.max_body_bytes
        declared = headers.get("content-length", "0")
        if declared.isdigit() and int(declared) > limit:
            raise _too_large(limit)
        try:
            async with asyncio.timeout(self._service.settings.body_timeout_s):
                body = await _read(incoming.receive, limit)
        except TimeoutError as error:
            incoming.is_over = True  # no more of it is waited for
            raise Refusal("the request's body did not arrive in time", status=408) from error
        if scope["path"] in _QUEUED_ROUTES:
            self._service.batcher.refuse_if_full()
        return _replay(body, incoming.receive)


class _Incoming:
    """The messages of a request, and whether its whole body has come."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self.is_over = False

    async def receive(self) -> Message:
        message = await self._receive()
        self.is_over = message["type"] == "http.disconnect" or not message.get("more_body", False)
        return message

    def settled(self, send: Send, patience_s: float) -> Send:
        """Return a channel that sends an answer at once, and ends it when the rest of the body has come too.

        Most clients send all of their request before they read. If the connection were closed while they do, they
        would see it reset and never the answer (RFC 9112, section 9.6).
        """

        async def settle(message: Message) -> None:
            if self.is_over or message["type"] != "http.response.body" or message.get("more_body", False):
                await send(message)
                return
            await send({**message, "more_body": True})
            await self._discard(patience_s)
            await send({"type": "http.response.body", "body": b"", "more_body": False})

        return settle

    async def _discard(self, patience_s: float) -> None:
        size = 0
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(patience_s):
                while not self.is_over and size <= _DISCARDED_BYTES:
                    size += len((await self.receive()).get("body", b""))


class _Answer:
    """Adds the model's headers to an answer and measures it."""

    def __init__(self, service: Service, scope: Scope, send: Send) -> None:
        self._service, self._scope, self._send = service, scope, send
        self._begun_s = time.monotonic()
        self.status = 0

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            for name, value in self._service.live.current.identity.items():
                headers.setdefault(_HEADERS[name], value)
            if self._service.draining or self.status in {408, 413}:
                headers["Connection"] = "close"
        await self._send(message)

    def measure(self) -> None:
        route = getattr(self._scope.get("route"), "path", "other")
        if route == "other" and self._scope["path"] in (*OPEN_ROUTES, *_QUEUED_ROUTES, "/feedback"):
            route = self._scope["path"]
        status = self.status or 499
        meters = self._service.meters
        meters.requests.labels(route, status).inc()
        meters.request_seconds.labels(route).observe(time.monotonic() - self._begun_s)
        if status in _REASONS:
            meters.refused.labels(_REASONS[status]).inc()


_HEADERS = {"id": "X-Oreline-Model", "version": "X-Oreline-Version", "precision": "X-Oreline-Precision"}
_REASONS = {
    401: "token", 408: "slow_body", 413: "large_body", 422: "invalid", 429: "overloaded", 499: "client_gone",
    503: "unavailable", 504: "deadline",
}  # fmt: skip


def model_headers(identity: dict[str, str]) -> dict[str, str]:
    """Return the headers that name a model."""
    return {_HEADERS[name]: value for name, value in identity.items()}


def _holds(authorization: str, token: bytes) -> bool:
    scheme, _, given = authorization.encode("latin-1").partition(b" ")
    return scheme.lower() == b"bearer" and hmac.compare_digest(given.strip(), token)


async def _read(receive: Receive, limit: int) -> bytes:
    parts, size = [], 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Refusal("the client closed the connection", status=499)
        part = message.get("body", b"")
        size += len(part)
        if size > limit:
            raise _too_large(limit)
        parts.append(part)
        if not message.get("more_body", False):
            return b"".join(parts)


def _too_large(limit: int) -> Refusal:
    return Refusal(
        "the request's body is too large",
        status=413,
        allowed=f"at most {limit:,} bytes",
        remedy="send several smaller requests",
    )


def _replay(body: bytes, receive: Receive) -> Receive:
    played = False

    async def play() -> Message:
        nonlocal played
        if played:
            return await receive()
        played = True
        return {"type": "http.request", "body": body, "more_body": False}

    return play
