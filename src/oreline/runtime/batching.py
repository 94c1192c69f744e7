"""Cut rows into batches of near-equal length, and put the answers back in order.

Shape suffixes: N rows, B rows of one batch, T tokens.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np

from oreline.types import Columns, Encoded, Predictions

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from oreline.types import Runtime

CHUNK_ROWS = 4096
"""Rows that are tokenised and sorted together: bounds memory, long enough that lengths group well."""


def length_batches(lengths_N: NDArray[np.int64], token_budget: int, max_rows: int = 256) -> list[NDArray[np.int64]]:
    """Cut rows, longest first, into batches whose padded size stays within the budget.

    A row longer than the budget gets a batch of its own. Returns index arrays; each row occurs once.

    >>> [batch.tolist() for batch in length_batches(np.array([3, 9, 4, 8]), token_budget=18)]
    [[1, 3], [2, 0]]
    """
    order = np.argsort(-lengths_N, kind="stable")
    batches, start = [], 0
    while start < len(order):
        longest = max(int(lengths_N[order[start]]), 1)
        rows = min(max(token_budget // longest, 1), max_rows)
        batches.append(order[start : start + rows])
        start += rows
    return batches


def pad(
    rows: Sequence[NDArray[np.int32]], pad_id: int, multiple: int = 1
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Stack rows into `(ids_BT, mask_BT)`, padded on the right to the longest row (or a multiple above it).

    >>> pad([np.array([5, 6], np.int32), np.array([7], np.int32)], pad_id=0)[0].tolist()
    [[5, 6], [7, 0]]
    """
    longest = max((len(row) for row in rows), default=0)
    width = -(-max(longest, 1) // multiple) * multiple
    ids_BT = np.full((len(rows), width), pad_id, dtype=np.int64)
    mask_BT = np.zeros((len(rows), width), dtype=np.int64)
    for index, row in enumerate(rows):
        ids_BT[index, : len(row)] = row
        mask_BT[index, : len(row)] = 1
    return ids_BT, mask_BT


def take(encoded: Encoded, rows: NDArray[np.int64]) -> Encoded:
    """Return some rows of encoded input, in the given order."""
    segments = [encoded.segments[row] for row in rows] if encoded.segments is not None else None
    words = [encoded.words[row] for row in rows] if encoded.words is not None else None
    places = [encoded.places[row] for row in rows] if encoded.places is not None else None
    return Encoded([encoded.ids[row] for row in rows], encoded.truncated_N[rows], segments, words, places)


def join(parts: Sequence[Encoded]) -> Encoded:
    """Put encoded rows of one task together; of no parts, no rows."""
    segments = [row for part in parts for row in part.segments or ()]
    words = [row for part in parts for row in part.words or ()]
    places = [row for part in parts for row in part.places or ()]
    return Encoded(
        [ids for part in parts for ids in part.ids],
        np.concatenate([np.empty(0, bool), *(part.truncated_N for part in parts)]),
        segments or None,
        words or None,
        places or None,
    )


def predict_in_batches(
    runtime: Runtime, columns: Columns, *, embeddings: bool = False, side_by_side: int = 1
) -> Predictions:
    """Tokenise, sort by length, run in batches and restore the order of the rows.

    Args:
        runtime: what tokenises and runs one batch.
        columns: the rows, by role.
        embeddings: whether the embeddings are wanted too.
        side_by_side: batches that run at the same time, each in a thread of its own.
    """
    num_rows = len(next(iter(columns.values()))) if columns else 0
    parts = []
    for start in range(0, max(num_rows, 1), CHUNK_ROWS):
        chunk = {role: values[start : start + CHUNK_ROWS] for role, values in columns.items()}
        parts.append(_predict_chunk(runtime, runtime.encode(chunk), embeddings, side_by_side))
    return concatenate(parts)


def concatenate(parts: Sequence[Predictions]) -> Predictions:
    """Join predictions of consecutive rows."""
    embedding = None
    if all(part.embedding_ND is not None for part in parts):
        embedding = np.concatenate([part.embedding_ND for part in parts if part.embedding_ND is not None])
    return Predictions(
        {name: np.concatenate([part.outputs[name] for part in parts]) for name in parts[0].outputs},
        embedding,
        np.concatenate([part.num_tokens_N for part in parts]),
        np.concatenate([part.truncated_N for part in parts]),
    )


def _predict_chunk(runtime: Runtime, encoded: Encoded, embeddings: bool, side_by_side: int) -> Predictions:
    lengths_N = np.asarray([len(ids) for ids in encoded.ids], dtype=np.int64)
    if not len(lengths_N):
        return runtime.forward(encoded, embeddings=embeddings)
    batches = length_batches(lengths_N, runtime.token_budget)
    with ThreadPoolExecutor(side_by_side) as pool:
        run = pool.map if side_by_side > 1 else map
        joined = concatenate(
            list(run(lambda rows: runtime.forward(take(encoded, rows), embeddings=embeddings), batches))
        )
    back = np.empty(len(lengths_N), dtype=np.int64)
    back[np.concatenate(batches)] = np.arange(len(lengths_N))
    return Predictions(
        {name: values[back] for name, values in joined.outputs.items()},
        joined.embedding_ND[back] if joined.embedding_ND is not None else None,
        joined.num_tokens_N[back],
        joined.truncated_N[back],
    )
