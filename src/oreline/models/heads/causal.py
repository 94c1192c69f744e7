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

from oreline.models.adapted import open_classifier
from oreline.models.batch import Batch, make_batch
from oreline.models.generation import Manner, keep_token_settings, sequences
from oreline.models.next_token import Answer, NextTokenHead, means_of, ranked, symmetric_divergence
from oreline.models.pooling import last_states, mean_over_tokens

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Head(NextTokenHead):
    """The layer that writes over the vocabulary, as the start model has it; the loss is that of the marked tokens."""

    packs = True
    """Several texts may share a row: `make_batch` keeps them from seeing one another."""

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

    def divergence(self, logits_BTV: Tensor, others_BTV: Tensor, targets_BT: Tensor) -> Tensor:
        """Return how far two runs lie apart on the marked tokens, summed for each row, (B,), in nats."""
        return symmetric_divergence(logits_BTV[:, :-1], others_BTV[:, :-1], targets_BT[:, 1:])

    def logits(self, model: Any, batch: Batch) -> Tensor:
        """Return the scores of every next token, (B, T, V)."""
        found: Tensor = model(**batch.inputs(), use_cache=False).logits
        return found

    def predicted(self, model: Any, batch: Batch) -> tuple[Tensor, Tensor]:
        """Return the scores of the marked tokens only, (B, P, V), and the tokens, (B, P), -100 where there is none.

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

    def write(self, model: Any, batch: Batch, manner: Manner) -> tuple[list[list[Answer]], NDArray[np.float32]]:
        """Go on writing behind the rows of a batch, prompts that are padded on the right.

        Returns for each row its answers, best first, and the mean of the last layer's states over the prompt, (B, D).
        """
        mask_BT = batch.mask_BT if batch.mask_BT is not None else torch.ones_like(batch.ids_BT)
        ids_BT, left_mask_BT = padded_left(batch.ids_BT, mask_BT)
        given = {"input_ids": ids_BT, "attention_mask": left_mask_BT}
        with last_states(model) as states:  # of the first pass: it reads the prompts
            written, means = sequences(model, given, manner, prompt_length=ids_BT.shape[1])
        prompts = [ids_T[mask_T.bool()].cpu().numpy() for ids_T, mask_T in zip(batch.ids_BT, mask_BT)]
        answers = ranked(written, means or self._means(model, prompts, written, batch.ids_BT.device))
        # Beams and several answers read a prompt several times; each has its own row.
        states_BTD = states[0][:: len(states[0]) // batch.num_rows]
        return answers, mean_over_tokens(states_BTD, left_mask_BT).float().cpu().numpy()

    def _means(
        self, model: Any, prompts: list[NDArray[np.int64]], written: list[list[list[int]]], device: Any
    ) -> list[float]:
        """Return the mean log-probabilities of all answers, by one pass over prompts and answers."""
        flat = [(prompt, ids) for prompt, answers in zip(prompts, written) for ids in answers]

        def costs(some: slice) -> Any:
            rows = [np.concatenate([prompt, ids]).astype(np.int32) for prompt, ids in flat[some]]
            targets = [np.concatenate([np.full(len(prompt), -100), ids]).astype(np.int64) for prompt, ids in flat[some]]
            return self.costs(model, self.make_batch(rows, 0, targets=targets, device=device))

        lengths = [len(prompt) for prompt in prompts]
        places = max(lengths) - min(lengths) + max(len(ids) for _, ids in flat)
        return means_of(len(flat), costs, places * model.config.vocab_size)


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
