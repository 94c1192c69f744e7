"""Answer every word of a row, long rows in overlapping windows.

A row longer than the model is read window by window, each with the row's special tokens. A token that stands in two
windows takes the logits of the one in which it lies further from the edge, since there it sees more of its context on
the poorer side.

Shape suffixes: N rows, B windows, T tokens, W words of one row, D embedding width, K outputs.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from oreline.runtime.batching import length_batches, take
from oreline.runtime.open import reads_embedding, scored
from oreline.types import Encoded, Predictions, Runtime, Task, Written

if TYPE_CHECKING:
    from numpy.typing import NDArray

OVERLAP = 4
"""Two neighbouring windows share one part in so many."""
Forward = Callable[[Encoded], "tuple[NDArray[np.floating], NDArray[np.float32] | None]"]
"""Runs one batch: logits (B, K), or (B, T, K) where every word is answered, and the embeddings (B, D) or None."""
Run = Callable[..., "tuple[NDArray[np.floating], NDArray[np.float32] | None]"]
"""`run(encoded, embeddings=…)`, which `Forward` is once it is settled whether embeddings are asked for."""


class Windows(NamedTuple):
    """Rows cut into pieces that the model takes."""

    encoded: Encoded
    """The windows, special tokens included; without `words`, which belong to whole rows."""
    rows_B: NDArray[np.int64]
    """Which row each is of."""
    starts_B: NDArray[np.int64]
    """Where in its row's tokens between prefix and suffix each begins."""
    picks: list[NDArray[np.int64]]
    """Which of its row's tokens each holds."""


def cut(encoded: Encoded, max_tokens: int) -> Windows:
    """Cut rows into windows of at most `max_tokens`; a row that fits is one window.

    >>> from oreline.types import WordTokens
    >>> ids, words = np.arange(12, dtype=np.int32), WordTokens(np.arange(1, 11, dtype=np.int32), 1, 1)
    >>> windows = cut(Encoded([ids], np.zeros(1, bool), None, [words]), max_tokens=8)
    >>> [ids.tolist() for ids in windows.encoded.ids], windows.starts_B.tolist()
    ([[0, 1, 2, 3, 4, 5, 6, 11], [0, 5, 6, 7, 8, 9, 10, 11]], [0, 4])
    """
    ids: list[NDArray[np.int32]] = []
    segments: list[NDArray[np.int32]] = []
    rows, starts, picks = [], [], []
    for row, (row_ids, words) in enumerate(zip(encoded.ids, encoded.words or (), strict=True)):
        for start, pick in _picks(len(row_ids), words.num_prefix, words.num_suffix, max_tokens):
            ids.append(row_ids[pick])
            if encoded.segments is not None:
                segments.append(encoded.segments[row][pick])
            rows.append(row)
            starts.append(start)
            picks.append(pick)
    cut_rows = Encoded(ids, np.zeros(len(ids), bool), segments or None)
    return Windows(cut_rows, np.asarray(rows, np.int64), np.asarray(starts, np.int64), picks)


def _picks(num_tokens: int, num_prefix: int, num_suffix: int, max_tokens: int) -> list[tuple[int, NDArray[np.int64]]]:
    """Return where each window of a row begins, and which of its tokens it holds. The last one is full, too."""
    body, room = num_tokens - num_prefix - num_suffix, max_tokens - num_prefix - num_suffix
    if body <= room:
        return [(0, np.arange(num_tokens))]
    stride = room - room // OVERLAP
    starts = [*range(0, body - room, stride), body - room]
    prefix, suffix = np.arange(num_prefix), np.arange(num_tokens - num_suffix, num_tokens)
    middle = np.arange(num_prefix, num_prefix + room)
    return [(start, np.concatenate([prefix, middle + start, suffix])) for start in starts]


def predict_words(
    encoded: Encoded, forward: Forward, task: Task, *, max_tokens: int, token_budget: int
) -> tuple[NDArray[Any], NDArray[np.float32] | None]:
    """Return the scores of every word, an object array of N arrays (W, K), and the embeddings (N, D) or None.

    Args:
        encoded: rows with `words`, of any length.
        forward: runs one batch of windows.
        task: activates the logits.
        max_tokens: that the model takes.
        token_budget: padded tokens of one batch of windows.

    The embedding of a row of several windows is their mean, each counted by its tokens.
    """
    if not encoded.ids:
        _, embedding_ND = forward(Encoded([], np.empty(0, bool)))
        return ragged([]), embedding_ND
    windows = cut(encoded, max_tokens)
    logits: list[Any] = [None] * len(windows.rows_B)
    vectors: list[Any] = [None] * len(windows.rows_B)
    lengths_B = np.asarray([len(ids) for ids in windows.encoded.ids], dtype=np.int64)
    for part in length_batches(lengths_B, token_budget):
        logits_BTK, embedding_BD = forward(take(windows.encoded, part))
        for position, window in enumerate(part):
            logits[window] = logits_BTK[position, : lengths_B[window]]
            vectors[window] = None if embedding_BD is None else embedding_BD[position]
    bounds = np.searchsorted(windows.rows_B, np.arange(len(encoded.ids) + 1))
    scores, embeddings = [], []
    for row, words in enumerate(encoded.words or ()):
        own = slice(bounds[row], bounds[row + 1])
        parts = _one_prefix(logits[own], words.num_prefix, getattr(task, "window_prefix", "first"))
        joined_TK = _joined(parts, windows.starts_B[own], words.num_prefix, words.num_suffix)
        scores.append(task.activate(joined_TK[words.places_W]))
        if vectors[own][0] is not None:
            embeddings.append(np.average(vectors[own], axis=0, weights=lengths_B[own]).astype(np.float32))
    return ragged(scores), np.stack(embeddings) if embeddings else None


