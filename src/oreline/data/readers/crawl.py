"""Pages of the web, fetched politely."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import ClassVar, NamedTuple
from urllib.parse import urlsplit

import polars as pl

from oreline.catalog.fetch import cache_folder
from oreline.data.input.compressed import batches
from oreline.data.input.crawling import Guard, Pace, PageCache, absolute, conditions
from oreline.data.input.fetching import Fetching, RefusedError, Response, SilentError, checked_url
from oreline.data.input.pages import decoded, links_of, page_of
from oreline.data.input.robots import Robots
from oreline.errors import ResourceError

_SCHEMA = dict.fromkeys(("text", "title", "date", "url"), pl.String)
_PAGES = ("text/html", "application/xhtml+xml")
_MOVED = (301, 302, 303, 307, 308)
_MAX_REDIRECTS = 5
_MAX_SILENT = 5
"""Pages in a row that a host may leave unanswered; it is then left alone."""
_PART_ROWS = 64
_NAME = "oreline"


class _Asked(NamedTuple):
    """A page to fetch: how far it is from the first, and how often it was moved."""

    url: str
    depth: int
    moves: int = 0


class Reader:
    """Pages of the web from one address on: the main text of each HTML page, with `title`, `date` and `url`.

    Asks robots.txt first and keeps to it, waits between two pages of a host, and stays on the hosts named. Pages are
    cached with their ETag or date, so that a second run fetches only what has changed. Addresses of this machine and of
    the network around it are refused, also after a redirect. Endless sites are noticed by their addresses, and a host
    that does not answer is left alone.

    Args:
        depth: links that are followed from the first page on, one after the other.
        hosts: hosts that may be asked besides that of the first address.
        max_pages: pages that are fetched, at most.
        max_pages_per_host: of one host, at most.
        delay_s: seconds between two pages of one host; more where its robots.txt asks for more.
        max_page_bytes: a longer page is left out.
        timeout_s: seconds for one page.
        private_addresses: allow loopback, private and link-local addresses.
        cache: a folder for the pages; one in Oreline's own cache when not given, none for an empty text.
        agent: what servers are told who asks; give an address where you can be reached.
    """

    suffixes: ClassVar[tuple[str, ...]] = ()
    schemes: ClassVar[tuple[str, ...]] = ("crawl:",)

    def __init__(
        self,
        *,
        depth: int = 2,
        hosts: Sequence[str] = (),
        max_pages: int = 1000,
        max_pages_per_host: int = 1000,
        delay_s: float = 1.0,
        max_page_bytes: int = 8 << 20,
        timeout_s: float = 20.0,
        private_addresses: bool = False,
        cache: str | None = None,
        agent: str = "oreline (a crawler for text data)",
    ) -> None:
        self._depth, self._hosts = depth, hosts
        self._max_pages, self._max_per_host = max_pages, max_pages_per_host
        self._fetching = Fetching(
            agent, private_addresses=private_addresses, timeout_s=timeout_s, max_bytes=max_page_bytes
        )
        self._robots, self._pace = Robots(self._fetching, _NAME), Pace(delay_s)
        folder = cache_folder() / "pages" if cache is None else Path(cache) if cache else None
        self._cache = PageCache(folder) if folder else None
        self.notes: list[str] = []
        """What was left out, once all is read."""

    @staticmethod
    def name_of(location: str) -> str:
        """Return what row ids call the pages: the host. Raises `UsageError` for what is no web address."""
        return urlsplit(checked_url(location)).hostname or location

    def frames(self, path: str, *, rows: int) -> Iterator[pl.DataFrame]:
        """Yield the pages in the order in which they were found, nearest first, in frames of at most `rows`.

        Raises `ResourceError` when not even the first page can be fetched.
        """
        left_out: Counter[str] = Counter()
        num_pages = 0
        pages = self._pages(checked_url(path), left_out)
        for part in batches(pages, min(rows, _PART_ROWS), weigh=lambda page: len(page[0] or "")):
            num_pages += len(part)
            yield pl.DataFrame(part, schema=_SCHEMA, orient="row")
        if left_out:
            counted = ", ".join(f"{count:,} {why}" for why, count in left_out.most_common(8))
            self.notes.append(f"{left_out.total():,} pages were left out: {counted}")
        if not num_pages:
            raise ResourceError(
                f"no page could be read: {', '.join(left_out) or 'nothing was there'}",
                where=path,
                remedy="check the address and the connection; private_addresses: true allows a server of your own",
            )

    def _pages(self, start: str, left_out: Counter[str]) -> Iterator[tuple[str | None, ...]]:
        first = (urlsplit(start).hostname or "").removeprefix("www.")
        hosts = frozenset([first, f"www.{first}", *(host.lower() for host in self._hosts)])
        guard = Guard(hosts, self._max_per_host)
        guard.refuses(start)
        asked = deque([_Asked(start, 0)])
        num_asked = 0
        silent: Counter[str] = Counter()
        while asked and num_asked < self._max_pages:
            page = asked.popleft()
            num_asked += 1
            host = urlsplit(page.url).netloc
            if silent[host] >= _MAX_SILENT:
                left_out[f"of a host that did not answer {_MAX_SILENT} times in a row"] += 1
                continue
            try:
                answer = self._fetched(page.url)
                silent[host] = 0
                self._refuse_unfit(answer)
            except RefusedError as error:
                silent[host] += isinstance(error, SilentError)
                left_out[str(error)] += 1
                continue
            if answer.status in _MOVED:
                moved = _Asked(absolute(page.url, answer.headers.get("location", "")), page.depth, page.moves + 1)
                why = guard.refuses(moved.url) if moved.moves <= _MAX_REDIRECTS else "moved too often"
                left_out[why] += why not in ("", "seen")
                asked.extendleft([] if why else [moved])
                continue
            html = decoded(answer.body, answer.headers.get("content-type", ""))
            if page.depth < self._depth:
                for target in links_of(html):
                    url = absolute(page.url, target)
                    why = guard.refuses(url) if url else "no web address"
                    left_out[why] += why not in ("", "seen", "no web address", "another host")
                    asked.extend([] if why else [_Asked(url, page.depth + 1)])
            found = page_of(html, page.url)
            yield found.text, found.title, found.date, page.url
        left_out["beyond max_pages"] += len(asked)
        for why in [why for why, count in left_out.items() if not count]:
            del left_out[why]

    def _fetched(self, url: str) -> Response:
        """Return a page, from the cache where it has not changed. Raises `RefusedError` where it may not be fetched."""
        self._fetching.checked(url)  # says why; robots.txt would only not be there
        if not self._robots.allows(url):
            raise RefusedError("robots.txt does not allow it, or cannot be reached")
        cached = self._cache.find(url) if self._cache else None
        self._pace.wait(urlsplit(url).netloc, self._robots.delay_s(url))
        answer = self._fetching.get(url, conditions(cached))
        if answer.status == 304 and cached is not None:
            return Response(200, {"content-type": cached.kind}, cached.body)
        if answer.status == 200 and self._cache:
            self._cache.keep(url, answer)
        return answer

    def _refuse_unfit(self, answer: Response) -> None:
        kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
        if answer.status not in (200, *_MOVED):
            raise RefusedError(f"with status {answer.status}")
        if answer.status == 200 and kind not in _PAGES:
            raise RefusedError(f"of type {kind[:40] or 'unknown'}")
