"""Keep documents that do not repeat themselves, by Gopher's rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from oreline.data.quality.rules import Calibration, Rules, Side
from oreline.errors import UsageError

_BOUNDS: dict[str, tuple[str, Side]] = {
    f"max_{name}": (name, "high")
    for name in (
        "dup_lines", "dup_paragraphs", "dup_line_chars", "dup_paragraph_chars",
        *(f"top_{n}_gram" for n in (2, 3, 4)), *(f"dup_{n}_gram" for n in range(5, 11)),
    )
}  # fmt: skip
_TOP = (0.20, 0.18, 0.16)
_DUPLICATED = (0.15, 0.14, 0.13, 0.12, 0.11, 0.10)
_CHINESE_TOP = (0.256, 0.201, 0.171)
_CHINESE_DUPLICATED = (0.198, 0.182, 0.167, 0.154, 0.140, 0.127)


class Operator:
    """Drop documents that repeat lines, paragraphs or n-grams of words: Gopher's rules, English and Chinese.

    Words as in `keep_gopher_quality`; case does not count. A bound that is null is off.
    Source: Rae et al. 2021 (arXiv 2112.11446, table A1); for Chinese FineWeb-2's `cmn_Hani` (Penedo et al. 2025), which
    leaves paragraphs and the characters of lines out.

    Args:
        max_dup_lines: share of lines that were there before; Chinese 0.287.
        max_dup_paragraphs: share of paragraphs that were there before; Chinese off.
        max_dup_line_chars: share of characters in such lines; Chinese off.
        max_dup_paragraph_chars: share of characters in such paragraphs; Chinese off.
        max_top_gram: share of characters in the most frequent 2-, 3- and 4-gram; one that occurs once does not count.
        max_dup_gram: share of characters in 5- to 10-grams that were there before, six values.
        chinese: bounds for Chinese rows, by these names: `{max_dup_lines: 0.3, max_top_gram: [0.3, 0.2, 0.2]}`.
        column: the column with the text.

    >>> frame = pl.DataFrame({"row_id": ["a:1", "a:2"], "text": ["Buy now! Buy now! Buy now! Buy now!", "Good."]})
    >>> Operator().keep(frame).to_list()
    ['gopher_repetition: top_2_gram', None]
    """

    def __init__(
        self,
        *,
        max_dup_lines: float | None = 0.30,
        max_dup_paragraphs: float | None = 0.30,
        max_dup_line_chars: float | None = 0.20,
        max_dup_paragraph_chars: float | None = 0.20,
        max_top_gram: Sequence[float | None] = _TOP,
        max_dup_gram: Sequence[float | None] = _DUPLICATED,
        chinese: Mapping[str, float | Sequence[float | None] | None] | None = None,
        column: str = "text",
    ) -> None:
        given = {
            "max_dup_lines": max_dup_lines,
            "max_dup_paragraphs": max_dup_paragraphs,
            "max_dup_line_chars": max_dup_line_chars,
            "max_dup_paragraph_chars": max_dup_paragraph_chars,
            "max_top_gram": max_top_gram,
            "max_dup_gram": max_dup_gram,
        }
        published = {
            "max_dup_lines": 0.287,
            "max_dup_paragraphs": None,
            "max_dup_line_chars": None,
            "max_dup_paragraph_chars": None,
            "max_top_gram": _CHINESE_TOP,
            "max_dup_gram": _CHINESE_DUPLICATED,
        }
        own = _spread(chinese or {})
        self.rules = Rules(
            "gopher_repetition", _BOUNDS, _spread(given), chinese=_spread(published), own=own, column=column
        )

    def calibration(self, frame: pl.DataFrame) -> Calibration:
        """Return what is measured of rows, with the bounds."""
        return self.rules.calibration(frame)

    def keep(self, frame: pl.DataFrame) -> pl.Series:
        """Return the first bound that a row lies beyond, null for each row that stays."""
        return self.rules.reasons(frame)


def _spread(given: Mapping[str, float | Sequence[float | None] | None]) -> dict[str, float | None]:
    """Give each n-gram's bound a name of its own. Raises `UsageError` unless there is one for each."""
    found: dict[str, float | None] = {}
    for name, value in given.items():
        sizes = {"max_top_gram": range(2, 5), "max_dup_gram": range(5, 11)}.get(name)
        if sizes is None:
            found[name] = value  # type: ignore[assignment]
            continue
        values = list(value) if isinstance(value, Sequence) else [value]
        if len(values) != len(sizes):
            raise UsageError(
                f"keep_gopher_repetition: {name} has {len(values)} values",
                allowed=f"{len(sizes)}, for {sizes.start}- to {sizes.stop - 1}-grams",
            )
        found.update({name.replace("gram", f"{size}_gram"): bound for size, bound in zip(sizes, values)})
    return found
