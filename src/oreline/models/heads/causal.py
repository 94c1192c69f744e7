"""A causal language model: what it writes behind a text, and what a text costs it.

Shape suffixes: B rows of one batch, T tokens, P places with a target, D width, V vocabulary.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from oreline.generation import Generation
from oreline.models.adapted import open_classifier
from oreline.models.batch import Batch, make_batch
from oreline.models.generation import Answer, best_first, keep_token_settings, sequences, token_costs
from oreline.models.pooling import mean_over_tokens

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Head:
    """The layer that writes over the vocabulary, as the start model has it; the loss is that of the marked tokens."""

    packs = True
    """Several texts may share a row: `make_batch` keeps them from seeing one another."""

    def __init__(self, *, num_labels: int = 1, pooling: str | None = None, label_smoothing: float = 0.0) -> None:
        """Describe the head.

        Args:
            num_labels: ignored: what is written is not one of K labels.
            pooling: ignored: every token is read.
            label_smoothing: share ε of the target that is spread evenly over the vocabulary.
        """
        self.label_smoothing = label_smoothing

    def module(self, folder: Path) -> Any:
        """Open a causal language model, or an adapter with its base."""
        model = open_classifier(folder, 1, pooling="causal")
        keep_token_settings(model)
        return model

    def make_batch(
        self,
        rows: Sequence[NDArray[np.int32]],
        pad_id: int,
        *,
        segments: Sequence[NDArray[np.int32]] | None = None,
        targets: Sequence[NDArray[np.int64]] | None = None,
        device: torch.device | str = "cpu",
    ) -> Batch:
        """Stack rows as `oreline.models.batch.make_batch` does; `segments` number the texts that share a row.

        No token sees what stands behind it, so that padding on the right needs no mask. Positions that begin anew tell
        transformers (5.0 and later) that what stands before them is another text.
        """
        batch = make_batch(rows, pad_id, targets=targets, device=device)
        if targets is None:
            return batch
        if segments is None:
            return replace(batch, mask_BT=None)
        positions_BT = np.zeros(tuple(batch.ids_BT.shape), dtype=np.int64)
        for place, numbers_T in enumerate(segments):
            positions_BT[place] = text_positions(numbers_T, positions_BT.shape[1])
        return replace(batch, mask_BT=None, positions_BT=torch.from_numpy(positions_BT).to(device))

    def loss(self, model: Any, batch: Batch) -> Tensor:
        """Return the summed loss of the marked tokens in nats; divided by `Batch.weight`, their number, it is the mean.

        (1 − ε) · −log p(y) + ε · mean over the vocabulary of −log p(v) (https://arxiv.org/abs/1512.00567, section 7).
        """
        logits_BPV, targets_BP = self._predicted(model, batch)
        return F.cross_entropy(
            logits_BPV.float().transpose(1, 2),
            targets_BP,
            ignore_index=-100,
            reduction="sum",
            label_smoothing=self.label_smoothing,
        )

    def divergence(self, logits_BTV: Tensor, others_BTV: Tensor, targets_BT: Tensor) -> Tensor:
        """Return ½ KL(p ‖ q) + ½ KL(q ‖ p) of the marked tokens, summed for each row, (B,), in nats."""
        log_p_BTV, log_q_BTV = logits_BTV[:, :-1].log_softmax(dim=2), others_BTV[:, :-1].log_softmax(dim=2)
        apart_BT = ((log_p_BTV.exp() - log_q_BTV.exp()) * (log_p_BTV - log_q_BTV)).sum(dim=2) / 2
        return (apart_BT * (targets_BT[:, 1:] != -100)).sum(dim=1)

    def costs(self, model: Any, batch: Batch) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Return what each row's marked tokens cost, in nats, not smoothed, (B,), and their number, (B,)."""
        with torch.inference_mode():
            logits_BPV, targets_BP = self._predicted(model, batch)
            nats_B = token_costs(logits_BPV, targets_BP).sum(dim=1)
        return nats_B.double().cpu().numpy(), (targets_BP != -100).sum(dim=1).cpu().numpy()

    def logits(self, model: Any, batch: Batch) -> Tensor:
        """Return the scores of every next token, (B, T, V)."""
        found: Tensor = model(**batch.inputs(), use_cache=False).logits
        return found

    def write(
        self,
        model: Any,
        batch: Batch,
        generation: Generation,
        keys_B: NDArray[np.uint64],
        end_ids: Sequence[int] | None = None,
    ) -> tuple[list[list[Answer]], NDArray[np.float32]]:
        """Go on writing behind the rows of a batch.

        Args:
            model: what `module` returned.
            batch: prompts, padded on the right.
            generation: how it is written.
            keys_B: what samples are drawn by.
            end_ids: tokens that end an answer; the model's own when not given.

        Returns:
            For each row its answers, best first, and the mean of the last layer's states over the prompt, (B, D).
        """
        mask_BT = batch.mask_BT if batch.mask_BT is not None else torch.ones_like(batch.ids_BT)
        ids_BT, left_mask_BT = padded_left(batch.ids_BT, mask_BT)
        with torch.inference_mode():
            given = {"input_ids": ids_BT, "attention_mask": left_mask_BT}
            width = ids_BT.shape[1]
            written = sequences(model, given, generation, keys_B, end_ids=end_ids, prompt_length=width)
            states_BTD = model.base_model(input_ids=batch.ids_BT, attention_mask=batch.mask_BT, use_cache=False)[0]
            embedding_BD = mean_over_tokens(states_BTD, mask_BT)
        return self._scored(model, batch, mask_BT, written), embedding_BD.float().cpu().numpy()

    def _scored(self, model: Any, batch: Batch, mask_BT: Tensor, written: list[list[list[int]]]) -> list[list[Answer]]:
        """Return the answers with their mean log-probabilities, by one pass over prompts and answers, best first."""
        num_each = len(written[0])
        prompts = [ids_T[mask_T.bool()].cpu().numpy() for ids_T, mask_T in zip(batch.ids_BT, mask_BT)]
        rows, targets = [], []
        for prompt, answers in zip(prompts, written):
            for ids in answers:
                rows.append(np.concatenate([prompt, ids]).astype(np.int32))
                targets.append(np.concatenate([np.full(len(prompt), -100), ids]).astype(np.int64))
        scored = self.make_batch(rows, 0, targets=targets, device=batch.ids_BT.device)
        nats_A, tokens_A = self.costs(model, scored)
        flat = [
            Answer(ids, -float(nats) / max(int(tokens), 1))
            for ids, nats, tokens in zip((ids for answers in written for ids in answers), nats_A, tokens_A, strict=True)
        ]
        return [best_first(flat[start : start + num_each]) for start in range(0, len(flat), num_each)]

    def _predicted(self, model: Any, batch: Batch) -> tuple[Tensor, Tensor]:
        """Return the scores of the marked tokens only, (B, P, V), and the tokens, (B, P), -100 where none.

        The vocabulary is many times wider than a state: what no loss needs is not computed.
        """
        if batch.targets is None:
            raise ValueError("the batch has no targets")
        next_BT = batch.targets[:, 1:]
        places_P = torch.nonzero((next_BT != -100).any(dim=0))[:, 0]
        if "logits_to_keep" in inspect.signature(model.forward).parameters:
            logits_BPV = model(**batch.inputs(), use_cache=False, logits_to_keep=places_P).logits
        else:
            logits_BPV = self.logits(model, batch)[:, places_P]
        return logits_BPV, next_BT[:, places_P]


def text_positions(numbers_T: NDArray[np.integer], width: int) -> NDArray[np.int64]:
    """Return each token's place in its own text, given the numbers of the texts; padding is a text of its own.

    >>> text_positions(np.array([0, 0, 0, 1, 1]), 7).tolist()
    [0, 1, 2, 0, 1, 0, 1]
    """
    padded_T = np.concatenate([numbers_T, np.full(width - len(numbers_T), -1, dtype=np.int64)])
    begins = np.flatnonzero(np.diff(padded_T, prepend=-2))
    return np.arange(width) - np.repeat(begins, np.diff(begins, append=width))


def padded_left(ids_BT: Tensor, mask_BT: Tensor) -> tuple[Tensor, Tensor]:
    """Move the padding of a batch from the right to the left, where what is written does not touch it.

    >>> padded_left(torch.tensor([[5, 6], [7, 0]]), torch.tensor([[1, 1], [1, 0]]))[0].tolist()
    [[5, 6], [0, 7]]
    """
    shifts_B = ids_BT.shape[1] - mask_BT.sum(dim=1)
    places_BT = (torch.arange(ids_BT.shape[1], device=ids_BT.device) - shifts_B[:, None]) % ids_BT.shape[1]
    return ids_BT.gather(1, places_BT), mask_BT.gather(1, places_BT)
