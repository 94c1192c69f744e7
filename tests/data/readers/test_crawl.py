"""The crawler, on a server of this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest
from tests.data.served import Answer, served
from tests.data.written import LONG

from oreline.data.input import compressed, crawling, fetching
from oreline.data.readers.crawl import Reader
from oreline.data.sources import frames, sources
from oreline.errors import ResourceError, UsageError

HTML = {"Content-Type": "text/html; charset=utf-8"}
OPTIONS: dict[str, Any] = {"delay_s": 0.0, "private_addresses": True, "cache": ""}


def page(title: str, *links: str) -> Answer:
    listed = "".join(f'<a href="{link}">link</a> ' for link in links)
    body = f"<html><head><title>{title}</title></head><body><article><h1>{title}</h1><p>{LONG} {title}</p></article>{listed}</body></html>"
    return 200, HTML, body.encode()


def read(url: str, **options: Any) -> tuple[list[str], list[str]]:
    reader = Reader(**{**OPTIONS, **options})
    found = [row for frame in reader.frames(url, rows=100) for row in frame.iter_rows(named=True)]
    assert all(row["title"] in row["text"] for row in found), found
    return [row["url"].removeprefix(url.rstrip("/")) for row in found], reader.notes


def test_links_are_followed_nearest_first_and_pages_are_rows() -> None:
    site = {
        "/": page("Home", "/a", "b#part", "mailto:x@y.z", "javascript:1", "https://elsewhere.example/"),
        "/a": page("Alpha", "/deep", "/"),
        "/b": page("好的 Beta", "/a?utm_source=x"),
        "/deep": page("Deep", "/deeper"),
    }
    with served(lambda path, _: site.get(path, (404, HTML, b""))) as (url, asked):
        assert read(url + "/") == (["/", "/a", "/b", "/deep"], [])
        assert asked.count("/robots.txt") == 1
        assert "/deeper" not in asked
        assert read(url + "/", depth=0)[0] == ["/"]
        paths, notes = read(url + "/", max_pages=2)
        assert paths == ["/", "/a"]
        assert notes == ["2 pages were left out: 2 beyond max_pages"]


def test_frames_of_long_pages_have_fewer_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compressed, "_BATCH_CHARACTERS", len(LONG))
    site = {"/": page("Home", "/a", "/b"), "/a": page("Alpha"), "/b": page("Beta")}
    with served(lambda path, _: site.get(path, (404, HTML, b""))) as (url, _):
        assert [frame.height for frame in Reader(**OPTIONS).frames(url + "/", rows=100)] == [1, 1, 1]


def test_it_is_a_source_by_its_address_and_in_a_recipe() -> None:
    with served(lambda path, _: page("Home") if path == "/" else (404, HTML, b"")) as (url, _):
        frame = pl.concat(frames({"crawl": url, **OPTIONS, "columns": {"text": "text"}, "name": "site"}))
        assert frame.select("row_id", "source").row(0) == ("site:1", "site")
        assert sources(f"crawl:{url}")[0].name == "127.0.0.1"
        with pytest.raises(UsageError, match="named before it") as caught:
            sources(url)
        assert caught.value.allowed.startswith(f"crawl:{url}")
    for bad in ("crawl:ftp://a.org", "crawl:https://user:secret@a.org/", "crawl:https:///x", "crawl:what"):
        with pytest.raises(UsageError, match="no address") as caught:
            sources(bad)
        assert "secret" not in str(caught.value)


def test_robots_are_kept_to() -> None:
    robots = b"User-agent: *\nDisallow: /\n\nUser-agent: oreline\nDisallow: /private\nAllow: /private/open\nCrawl-delay: 0.01\n"
    site = {"/robots.txt": (200, {}, robots), "/": page("Home", "/private/x", "/private/open", "/ok")}
    with served(lambda path, _: site.get(path) or page("Page")) as (url, asked):
        paths, notes = read(url + "/")
        assert paths == ["/", "/private/open", "/ok"]
        assert "/private/x" not in asked
        assert "1 robots.txt does not allow it" in notes[0]


def test_every_page_waits_for_its_turn_at_its_host(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[tuple[str, float]] = []
    monkeypatch.setattr(crawling.Pace, "wait", lambda _, host, asked_s=0.0: waited.append((host, asked_s)))
    robots = b"User-agent: *\nCrawl-delay: 7\n"
    site = {"/robots.txt": (200, {}, robots), "/": page("Home", "/a", "/b")}
    with served(lambda path, _: site.get(path) or page("Page")) as (url, _):
        assert len(read(url + "/")[0]) == 3
    assert waited == [(url.removeprefix("http://"), 7.0)] * 3


@pytest.mark.parametrize("status", [500, 503, 429])
def test_a_host_whose_robots_cannot_be_read_is_left_alone(status: int) -> None:
    with served(lambda path, _: (status, {}, b"") if path == "/robots.txt" else page("Home")) as (url, asked):
        with pytest.raises(ResourceError, match="no page could be read"):
            read(url + "/")
        assert asked == ["/robots.txt"]


def test_addresses_of_this_machine_are_refused_unless_allowed() -> None:
    with served(lambda *_: page("Home")) as (url, asked):
        for place in (url, url.replace("127.0.0.1", "localhost"), "http://[::1]/", "http://169.254.169.254/latest/"):
            with pytest.raises(ResourceError, match="no page could be read"):
                read(place, private_addresses=False)
        assert asked == []


def test_a_redirect_is_looked_at_like_any_other_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """A public page that leads to a private address: what is connected to decides, not what was asked first."""
    allowed: list[str] = []

    def checked(host: str, port: int, *, private: bool) -> str:
        if host == "public.example":
            return "127.0.0.1"
        allowed.append(host)
        raise fetching.RefusedError("the address is not public")

    def answer(path: str, headers: dict[str, str]) -> Answer:
        if path == "/":
            return 302, {"Location": f"http://{target}/secret"}, b""
        return (404, {}, b"") if path == "/robots.txt" else page("Secret")

    monkeypatch.setattr(fetching, "checked_address", checked)
    with served(answer) as (url, asked):
        port = url.rpartition(":")[2]
        target = f"169.254.169.254:{port}"
        with pytest.raises(ResourceError):
            read(f"http://public.example:{port}/", private_addresses=False, hosts=["169.254.169.254"])
        assert asked == ["/robots.txt", "/"]
        assert allowed == ["169.254.169.254"]


def test_redirects_have_an_end_and_may_not_leave_the_hosts() -> None:
    def answer(path: str, _: dict[str, str]) -> Answer:
        if path in ("/robots.txt", "/"):
            return page("Home", "/loop/0", "/out", "/moved") if path == "/" else (404, {}, b"")
        if path.startswith("/loop/"):
            return 301, {"Location": f"/loop/{int(path[6:]) + 1}"}, b""
        return (
            (302, {"Location": "http://other.example/"}, b"")
            if path == "/out"
            else ((301, {"Location": "/new"}, b"") if path == "/moved" else page("New"))
        )

    with served(answer) as (url, asked):
        paths, notes = read(url + "/")
        assert paths == ["/", "/new"]
        assert "moved too often" in notes[0]
        assert "another host" in notes[0]
        assert len(asked) < 15


def test_traps_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A calendar that always has a next month, a path that grows, and a query that does."""

    def answer(path: str, _: dict[str, str]) -> Answer:
        if path == "/robots.txt":
            return 404, {}, b""
        here = path.partition("?")[0].rstrip("/")
        month = int(path.rpartition("=")[2]) if "=" in path else 0
        return page(
            "Page",
            f"{here}/again/",
            f"/calendar?month={month + 1}",
            "/x?" + "&".join(f"{path[1:2]}{n}=1" for n in range(9)),
        )

    monkeypatch.setattr(crawling, "MAX_QUERIES", 8)
    with served(answer) as (url, asked):
        read(url + "/", depth=1000, max_pages=10_000)
        assert len(asked) < 100
        assert max(map(len, asked)) < 500


