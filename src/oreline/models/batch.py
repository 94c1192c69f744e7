"""Rows of token ids as one padded batch of tensors.

Shape suffixes: B rows of one batch, T tokens, D width.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

if TYPE_CHECKING:
    from numpy.typing import NDArray


KNOWN_STATES = "known_states"
"""The input that states of the lowest layers are given by; `models.prefix` takes it before the model is called."""


@dataclass(frozen=True, slots=True)
class Batch:
    """What one forward pass takes."""

    ids_BT: Tensor
    mask_BT: Tensor | None
    """1 for real tokens; None when no row is padded, which spares the attention its masking."""
    num_tokens: int
    """Real tokens, padding not counted."""
    segments_BT: Tensor | None = None
    positions_BT: Tensor | None = None
    """Each token's place in its own text, where several texts share a row; they then do not see one another."""
    targets: Tensor | None = None
    weight: float = 0.0
    """How many terms the loss sums: rows for a classifier, predicted tokens for a language model."""
    states_BTD: Tensor | None = None
    """What the lowest layers return for these tokens, where it is known: the model starts above them."""
    places_B2: Tensor | None = None
    """Two tokens of each row that are read with the pooling `marks`."""
    row_weights_B: Tensor | None = None
    """What each row's terms count; None where all count the same."""

    @property
    def num_rows(self) -> int:
        """Number of rows."""
        return int(self.ids_BT.shape[0])

    def weighed(self, terms_B: Tensor) -> Tensor:
        """Return a term of each row times what the row counts."""
        return terms_B if self.row_weights_B is None else terms_B * self.row_weights_B

    def inputs(self) -> dict[str, Tensor]:
        """Return the keyword arguments of a transformers model."""
        named = {"input_ids": self.ids_BT, "attention_mask": self.mask_BT, "token_type_ids": self.segments_BT}
        named |= {"position_ids": self.positions_BT, KNOWN_STATES: self.states_BTD}
        return {name: tensor for name, tensor in named.items() if tensor is not None}


def make_batch(
    rows: Sequence[NDArray[np.int32]],
    pad_id: int,
    *,
    segments: Sequence[NDArray[np.int32]] | None = None,
    targets: NDArray[Any] | Sequence[NDArray[np.int64]] | None = None,
    places: Sequence[NDArray[np.int32]] | None = None,
    width: int | None = None,
    device: torch.device | str = "cpu",
) -> Batch:
    """Stack rows, padded on the right to the longest, or to a width that is no less; targets of tokens likewise.

    Targets are one for each row, or a list of arrays: one for each token, -100 where there is none, or the tokens of
    an answer, of any length.

    >>> batch = make_batch([np.array([5, 6], np.int32), np.array([7], np.int32)], pad_id=0)
    >>> batch.ids_BT.tolist(), batch.mask_BT.tolist(), batch.num_tokens
    ([[5, 6], [7, 0]], [[1, 1], [1, 0]], 3)
    """
    lengths_B = np.asarray([len(row) for row in rows], dtype=np.int64)
    longest = max(int(lengths_B.max(initial=0)), 1)
    added = max((width or 0) - longest, 0)
    width = longest + added
    stacked, weight = None, float(len(rows))
    if isinstance(targets, np.ndarray):
        stacked = torch.from_numpy(targets)
    elif targets is not None:
        stacked = _stack(targets, max(map(len, targets), default=0) + added, -100)
        weight = float((stacked != -100).sum())
    padded = bool((lengths_B < width).any())
    mask_BT = torch.from_numpy((np.arange(width) < lengths_B[:, None]).astype(np.int64)) if padded else None
    return Batch(
        ids_BT=to_device(_stack(rows, width, pad_id), device),
        mask_BT=to_device(mask_BT, device) if mask_BT is not None else None,
        num_tokens=int(lengths_B.sum()),
        segments_BT=to_device(_stack(segments, width, 0), device) if segments is not None else None,
        targets=to_device(stacked, device) if stacked is not None else None,
        weight=weight,
        places_B2=to_device(_stack(places, 2, 0), device) if places is not None else None,
    )


def to_device(tensor: Tensor, device: torch.device | str) -> Tensor:
    """Move a tensor; to a GPU from pinned memory, without waiting: a copy from other memory may wait for it."""
    if torch.device(device).type != "cuda":
        return tensor.to(device)
    return tensor.pin_memory().to(device, non_blocking=True)


def _stack(rows: Sequence[NDArray[np.integer]], width: int, fill: int) -> Tensor:
    stacked_BT = np.full((len(rows), width), fill, dtype=np.int64)
    for index, row in enumerate(rows):
        stacked_BT[index, : len(row)] = row
    return torch.from_numpy(stacked_BT)
