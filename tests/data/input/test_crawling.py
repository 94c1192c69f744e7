"""Traps, politeness, and addresses."""

from __future__ import annotations

from pathlib import Path

import pytest

from oreline.data.input.crawling import Guard, Pace, PageCache, absolute, conditions, trap
from oreline.data.input.fetching import Response


@pytest.mark.parametrize(
    ("base", "target", "expected"),
    [
        ("https://a.org/x/", "../b?id=1&PHPSESSID=2", "https://a.org/b?id=1"),
        ("https://a.org", "//B.org/c#d", "https://b.org/c"),
        ("https://a.org/", "mailto:x@y.z", ""),
        ("https://a.org/", "https://user:word@b.org/", ""),
        ("https://a.org/", "http://[broken/", ""),
        ("https://a.org/", "新闻/1", "https://a.org/新闻/1"),
    ],
)
def test_links_become_addresses(base: str, target: str, expected: str) -> None:
    assert absolute(base, target) == expected


@pytest.mark.parametrize(
    "url", ["https://a.org/" + "x" * 500, "https://a.org/" + "/".join("abcdefghijklmnopq"), "https://a.org/a/a/a/a", "https://a.org/?" + "&".join(f"p{n}=1" for n in range(9)), "https://a.org/?" + "&" * 300 + "a=1" * 1]
)  # fmt: skip
def test_traps(url: str) -> None:
    assert trap(url).startswith("a trap") or "&&&" in url


def test_a_guard_counts() -> None:
    guard = Guard(frozenset({"a.org"}), 3)
    assert [guard.refuses(url) for url in ("https://a.org/", "https://a.org/", "https://b.org/", "ftp://a.org/")] == [
        "",
        "seen",
        "another host",
        "no web address",
    ]
    assert guard.refuses("https://a.org/1") == guard.refuses("https://a.org/2") == ""
    assert guard.refuses("https://a.org/3") == "too many pages of the host"


def test_the_pace_waits_for_each_host_on_its_own() -> None:
    clock, slept = [0.0], list[float]()

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        clock[0] += seconds

    pace = Pace(1.0, sleep, lambda: clock[0])
    for host, asked in (("a", 0.0), ("b", 0.0), ("a", 5.0), ("a", 0.0)):
        pace.wait(host, asked)
    assert slept == [1.0, 5.0]


def test_pages_are_kept_only_where_they_can_be_asked_about(tmp_path: Path) -> None:
    cache = PageCache(tmp_path)
    for number, headers in enumerate([{}, {"etag": "x", "cache-control": "no-store"}, {"last-modified": "Mon"}]):
        cache.keep(f"u{number}", Response(200, headers, b"body\nmore"))
    assert [cache.find(f"u{number}") is None for number in range(3)] == [True, True, False]
    assert conditions(cache.find("u2")) == {"If-Modified-Since": "Mon"}
    assert conditions(None) == {}
