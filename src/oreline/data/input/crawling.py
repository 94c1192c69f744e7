"""What a polite crawler asks itself: may I, is it time, was I here before, is this a trap."""

from __future__ import annotations

import hashlib
import json
import os
import re
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qsl, urldefrag, urljoin, urlsplit, urlunsplit

from oreline.data.input.fetching import Response

MAX_URL_CHARACTERS = 500
MAX_DEPTH_OF_PATH = 15
MAX_REPEATS = 3
"""How often one part of a path may occur in it: /a/b/a/b/a/b is a page that links to itself."""
MAX_QUERIES = 100
"""Pages of one path that differ in their query only: calendars and sorted lists have no end."""
MAX_PARAMETERS = 8
_SESSION = re.compile(r"(?i)^(?:phpsessid|jsessionid|sid|sessionid|utm_\w+|fbclid|gclid|spm)$")


class Cached(NamedTuple):
    """A page from the cache."""

    etag: str
    modified: str
    kind: str
    body: bytes


class Pace:
    """Waits so that a host is asked no more often than it likes."""

    def __init__(
        self, delay_s: float, sleep: Callable[[float], None] = time.sleep, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._delay_s, self._sleep, self._now = delay_s, sleep, now
        self._next: dict[str, float] = {}

    def wait(self, host: str, asked_s: float = 0.0) -> None:
        """Wait until the host may be asked again, and count this as asking it."""
        left = self._next.get(host, 0.0) - self._now()
        if left > 0:
            self._sleep(left)
        self._next[host] = self._now() + max(self._delay_s, asked_s)


class Guard:
    """Knows pages that were seen, and refuses those that a trap would make without end.

    Args:
        hosts: hosts that may be asked.
        max_per_host: pages of one host.
    """

    def __init__(self, hosts: frozenset[str], max_per_host: int) -> None:
        self._hosts, self._max_per_host = hosts, max_per_host
        self._seen: set[str] = set()
        self._per_host: Counter[str] = Counter()
        self._per_path: Counter[str] = Counter()

    def refuses(self, url: str) -> str:
        """Return why a page is not fetched; empty where it is, and from then on it counts as seen."""
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            return "no web address"
        if parts.hostname not in self._hosts:
            return "another host"
        if url in self._seen:
            return "seen"
        path = f"{parts.netloc}{parts.path}"
        if why := trap(url) or (self._per_path[path] >= MAX_QUERIES and "a trap: too many queries of one page") or "":
            return why
        if self._per_host[parts.netloc] >= self._max_per_host:
            return "too many pages of the host"
        self._seen.add(url)
        self._per_host[parts.netloc] += 1
        self._per_path[path] += bool(parts.query)
        return ""


def trap(url: str) -> str:
    """Return why an address looks like one of endlessly many; empty where it does not.

    >>> trap("https://a.org/x/y/x/y/x/y/x/y"), trap("https://a.org/news/2026")
    ('a trap: a path that repeats itself', '')
    """
    parts = urlsplit(url)
    steps = [step for step in parts.path.split("/") if step]
    if len(url) > MAX_URL_CHARACTERS:
        return "a trap: a long address"
    if len(steps) > MAX_DEPTH_OF_PATH:
        return "a trap: a deep path"
    if steps and max(Counter(steps).values()) > MAX_REPEATS:
        return "a trap: a path that repeats itself"
    try:
        return "a trap: a long query" if len(parse_qsl(parts.query, max_num_fields=100)) > MAX_PARAMETERS else ""
    except ValueError:
        return "a trap: a long query"


def absolute(base: str, target: str) -> str:
    """Return the address that a link leads to, without its fragment and without numbers of a session; empty for none.

    >>> absolute("https://a.org/b/c", "../d?utm_source=x&id=3#top")
    'https://a.org/d?id=3'
    """
    with suppress(ValueError):
        parts = urlsplit(urldefrag(urljoin(base, target)).url)
        if parts.scheme in ("http", "https") and parts.hostname and parts.username is None:
            kept = "&".join(p for p in parts.query.split("&") if p and not _SESSION.match(p.partition("=")[0]))
            return urlunsplit((parts.scheme, parts.netloc.lower(), parts.path or "/", kept, ""))
    return ""


class PageCache:
    """Pages on disk, with what tells whether they have changed since."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def find(self, url: str) -> Cached | None:
        """Return what is kept of a page; None for nothing, or something damaged."""
        file = self._file(url)
        with suppress(OSError, ValueError, KeyError, TypeError):
            head, _, body = file.read_bytes().partition(b"\n")
            told = json.loads(head)
            if told["url"] == url and told["size"] == len(body):
                return Cached(str(told["etag"]), str(told["modified"]), str(told["kind"]), body)
        return None

    def keep(self, url: str, answer: Response) -> None:
        """Keep a page that says how to ask whether it has changed."""
        etag, modified = answer.headers.get("etag", ""), answer.headers.get("last-modified", "")
        if not (etag or modified) or "no-store" in answer.headers.get("cache-control", "").lower():
            return
        told = {"url": url, "etag": etag, "modified": modified, "size": len(answer.body)}
        told["kind"] = answer.headers.get("content-type", "")
        file = self._file(url)
        os.makedirs(file.parent, exist_ok=True)  # noqa: PTH103
        part = file.with_name(f"{file.name}.{os.getpid()}.part")
        part.write_bytes(json.dumps(told).encode() + b"\n" + answer.body)
        part.replace(file)

    def _file(self, url: str) -> Path:
        digest = hashlib.sha256(url.encode()).hexdigest()
        return self._folder / digest[:2] / digest


def conditions(cached: Cached | None) -> Mapping[str, str]:
    """Return the headers that ask for a page only where it has changed."""
    if cached is None:
        return {}
    named = {"If-None-Match": cached.etag, "If-Modified-Since": cached.modified}
    return {name: value for name, value in named.items() if value}
