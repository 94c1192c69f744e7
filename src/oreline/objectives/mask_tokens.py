"""Masked tokens: predict what stood at hidden places.

Shape suffixes: B rows of one batch, T tokens, D width, M predicted places, V vocabulary.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from oreline.errors import UsageError
from oreline.models.batch import Batch

IGNORED = -100


class Objective:
    """Masked language modelling as in BERT (Devlin et al. 2019, section 3.1).

    A share of the tokens is predicted; of those, 80 % are shown as `[MASK]`, 10 % as a random token, 10 % as they are,
    so that the encoder must also read tokens that are not masked. Special tokens are never predicted.

    Args:
        share: share of the tokens that is predicted, between 0 and 1.
        masked: share of the predicted tokens shown as `[MASK]`.
        random: share of the predicted tokens shown as a random token; the rest is shown as it is.

    Raises:
        UsageError: a share is not between 0 and 1, or `masked` and `random` exceed 1 together.
    """

    def __init__(self, *, share: float = 0.15, masked: float = 0.8, random: float = 0.1) -> None:
        if not 0 < share < 1 or min(masked, random) < 0 or masked + random > 1:
            raise UsageError(
                f"share={share}, masked={masked}, random={random} is not a corruption",
                allowed="0 < share < 1, masked + random ≤ 1",
            )
        self.share, self.masked, self.random = share, masked, random

    def corrupt(
        self, ids_BT: Tensor, special_BT: Tensor, generator: torch.Generator, *, mask_id: int, vocab_size: int
    ) -> tuple[Tensor, Tensor]:
        """Return `(corrupted_BT, targets_BT)`; targets are -100 where nothing is predicted.

        Args:
            ids_BT: token ids, not changed.
            special_BT: True where a token is special and must stay.
            generator: the source of randomness; the same state gives the same corruption.
            mask_id: id of `[MASK]`.
            vocab_size: V; random tokens are drawn from all of it.
        """
        draw_BT = torch.rand(ids_BT.shape, generator=generator)
        chosen_BT = (draw_BT < self.share) & ~special_BT
        # One draw decides both: within the chosen, draw / share is uniform again.
        within_BT = draw_BT / self.share
        random_BT = torch.randint(vocab_size, ids_BT.shape, generator=generator)
        corrupted_BT = torch.where(chosen_BT & (within_BT < self.masked), mask_id, ids_BT)
        swapped_BT = chosen_BT & (within_BT >= self.masked) & (within_BT < self.masked + self.random)
        corrupted_BT = torch.where(swapped_BT, random_BT, corrupted_BT)
        return corrupted_BT, torch.where(chosen_BT, ids_BT, IGNORED)

    def loss(self, model: Any, batch: Batch) -> Tensor:
        """Return the summed loss over the predicted places, in nats.

        Logits are computed at those places only: over a vocabulary of 30,522 the other 85 % of the output layer would
        be a fifth of the whole work of a small encoder.
        """
        if batch.targets is None:
            raise ValueError("the batch has no targets: corrupt it first")
        places_BT = batch.targets != IGNORED
        targets_M = batch.targets[places_BT]
        if head := _output_layer(model):
            hidden_BTD = model.base_model(**batch.inputs()).last_hidden_state
            logits_MV = head(hidden_BTD[places_BT])
        else:
            logits_MV = model(**batch.inputs()).logits[places_BT]
        return F.cross_entropy(logits_MV.float(), targets_M, reduction="sum")


def _output_layer(model: Any) -> Any | None:
    """Return the one module beside the body (BERT's `cls`, RoBERTa's `lm_head`), None where there are several."""
    beside = [child for child in model.children() if child is not model.base_model]
    return beside[0] if len(beside) == 1 else None
