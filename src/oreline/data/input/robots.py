"""robots.txt: what a host asks of crawlers (RFC 9309)."""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import quote, unquote, urljoin, urlsplit

from oreline.data.input.fetching import Fetching, RefusedError

MAX_BYTES = 500 << 10
"""More of a robots.txt is not read, as the standard allows."""
_MAX_DELAY_S = 60.0
_MAX_REDIRECTS = 5
_MOVED = (301, 302, 303, 307, 308)


class Rules(NamedTuple):
    """What holds for one crawler: patterns of paths with whether they are allowed, and the seconds between pages."""

    patterns: tuple[tuple[str, bool], ...] = ()
    delay_s: float = 0.0

    def allows(self, path: str) -> bool:
        """Whether a path may be fetched: the longest pattern that fits decides, and allowing where two are equal.

        >>> rules = parsed_rules("User-agent: *\\nDisallow: /a\\nAllow: /a/b\\nDisallow: /*.pdf$", "oreline")
        >>> [rules.allows(path) for path in ("/a/c", "/a/b/c", "/x.pdf", "/x.pdf?y")]
        [False, True, False, True]
        """
        path = _normal(path)
        fitting = [(len(pattern), allowed) for pattern, allowed in self.patterns if _fits(pattern, path)]
        return max(fitting, default=(0, True))[1]


def parsed_rules(text: str, name: str) -> Rules:
    """Return the rules of a robots.txt for a crawler: of the groups that name it, or else of those for all.

    >>> parsed_rules("User-agent: other\\nDisallow: /", "oreline").allows("/a")
    True
    """
    groups: dict[str, list[tuple[str, bool]]] = {}
    delays: dict[str, float] = {}
    agents: list[str] = []
    in_rules = False
    for line in text.splitlines():
        key, separator, value = line.partition("#")[0].partition(":")
        key, value = key.strip().lower(), value.strip()
        if not separator:
            continue
        if key == "user-agent":
            agents = [] if in_rules else agents
            in_rules = False
            agents.append(value.lower())
            groups.setdefault(value.lower(), [])
            continue
        in_rules = in_rules or key in ("allow", "disallow", "crawl-delay")
        for agent in agents:
            if key in ("allow", "disallow") and value:
                groups[agent].append((_normal(value), key == "allow"))
            elif key == "crawl-delay" and re.fullmatch(r"\d{1,6}(?:\.\d{1,3})?", value):
                delays[agent] = min(float(value), _MAX_DELAY_S)
    own = name.lower() if name.lower() in groups else "*"
    return Rules(tuple(groups.get(own, ())), delays.get(own, 0.0))


class Robots:
    """What the robots.txt of hosts allow; each is asked once."""

    def __init__(self, fetching: Fetching, name: str) -> None:
        self._fetching, self._name = fetching, name
        self._rules: dict[str, Rules | None] = {}

    def allows(self, url: str) -> bool:
        """Whether a page may be fetched. A host whose robots.txt cannot be reached is left alone, as the RFC says."""
        rules = self._of(url)
        parts = urlsplit(url)
        return rules is not None and rules.allows(parts.path + (f"?{parts.query}" if parts.query else ""))

    def delay_s(self, url: str) -> float:
        """Return the seconds between two pages that the host asks for; 0 where it asks for none."""
        rules = self._of(url)
        return 0.0 if rules is None else rules.delay_s

    def _of(self, url: str) -> Rules | None:
        parts = urlsplit(url)
        host = f"{parts.scheme}://{parts.netloc}"
        if host not in self._rules:
            self._rules[host] = self._asked(f"{host}/robots.txt")
        return self._rules[host]

    def _asked(self, url: str) -> Rules | None:
        for _ in range(_MAX_REDIRECTS):
            try:
                answer = self._fetching.get(url)
            except RefusedError:
                return None
            target = answer.headers.get("location")
            if answer.status in _MOVED and target:
                url = urljoin(url, target)
                continue
            if answer.status >= 500 or answer.status == 429:
                return None
            text = answer.body[:MAX_BYTES].decode("utf-8", "replace") if answer.status == 200 else ""
            return parsed_rules(text.removeprefix("\ufeff"), self._name)
        return None


def _normal(path: str) -> str:
    return quote(unquote(path), safe="/%:@!$&'()*+,;=~-._?")


def _fits(pattern: str, path: str) -> bool:
    """Whether a path begins with a pattern, in which `*` is any text and `$` at the end is the end; in linear time."""
    ends = pattern.endswith("$")
    first, *others = pattern.removesuffix("$").split("*")
    if not path.startswith(first):
        return False
    at = len(first)
    for number, part in enumerate(others, start=1):
        if ends and number == len(others):
            return path.endswith(part) and len(path) - len(part) >= at
        at = path.find(part, at)
        if at < 0:
            return False
        at += len(part)
    return not ends or at == len(path)