def test_what_is_no_page_or_too_long_is_left_out() -> None:
    site = {
        "/": page("Home", "/pdf", "/long", "/lies", "/gone", "/bomb"),
        "/pdf": (200, {"Content-Type": "application/pdf"}, b"%PDF"),
        "/long": (200, HTML, b"x" * 200_000),
        "/lies": (200, {**HTML, "Content-Length": "999999999"}, b"x"),
        "/bomb": (200, {**HTML, "Content-Encoding": "gzip"}, __import__("gzip").compress(bytes(40 << 20))),
    }
    with served(lambda path, _: site.get(path, (404, {}, b""))) as (url, _):
        paths, notes = read(url + "/", max_page_bytes=100_000)
        assert paths == ["/"]
        for why in ("1 of type application/pdf", "2 longer than", "1 with status 404", "unpacks to more than"):
            assert why in notes[0]


def test_pages_that_have_not_changed_come_from_the_cache(tmp_path: Path) -> None:
    tags: list[str | None] = []

    def answer(path: str, headers: dict[str, str]) -> Answer:
        if path != "/":
            return 404, {}, b""
        tags.append(headers.get("if-none-match"))
        if headers.get("if-none-match") == '"v1"':
            return 304, {"ETag": '"v1"'}, b""
        status, given, body = page("Home")
        return status, {**given, "ETag": '"v1"'}, body

    with served(answer) as (url, _):
        first = read(url + "/", cache=str(tmp_path))
        assert read(url + "/", cache=str(tmp_path)) == first
        assert tags == [None, '"v1"']
        kept = next(path for path in tmp_path.rglob("*") if path.is_file())
        kept.write_bytes(kept.read_bytes()[:-5])
        assert read(url + "/", cache=str(tmp_path)) == first, "a damaged page is fetched again"
        assert tags[-1] is None


def test_a_server_that_does_not_answer_is_no_hang(tmp_path: Path) -> None:
    with pytest.raises(ResourceError, match="no page could be read"):
        read("http://127.0.0.1:9/", timeout_s=1.0)


def test_a_host_that_falls_silent_is_left_alone() -> None:
    """Twenty pages that break off, each of which would cost the whole time-out."""

    def answer(path: str, _: dict[str, str]) -> Answer:
        if path == "/":
            return page("Home", *(f"/{number}" for number in range(20)))
        return (404, {}, b"") if path == "/robots.txt" else (200, {**HTML, "Content-Length": "5000"}, b"broken")

    with served(answer) as (url, asked):
        paths, notes = read(url + "/", timeout_s=0.2)
        assert paths == ["/"]
        assert len(asked) == 2 + 5
        assert "15 of a host that did not answer 5 times in a row" in notes[0]
