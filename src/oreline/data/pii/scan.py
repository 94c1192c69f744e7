"""Find private data in columns of texts: cheap patterns over columns pick out the few texts that are looked at."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from oreline.data.fold import changed_where, is_foreign
from oreline.data.pii.spans import FOLDABLE, Kind, Span, folded, without_overlaps

More = dict[int, list[Span]]
"""Places that something else has found, by the text's number in its column."""


def find(texts: pl.Series, kinds: Sequence[Kind], more: More | None = None) -> dict[int, list[Span]]:
    """Return where private data stand in the texts of a column, by the text's number; texts without any are left out.

    Args:
        texts: a column of strings; nulls have nothing.
        kinds: what is looked for; of data that overlap, the kind that stands first is taken.
        more: places found otherwise; they give way to the kinds' own.

    >>> from oreline.data.pii.kinds import kinds_of
    >>> find(pl.Series(["好", "电话13812345678联系"]), kinds_of(["mobile"]))
    {1: [Span(start=2, end=13, kind='mobile')]}
    """
    is_wide = is_foreign(texts)
    plain = changed_where(texts, is_wide & texts.str.contains(FOLDABLE), _folded)
    wide = is_wide.fill_null(False).arg_true()
    hit = _Hits(plain, wide)
    found: dict[int, list[tuple[int, Span]]] = {}
    for rank, kind in enumerate(kinds):
        numbers = hit.by(kind)
        for number, text in zip(numbers, plain.gather(numbers).to_list()):
            places = [(rank, Span(start, end, kind.name)) for start, end in kind.find(text)]
            if places:
                found.setdefault(number, []).extend(places)
    for number, spans in (more or {}).items():
        found.setdefault(number, []).extend((len(kinds), span) for span in spans)
    return {number: without_overlaps(places) for number, places in sorted(found.items())}


class _Hits:
    """Which texts of a column match the hints of a kind; a hint that several kinds share is tried once."""

    def __init__(self, texts: pl.Series, wide: pl.Series) -> None:
        self._texts, self._wide = texts, wide
        self._wide_texts = texts.gather(wide) if len(wide) < len(texts) else texts
        self._tried: dict[tuple[str, bool], list[int]] = {}

    def by(self, kind: Kind) -> list[int]:
        parts = [self._try(hint, is_wide=False) for hint in kind.hints]
        parts += [self._try(hint, is_wide=True) for hint in kind.wide_hints]
        return parts[0] if len(parts) == 1 else sorted({number for part in parts for number in part})

    def _try(self, hint: str, *, is_wide: bool) -> list[int]:
        if (hint, is_wide) not in self._tried:
            hits = (self._wide_texts if is_wide else self._texts).str.contains(hint).fill_null(False).arg_true()
            self._tried[hint, is_wide] = (self._wide.gather(hits) if is_wide else hits).to_list()
        return self._tried[hint, is_wide]


def _folded(texts: pl.Series) -> pl.Series:
    return pl.Series([folded(text) for text in texts.to_list()], dtype=pl.String)
