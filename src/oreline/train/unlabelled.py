"""Texts without labels, joined end to end into rows that hold no padding, some of them held out to measure on.

Shape suffixes: N rows, T tokens of one row.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from oreline.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from oreline.data.dataset import Dataset

HELD_OUT_ROWS = 32


@dataclass(frozen=True, slots=True)
class PackedTexts:
    """Token ids: `rows_NT` to train on, `held_out_NT` to measure on, and the number of texts that train has."""

    rows_NT: NDArray[np.int32]
    held_out_NT: NDArray[np.int32]
    num_texts: int


def packed_texts(data: Dataset, tokenizer: Any, width: int, seed: int) -> PackedTexts:
    """Return the texts of a dataset as rows of `width` tokens.

    What is held out is of `dev`; without it, up to a tenth of train's own rows, which are then not trained on.

    Raises:
        DataError: no text to train on.
    """

    def rows_of(split: str) -> tuple[NDArray[np.int32], int]:
        texts = texts_of(data, split)
        ids = [np.asarray(encoding.ids, np.int32) for encoding in tokenizer.encode_batch_fast(texts)]
        return pack(ids, width, seed=seed), len(texts)

    rows_NT, num_texts = rows_of(trained_split(data))
    if data.manifest.splits.get("dev"):
        held_out_NT, _ = rows_of("dev")
        return PackedTexts(rows_NT, held_out_NT[:HELD_OUT_ROWS], num_texts)
    cut = min(HELD_OUT_ROWS, max(len(rows_NT) // 10, 1))
    return PackedTexts(rows_NT[cut:] if len(rows_NT) > cut else rows_NT, rows_NT[:cut], num_texts)


def pack(rows: Sequence[NDArray[np.int32]], width: int, *, seed: int) -> NDArray[np.int32]:
    """Join shuffled rows end to end and cut the stream into full rows of `width` tokens; shape (N, width).

    No token is padding. The tail that does not fill a row is left out; when nothing fills one, the stream is
    repeated until it does.

    >>> pack([np.array([1, 2, 3], np.int32), np.array([4, 5], np.int32)], 2, seed=0).shape
    (2, 2)
    """
    order = np.random.default_rng(seed).permutation(len(rows))
    stream = np.concatenate([rows[index] for index in order])
    if len(stream) < width:
        stream = np.resize(stream, width)
    num_rows = len(stream) // width
    return stream[: num_rows * width].reshape(num_rows, width)


def trained_split(data: Dataset) -> str:
    """Return `train`, or the one split of a dataset that was not divided."""
    return "train" if "train" in data.splits else data.splits[0]


def texts_of(data: Dataset, split: str) -> list[str]:
    """Return the texts of a split, without those that are missing.

    Raises:
        DataError: the data has no text column, or the split no text.
    """
    if "text" not in data.manifest.columns:
        raise DataError(
            "the data has no text column", where=str(data.path), remedy="refine it again with --text COLUMN"
        )
    texts = [str(text) for text in data.frame(split, ["text"])["text"].drop_nulls()]
    if not texts:
        raise DataError(
            "there is no text to train on",
            where=f"{data.path}, split {split!r}",
            remedy="check the text column (--text COLUMN), and the rows that refine dropped (report.html)",
        )
    return texts
