"""Find private data in columns of texts: cheap patterns over columns pick out the few texts that are looked at."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from oreline.data.fold import is_foreign
from oreline.data.pii.spans import FOLDABLE, Hint, Kind, Span, folded, without_overlaps

More = dict[int, list[Span]]
"""Places that something else has found, by the text's number in its column."""


_LONG = 800
"""Characters of a hint that is tried by itself: an expression of all would be too large for the fast way through it."""


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
    wide = is_foreign(texts).fill_null(False).arg_true()
    plain = _with_folded(texts, wide)
    hit = _Hits(plain, wide, kinds)
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
    """Which texts of a column match the hints of a kind; a hint that several kinds share is tried once.

    Few texts match any. One expression of all rough hints picks them out, and the exact ones are tried on these alone.
    """

    def __init__(self, texts: pl.Series, wide: pl.Series, kinds: Sequence[Kind]) -> None:
        self._some = _picked(texts, None, [hint for kind in kinds for hint in kind.hints])
        self._wide = _picked(texts, wide, [hint for kind in kinds for hint in kind.wide_hints])
        self._tried: dict[tuple[str, bool], list[int]] = {}

    def by(self, kind: Kind) -> list[int]:
        parts = [self._try(hint, is_wide=False) for hint in kind.hints]
        parts += [self._try(hint, is_wide=True) for hint in kind.wide_hints]
        return parts[0] if len(parts) == 1 else sorted({number for part in parts for number in part})

    def _try(self, hint: str | Hint, *, is_wide: bool) -> list[int]:
        exact = hint if isinstance(hint, str) else hint.exact
        if (exact, is_wide) not in self._tried:
            numbers, texts = self._wide if is_wide else self._some
            self._tried[exact, is_wide] = numbers.filter(texts.str.contains(exact)).to_list()
        return self._tried[exact, is_wide]


def _picked(texts: pl.Series, among: pl.Series | None, hints: Sequence[str | Hint]) -> tuple[pl.Series, pl.Series]:
    """Return the numbers of the texts that may match a hint, and these texts."""
    rough = list(dict.fromkeys(hint if isinstance(hint, str) else hint.rough for hint in hints))
    short = "|".join(one for one in rough if len(one) < _LONG)
    expressions = [*([short] if short else []), *(one for one in rough if len(one) >= _LONG)]
    those = texts if among is None else texts.gather(among)
    hits = pl.Series([False], dtype=pl.Boolean).new_from_index(0, len(those))
    for expression in expressions:
        hits |= those.str.contains(expression).fill_null(False)
    places = hits.arg_true()
    return places if among is None else among.gather(places), those.gather(places)


def _with_folded(texts: pl.Series, wide: pl.Series) -> pl.Series:
    foldable = wide.filter(texts.gather(wide).str.contains(FOLDABLE))
    if not len(foldable):
        return texts
    return texts.clone().scatter(foldable, [folded(text) for text in texts.gather(foldable).to_list()])