def _one_prefix(logits: Sequence[NDArray[np.floating]], num_prefix: int, which: str) -> Sequence[NDArray[np.floating]]:
    """Return the windows of a row with the `first` one's prefix in front, or that whose first token scores `lowest`."""
    if which == "first" or len(logits) == 1:
        return logits
    lowest = min(logits, key=lambda own_TK: float(own_TK[0].sum()))
    return [np.concatenate([lowest[:num_prefix], logits[0][num_prefix:]]), *logits[1:]]


def _joined(
    logits: Sequence[NDArray[np.floating]], starts_B: NDArray[np.int64], num_prefix: int, num_suffix: int
) -> NDArray[np.floating]:
    """Return the logits of a row's tokens, (T, K), each from the window that sees most around it."""
    if len(logits) == 1:
        return logits[0]
    last = len(logits[-1]) - num_suffix
    body = int(starts_B[-1]) + last - num_prefix
    joined_TK = np.empty((num_prefix + body + num_suffix, logits[0].shape[1]), logits[0].dtype)
    joined_TK[:num_prefix], joined_TK[num_prefix + body :] = logits[0][:num_prefix], logits[-1][last:]
    seen_T = np.full(body, -1)
    for own_TK, start in zip(logits, starts_B):
        room = len(own_TK) - num_prefix - num_suffix
        context = np.minimum(np.arange(room), np.arange(room)[::-1])
        better = context > seen_T[start : start + room]
        places = start + np.flatnonzero(better)
        joined_TK[num_prefix + places] = own_TK[num_prefix : num_prefix + room][better]
        seen_T[places] = context[better]
    return joined_TK


def ragged(rows: Sequence[Any]) -> NDArray[Any]:
    """Return arrays of different lengths, or `Written` answers, as one object array of shape (N,)."""
    array = np.empty(len(rows), dtype=object)
    for place, row in enumerate(rows):
        array[place] = row
    return array


def by_row(scores: NDArray[Any], num_outputs: int) -> NDArray[np.float32]:
    """Return one score for each output and row, (N, K): of a row of words, the highest that any of them has.

    Of a written answer, its probability.

    >>> by_row(ragged([np.array([[0.9, 0.1], [0.2, 0.8]]), np.empty((0, 2))]), 2).tolist()
    [[0.8999999761581421, 0.800000011920929], [0.0, 0.0]]
    """
    if scores.dtype != object:
        return scores
    highest = [row.probabilities[:1] if isinstance(row, Written) else row.max(axis=0, initial=0.0) for row in scores]
    return np.asarray(highest, np.float32).reshape(len(scores), num_outputs)


def answered(runtime: Runtime, encoded: Encoded, run: Run, *, embeddings: bool) -> Predictions:
    """Return what a runtime answers to one batch: scores of each row, or of each of its words.

    Args:
        runtime: whose task and limits count.
        encoded: the rows.
        run: runs the model over what it takes at once.
        embeddings: whether the embeddings (B, D) are handed out.
    """
    forward = functools.partial(run, embeddings=embeddings or reads_embedding(runtime.task))
    if encoded.words is not None:
        limits = {"max_tokens": runtime.artifact.manifest.max_tokens, "token_budget": runtime.token_budget}
        return predictions(encoded, *predict_words(encoded, forward, runtime.task, **limits))
    logits_BK, embedding_BD = forward(encoded)
    scores_BK = scored(runtime.task, logits_BK, embedding_BD)
    return predictions(encoded, scores_BK, embedding_BD if embeddings else None)


def predictions(encoded: Encoded, scores: NDArray[Any], embedding_ND: NDArray[np.float32] | None) -> Predictions:
    """Return what a runtime hands out for rows."""
    lengths_N = np.asarray([len(ids) for ids in encoded.ids], dtype=np.int64)
    return Predictions({"scores": scores}, embedding_ND, lengths_N, encoded.truncated_N)
