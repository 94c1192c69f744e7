"""When two texts count as the same: folding of case, width and white space, and hashes of what is left.

Duplicates, leaks, and "was this row trained on?" all ask the same question, so they share this one answer.
Shape suffixes: N rows.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

INPUT_ROLES = ("text", "text_pair")
"""Roles whose folded texts, together, say whether two rows are the same."""

_SEPARATOR = "\x1f"
"""Stands between columns, so that ("a b", "c") and ("a", "b c") differ; refined text holds no control characters."""
_CHANGED_BY_NFKC = (
    r"[^\x00-\x7f\x{c0}-\x{ff}\x{2013}\x{2014}\x{2018}\x{2019}\x{201c}\x{201d}\x{3001}\x{3002}\x{4e00}-\x{9fff}]"
)
"""What normalising might change: neither ASCII, letters such as é, common Han, nor the commonest marks of both."""


def folded(column: str) -> pl.Expr:
    """Return a column with compatibility forms (NFKC, full width to half), case and white space folded.

    >>> pl.DataFrame({"text": ["Ｇreat\\t FILM ", "great film"]}).select(folded("text"))["text"].to_list()
    ['great film', 'great film']
    """
    return pl.col(column).map_batches(_fold, return_dtype=pl.String)


def joined(columns: Sequence[str]) -> pl.Expr:
    """Return the input texts of a row as one, each on lines of its own."""
    return pl.concat_str([pl.col(column).fill_null("") for column in columns], separator="\n")


def row_hashes(frame: pl.DataFrame, columns: Sequence[str]) -> NDArray[np.uint64]:
    """Return 8 bytes of BLAKE2b over the folded columns of each row, shape (N,).

    The same on every machine and in every version, so artifacts can store it. A null counts as an empty text.

    >>> a, b = row_hashes(pl.DataFrame({"text": ["Good", "good "]}), ["text"])
    >>> bool(a == b)
    True
    """
    return np.frombuffer(_digests(frame, columns, size_bytes=8), dtype="<u8").astype(np.uint64, copy=False)


def wide_hashes(frame: pl.DataFrame, columns: Sequence[str]) -> pl.DataFrame:
    """Return 16 bytes of BLAKE2b over the folded columns as the columns `hash_high` and `hash_low`.

    At 128 bits, ten billion rows hold two different texts of equal hash with a probability below 1e-18.
    """
    words_N2 = np.frombuffer(_digests(frame, columns, size_bytes=16), dtype="<u8").reshape(-1, 2)
    return pl.DataFrame({"hash_high": words_N2[:, 0].copy(), "hash_low": words_N2[:, 1].copy()})


def fingerprints(frame: pl.DataFrame, columns: Sequence[str]) -> NDArray[np.uint64]:
    """Return 16 bytes for the columns of each row as they are, shape (N, 2): fast, and for one version of Polars only.

    >>> same = fingerprints(pl.DataFrame({"text": ["a", "b", "a"]}), ["text"])[:, 0]
    >>> bool(same[0] == same[2]), bool(same[0] == same[1])
    (True, False)
    """
    texts = frame.select(pl.concat_str([pl.col(column).fill_null("") for column in columns], separator=_SEPARATOR))
    halves = [texts.to_series().hash(seed=2 * len(columns) + half) for half in range(2)]
    return np.stack([half.to_numpy() for half in halves], axis=1)


def changed_where(text: pl.Series, is_affected: pl.Series, change: Callable[[pl.Series], pl.Series]) -> pl.Series:
    """Apply a change to the affected texts only: what normalises a whole column wastes its time on plain ASCII."""
    positions = is_affected.fill_null(False).arg_true()
    if not len(positions):
        return text
    if len(positions) == len(text):
        return change(text)
    return text.clone().scatter(positions, change(text.gather(positions)))


def is_foreign(text: pl.Series) -> pl.Series:
    """Return which texts hold more than ASCII."""
    return text.str.len_bytes() != text.str.len_chars()


def _fold(text: pl.Series) -> pl.Series:
    compatible = changed_where(text, is_foreign(text), _compatible)
    lowered = compatible.str.to_lowercase()
    spaced = changed_where(lowered, lowered.str.contains(r"[^\S ]|  "), _single_spaces)
    return spaced.str.strip_chars()


def _single_spaces(text: pl.Series) -> pl.Series:
    # What `\s+` would do; but single spaces are no match, which makes it eight times faster.
    return text.str.replace_all(r"[^\S ]\s*| \s+", " ")


def _compatible(text: pl.Series) -> pl.Series:
    return changed_where(text, text.str.contains(_CHANGED_BY_NFKC), lambda some: some.str.normalize("NFKC"))


def _digests(frame: pl.DataFrame, columns: Sequence[str], *, size_bytes: int) -> bytes:
    parts = [folded(column).fill_null("") for column in columns]
    joined = frame.select(pl.concat_str(parts, separator=_SEPARATOR)).to_series()
    return b"".join([hashlib.blake2b(text.encode(), digest_size=size_bytes).digest() for text in joined.to_list()])
