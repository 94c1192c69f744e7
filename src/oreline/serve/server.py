"""Runs the application: one process, one port, and an end that loses no request.

On SIGTERM readiness says 503 and new requests are refused, while the port stays open for `drain_notice_s` so that a
load balancer can notice; accepted requests finish, within `drain_s`; then the log is flushed. SIGINT does the same
without the notice. A second signal ends at once.
"""

from __future__ import annotations

import asyncio
import errno
import signal
import socket
import time
from types import FrameType
from typing import TYPE_CHECKING

import uvicorn

from oreline.errors import ResourceError, UsageError
from oreline.types import Event, OnEvent, ignore

if TYPE_CHECKING:
    from fastapi import FastAPI

    from oreline.serve.service import Service

_LOOK_EVERY_S = 0.05


def run(app: FastAPI, host: str = "127.0.0.1", port: int = 8080, *, on_event: OnEvent = ignore) -> None:
    """Serve until a signal ends it.

    Args:
        app: from `create_app`.
        host: address to listen on.
        port: port to listen on; 0 takes a free one.
        on_event: told the address once the port is open.

    Raises:
        ResourceError: the port is in use or not permitted, or the log cannot be opened.
        UsageError: there is no such host or port.
    """
    service: Service = app.state.service
    listener = _listen(host, port)
    try:
        if service.recorder is not None:
            service.recorder.wait_opened(timeout_s=30)
        config = uvicorn.Config(
            app,
            log_config=None,  # the caller decides how logging looks
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=int(service.settings.drain_s) + 1,
        )
        on_event(Event("serve", message=_greeting(service, host, listener.getsockname()[1])))
        _DrainingServer(config, service).run(sockets=[listener])
    finally:
        listener.close()


class _DrainingServer(uvicorn.Server):
    """A server whose first signal begins to drain."""

    def __init__(self, config: uvicorn.Config, service: Service) -> None:
        super().__init__(config)
        self._service = service
        self._close_at_s = float("inf")
        self._give_up_at_s = float("inf")

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to drain; the second time, end at once."""
        if self._service.draining:
            self.should_exit = self.force_exit = True
            return
        self._service.drain()
        settings = self._service.settings
        notice_s = 0.0 if sig == signal.SIGINT else settings.drain_notice_s
        self._close_at_s = time.monotonic() + notice_s
        self._give_up_at_s = self._close_at_s + settings.drain_s

    async def on_tick(self, counter: int) -> bool:
        """End once the notice is over and nothing waits, or the time is up."""
        now_s = time.monotonic()
        is_done = now_s >= self._close_at_s and self._service.batcher.num_waiting == 0
        if is_late := now_s >= self._give_up_at_s:
            self._service.batcher.give_up()
        if is_done or is_late:
            await asyncio.sleep(_LOOK_EVERY_S)  # the last answers are on their way out
            self.should_exit = True
        return await super().on_tick(counter)


def _listen(host: str, port: int) -> socket.socket:
    if not 0 <= port <= 65_535:
        raise UsageError(f"there is no port {port}", allowed="0 to 65535")
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
    except socket.gaierror as error:
        raise UsageError(f"there is no address {host!r}", allowed="127.0.0.1, 0.0.0.0, a name of this host") from error
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(2048)
    except OSError as error:
        listener.close()
        raise _port_refused(error, host, port) from error
    listener.setblocking(False)
    return listener


def _port_refused(error: OSError, host: str, port: int) -> ResourceError:
    if error.errno == errno.EADDRINUSE:
        return ResourceError(
            f"port {port} is in use",
            where=f"{host}:{port}",
            remedy=f"choose another: --port {port + 1 if port < 65_535 else 8080}, or --port 0 for a free one; "
            f"`ss -ltnp 'sport = :{port}'` shows who has it",
        )
    if error.errno in {errno.EACCES, errno.EPERM}:
        return ResourceError(f"no permission to listen on port {port}", remedy="choose a port above 1023")
    return ResourceError(f"cannot listen on {host}:{port}: {error.strerror}", remedy="choose an address of this host")


def _greeting(service: Service, host: str, port: int) -> str:
    identity = service.live.current.identity
    shown = f"[{host}]" if ":" in host else host
    log = f"predictions are logged in {service.recorder.place}" if service.recorder else "predictions are not logged"
    return f"serving {identity['version']} ({identity['precision']}) on http://{shown}:{port}, help at /docs; {log}"
