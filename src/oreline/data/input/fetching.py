"""Fetch single pages politely: bounded, without leaving the public network unless it is allowed.

The address that a name stands for is looked at, and that same address is connected to, so that a name cannot point to
another place between the look and the connection. Redirects are returned, not followed: whoever follows one comes
through here again.
"""

from __future__ import annotations

import contextlib
import http.client
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import IO, Any, NamedTuple
from urllib.parse import quote, urlsplit, urlunsplit

from oreline.data.input.warc import unpacked
from oreline.errors import UsageError

_PART_BYTES = 64 << 10
_MAX_HEADERS = 100


class Response(NamedTuple):
    """What a server answered."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes


class RefusedError(Exception):
    """A page that is not fetched, or not whole; the text says why."""


class SilentError(RefusedError):
    """A server that does not answer, or not in time."""


@dataclass(frozen=True, slots=True)
class Fetching:
    """How pages are fetched."""

    agent: str
    private_addresses: bool = False
    """Allow addresses of this machine and of the network around it."""
    timeout_s: float = 20.0
    """For an answer to begin, and for a whole page where `whole_s` says nothing else."""
    whole_s: float | None = None
    max_bytes: int = 8 << 20
    context: ssl.SSLContext = field(default_factory=ssl.create_default_context)

    def get(self, url: str, headers: Mapping[str, str] | None = None, into: IO[bytes] | None = None) -> Response:
        """Fetch one page; its body is empty where the status has none, and unpacked where it came compressed.

        With `into`, a body with the status 200 is written there as it comes.

        Raises `RefusedError` for an address that is not allowed, a page that is too long, or a server that fails.
        """
        place = urlsplit(url)
        host, port, address = self.checked(url)
        connection = self._connection(place.scheme, host, port, address)
        target = urlunsplit(("", "", quote(place.path or "/", safe="/%:@!$&'()*+,;=~-._"), _query(place.query), ""))
        sent = {"User-Agent": self.agent, "Accept-Encoding": "gzip", **(headers or {})}
        seconds = self.whole_s or self.timeout_s
        until = time.monotonic() + seconds
        timer = _cutting(connection, seconds)
        try:
            connection.request("GET", target, headers=sent)
            answer = connection.getresponse()
            told = {name.lower(): value for name, value in answer.getheaders()[:_MAX_HEADERS]}
            if into is not None and answer.status == 200:
                self._body(answer, told, until, into.write)
                return Response(answer.status, told, b"")
            parts: list[bytes] = []
            self._body(answer, told, until, parts.append)
            body = unpacked(b"".join(parts), told.get("content-encoding", ""))
        except (OSError, http.client.HTTPException, ValueError) as error:
            self._refuse_late(until)
            raise SilentError(str(error)[:100] or type(error).__name__) from error
        finally:
            timer.cancel()
            connection.close()
        return Response(answer.status, told, body)

    def checked(self, url: str) -> tuple[str, int, str]:
        """Return host, port and the address that is connected to. Raises `RefusedError` for one that is not allowed."""
        place = urlsplit(url)
        host = place.hostname or ""
        port = place.port or (443 if place.scheme == "https" else 80)
        return host, port, checked_address(host, port, private=self.private_addresses)

    def _connection(self, scheme: str, host: str, port: int, address: str) -> http.client.HTTPConnection:
        if scheme == "https":
            secure = http.client.HTTPSConnection(host, port, timeout=self.timeout_s, context=self.context)
            _connect_to(secure, address, port, self.timeout_s, self.context)
            return secure
        plain = http.client.HTTPConnection(host, port, timeout=self.timeout_s)
        _connect_to(plain, address, port, self.timeout_s, None)
        return plain

    def _body(
        self,
        answer: http.client.HTTPResponse,
        told: Mapping[str, str],
        until: float,
        take: Callable[[bytes], object],
    ) -> None:
        length = told.get("content-length", "")
        if length.isdecimal() and int(length) > self.max_bytes:
            raise RefusedError(f"longer than {self.max_bytes:,} bytes")
        size = 0
        while part := answer.read1(_PART_BYTES):
            size += len(part)
            take(part)
            if size > self.max_bytes:
                raise RefusedError(f"longer than {self.max_bytes:,} bytes")
            self._refuse_late(until)
        self._refuse_late(until)  # what was cut is not whole
        if answer.length:
            raise SilentError(f"broke off {answer.length:,} bytes before its end")

    def _refuse_late(self, until: float) -> None:
        if time.monotonic() >= until:
            raise SilentError(f"not there after {self.whole_s or self.timeout_s:g} s")


def _cutting(connection: http.client.HTTPConnection, seconds: float) -> threading.Timer:
    """Cut a connection when the time is up: no read of a server that sends byte after byte would ever be too late."""

    def cut() -> None:
        with contextlib.suppress(OSError, AttributeError):
            connection.sock.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(seconds, cut)
    timer.daemon = True
    timer.start()
    return timer


def checked_address(host: str, port: int, *, private: bool) -> str:
    """Return the address that a host's name stands for.

    Raises `RefusedError` for a name that stands for nothing, or for any address that is not public, unless that is
    allowed.

    >>> checked_address("8.8.8.8", 80, private=False)
    '8.8.8.8'
    """
    if not host:
        raise RefusedError("no host")
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise RefusedError(f"the name {host!r} cannot be resolved: {error}") from error
    addresses = list(dict.fromkeys(str(entry[4][0]).partition("%")[0] for entry in found))
    for text in addresses:
        if not private and not _is_public(ipaddress.ip_address(text)):
            raise RefusedError(f"the address {text} is not public")
    return addresses[0]


def _is_public(address: Any) -> bool:
    inner = getattr(address, "ipv4_mapped", None) or getattr(address, "sixtofour", None)
    if inner is not None:
        return _is_public(inner)
    if getattr(address, "teredo", None):
        return False
    return bool(address.is_global) and not address.is_multicast


def _connect_to(
    connection: http.client.HTTPConnection, address: str, port: int, timeout_s: float, context: ssl.SSLContext | None
) -> None:
    """Connect to an address that was checked, under the name that was asked for."""
    try:
        plain = socket.create_connection((address, port), timeout=timeout_s)
        try:
            name = connection.host
            connection.sock = plain if context is None else context.wrap_socket(plain, server_hostname=name)
        except BaseException:
            plain.close()
            raise
    except (OSError, ValueError) as error:
        raise SilentError(f"no connection: {error}") from error


def _query(text: str) -> str:
    return quote(text, safe="/%:@!$&'()*+,;=~-._?[]")


def checked_url(url: str) -> str:
    """Return an address as it is asked for. Raises `UsageError` for what is no web address, or holds a password."""
    with contextlib.suppress(ValueError):
        parts = urlsplit(url.strip())
        if parts.scheme in ("http", "https") and parts.hostname and parts.username is None and parts.port != 0:
            return urlunsplit((parts.scheme, parts.netloc.lower(), parts.path or "/", parts.query, ""))
    raise UsageError(
        "this is no address of a web page", where=url.rpartition("@")[2][:200], allowed="https://HOST/PATH"
    )
