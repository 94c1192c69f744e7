"""robots.txt, by the examples of RFC 9309."""

from __future__ import annotations

import time

import pytest

from oreline.data.input.robots import parsed_rules


@pytest.mark.parametrize(
    ("pattern", "path", "fits"),
    [
        ("/fish", "/fish.html", True),
        ("/fish", "/Fish.asp", False),
        ("/fish*", "/fishheads/yummy", True),
        ("/fish/", "/fish", False),
        ("/*.php", "/folder/filename.php?parameters", True),
        ("/*.php$", "/filename.php?parameters", False),
        ("/*.php$", "/a.php/b.php", True),
        ("/fish*.php", "/fish/fishhead.php", True),
        ("/a$", "/a", True),
        ("/%e5%a5%bd", "/好", True),
        ("/a*a$", "/a", False),
    ],
)
def test_patterns(pattern: str, path: str, fits: bool) -> None:
    assert parsed_rules(f"User-agent: *\nDisallow: {pattern}", "oreline").allows(path) is not fits


def test_groups_of_several_agents_and_groups_that_come_twice() -> None:
    text = "user-agent: a\nUser-Agent: Oreline # us\ndisallow: /x\n\nUser-agent: *\nDisallow: /\nuser-agent: oreline\nDisallow: /y\nCrawl-delay: 7\n"
    rules = parsed_rules(text, "oreline")
    assert [rules.allows(path) for path in ("/x", "/y", "/z")] == [False, False, True]
    assert rules.delay_s == 7
    assert parsed_rules("Disallow: /\nnonsense\n:\nUser-agent: *\nDisallow:\nCrawl-delay: 9999", "b").delay_s == 60
    assert parsed_rules("Disallow: /\nUser-agent: *\nDisallow:", "b").allows("/x")


def test_a_hostile_pattern_takes_no_time() -> None:
    rules = parsed_rules("User-agent: *\nDisallow: /" + "*a" * 5000 + "$", "oreline")
    begun = time.monotonic()
    assert rules.allows("/" + "a" * 4000)
    assert time.monotonic() - begun < 60
