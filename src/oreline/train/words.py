"""Words as rows: what an encoder returns for each word that has a target, computed once and kept in a file.

Shape suffixes: B rows of one batch, T tokens, M words of all rows, D width, K tags.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from oreline.errors import DataError, ResourceError, amount
from oreline.runtime.batching import length_batches
from oreline.runtime.windows import cut
from oreline.train.linear import Linear, fit_classes
from oreline.types import Encoded

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from oreline.train.encoder import EncoderTraining
    from oreline.train.job import Rows

IGNORED = -100
"""Target of a token that has none."""
BY_WORD = ("tags", "frames")
"""Views of tasks that answer every word."""


def by_token(task: Any, encoded: Encoded, rows: Rows, max_tokens: int) -> tuple[Encoded, list[NDArray[np.int64]]]:
    """Return rows in windows, and what each of their tokens is trained to answer.

    Raises `DataError` for a row that has more or fewer targets than words.
    """
    targets = []
    for number, (ids, words, target_W) in enumerate(zip(encoded.ids, encoded.words or (), rows.targets, strict=True)):
        if isinstance(target_W, np.ndarray) and len(words.places_W) != len(target_W):
            raise DataError(
                f"a row has {amount(len(words.places_W), 'word')} and {amount(len(target_W), 'tag')}",
                allowed="one tag for each word",
                remedy="split text and tags alike, or give the words as a list",
                row=number,
            )
        targets.append(task.token_targets(words, target_W, len(ids)))
    windows = cut(encoded, max_tokens)
    return windows.encoded, [targets[row][pick] for row, pick in zip(windows.rows_B, windows.picks)]


def some_rows(targets: Sequence[NDArray[np.int64]], max_words: int, seed: int) -> NDArray[np.int64]:
    """Return the numbers of as many rows, drawn at random, as have so many words with a target; all where they fit.

    >>> targets = [np.array([0, 1]), np.array([-100, 2, 2])]
    >>> some_rows(targets, 4, 0).tolist(), len(some_rows(targets, 3, 0))
    ([0, 1], 1)
    """
    counts = np.asarray([int((row_T != IGNORED).sum()) for row_T in targets], dtype=np.int64)
    order = np.random.default_rng(seed).permutation(len(counts))
    num_taken = int(np.searchsorted(np.cumsum(counts[order]), max_words, side="right"))
    return np.sort(order[: max(num_taken, 1)])


def word_states(
    training: EncoderTraining, pieces: Encoded, targets: Sequence[NDArray[np.int64]], file: Path
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return the states of all words with a target, (M, D), memory-mapped in `file`, and their targets, (M,).

    Raises `ResourceError` where the disk has no room for them.
    """
    kept = [row_T != IGNORED for row_T in targets]
    starts = np.concatenate([[0], np.cumsum([int(row_T.sum()) for row_T in kept])]).astype(np.int64)
    shape = (int(starts[-1]), int(training.model.config.hidden_size))
    try:
        with file.open("wb") as fresh:
            _reserve(fresh, 4 * shape[0] * shape[1])  # now: a full disk under a map would end the process
    except OSError as error:
        file.unlink(missing_ok=True)
        raise ResourceError(
            f"{shape[0]:,} words take {4 * shape[0] * shape[1] / 2**30:.2f} GiB of disk: {error.strerror}",
            where=str(file.parent),
            remedy="a smaller max_words, or another disk",
        ) from error
    states_MD = np.memmap(file, np.float32, mode="r+", shape=shape)
    training.model.eval()
    lengths_N = np.asarray([len(ids) for ids in pieces.ids], dtype=np.int64)
    for rows in length_batches(lengths_N, training.predict_tokens):
        with torch.inference_mode():
            batch = training.batch(pieces, rows, None)
            hidden_BTD = training.model.base_model(**batch.inputs()).last_hidden_state.float().cpu().numpy()
        for place, row in enumerate(rows):
            states_MD[starts[row] : starts[row + 1]] = hidden_BTD[place, : lengths_N[row]][kept[row]]
    return states_MD, np.concatenate([row_T[keep] for row_T, keep in zip(targets, kept)])


def fit_words(
    states_MD: NDArray[np.float32],
    targets_M: NDArray[np.int64],
    dev: tuple[NDArray[np.float32], NDArray[np.int64]] | None,
    strengths: Sequence[float],
    num_labels: int,
    weights_M: NDArray[np.float32] | None = None,
) -> Linear:
    """Fit a logistic regression over words for each strength; return the one with the lowest loss on dev.

    Without dev, the last one. A word counts as `weights_M` says.
    """
    fitted = fit_classes(states_MD, targets_M, num_labels, strengths, max_iterations=1000, row_weights_N=weights_M)
    if dev is None or not len(dev[1]):
        return fitted[-1]
    return min(fitted, key=lambda layer: _loss(layer, *dev))


def _loss(layer: Linear, states_MD: NDArray[np.float32], targets_M: NDArray[np.int64]) -> float:
    """Return the mean −log p(tag), in nats."""
    logits_MK = states_MD @ layer.weight_KF.T + layer.bias_K
    logits_MK -= logits_MK.max(axis=1, keepdims=True)
    chosen_M = logits_MK[np.arange(len(targets_M)), targets_M]
    return float((np.log(np.exp(logits_MK).sum(axis=1)) - chosen_M).mean())


def _reserve(stream: Any, num_bytes: int) -> None:
    """Take the room on the disk. Raises `OSError` where there is none."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(stream.fileno(), 0, num_bytes)
    else:
        stream.truncate(num_bytes)
