"""Repair tags that break BIO or BIOES."""

from __future__ import annotations

import polars as pl

from oreline.errors import UsageError
from oreline.metrics.tags import repaired, scheme_of
from oreline.words import as_cell, string_list


class Operator:
    """Write tags so that they keep to their scheme and stand for the same entities.

    `I-PER` after `O` becomes `B-PER` (so that IOB1 becomes BIO), an entity without its end gets one. What an entity is
    follows the CoNLL evaluation. Rows without tags, and plain tags, stay as they are.

    Args:
        scheme: `bio` or `bioes`, to write all tags so; each row's own when not given.
    """

    def __init__(self, *, scheme: str | None = None) -> None:
        if scheme not in (None, "bio", "bioes"):
            raise UsageError(f"unknown scheme {scheme!r}", allowed="bio, bioes")
        self.scheme = scheme

    def edit(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Return the rows with tags that keep to their scheme."""
        if "tags" not in frame.columns:
            return frame
        return frame.with_columns(pl.Series("tags", [self._repaired(cell) for cell in frame["tags"]], pl.String))

    def _repaired(self, cell: str | None) -> str | None:
        tags = string_list(cell) if cell is not None else None
        if tags is None or scheme_of(tags) == "plain":
            return cell
        own = scheme_of(tags)
        return as_cell(repaired(tags, own, into=self.scheme or own))
