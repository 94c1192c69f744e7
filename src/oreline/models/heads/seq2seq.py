"""The decoder of an encoder–decoder model: what it writes for each row, and what that costs.

Shape suffixes: B rows of one batch, T tokens read, U tokens written, A answers, D width, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from oreline.generation import Generation
from oreline.models.adapted import open_classifier
from oreline.models.batch import Batch
from oreline.models.generation import (
    Answer,
    best_first,
    keep_token_settings,
    mean_log_probabilities,
    repeated,
    sequences,
    taken,
    token_costs,
)
from oreline.models.pooling import mean_over_tokens

_SCORES_AT_ONCE = 32_000_000
"""Scores of tokens in memory at a time, when answers are scored: 128 MB."""

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Head:
    """A decoder that attends to what the encoder has read; the loss is that of each next token of the true answer."""

    def __init__(self, *, num_labels: int = 1, pooling: str | None = None, label_smoothing: float = 0.0) -> None:
        """Describe the head.

        Args:
            num_labels: ignored: what is written is not one of K labels.
            pooling: ignored: the decoder reads every token.
            label_smoothing: share ε of the target that is spread evenly over the vocabulary.
        """
        self.label_smoothing = label_smoothing

    def module(self, folder: Path) -> Any:
        """Open an encoder–decoder model, or an adapter with its base."""
        model = open_classifier(folder, 1, pooling="seq2seq")
        keep_token_settings(model)
        return model

    def loss(self, model: Any, batch: Batch) -> Tensor:
        """Return the summed loss of all target tokens, in nats; over `Batch.weight`, their number, it is the mean.

        (1 − ε) · −log p(y) + ε · mean over the vocabulary of −log p(v) (https://arxiv.org/abs/1512.00567, section 7).
        """
        targets_BU = _targets(batch)
        logits_XV = self.logits(model, batch).float().flatten(0, 1)
        return F.cross_entropy(logits_XV, targets_BU.flatten(), reduction="sum", label_smoothing=self.label_smoothing)

    def divergence(self, logits_BUV: Tensor, others_BUV: Tensor, targets_BU: Tensor) -> Tensor:
        """Return ½ KL(p ‖ q) + ½ KL(q ‖ p) of the target tokens, summed for each row, (B,), in nats."""
        log_p_BUV, log_q_BUV = logits_BUV.log_softmax(dim=2), others_BUV.log_softmax(dim=2)
        apart_BU = ((log_p_BUV.exp() - log_q_BUV.exp()) * (log_p_BUV - log_q_BUV)).sum(dim=2) / 2
        return (apart_BU * (targets_BU != -100)).sum(dim=1)

    def costs(self, model: Any, batch: Batch) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Return what each row's target costs, in nats, not smoothed, (B,), and its number of tokens, (B,)."""
        targets_BU = _targets(batch)
        with torch.inference_mode():
            nats_B = token_costs(self.logits(model, batch), targets_BU).sum(dim=1)
        return nats_B.double().cpu().numpy(), (targets_BU != -100).sum(dim=1).cpu().numpy()

    def logits(self, model: Any, batch: Batch) -> Tensor:
        """Return the scores of every next token, the true ones before it given, (B, U, V)."""
        found: Tensor = model(
            **batch.inputs(), decoder_input_ids=shifted(model, _targets(batch)), use_cache=False
        ).logits
        return found

    def write(
        self,
        model: Any,
        batch: Batch,
        generation: Generation,
        keys_B: NDArray[np.uint64],
        end_ids: Sequence[int] | None = None,
    ) -> tuple[list[list[Answer]], NDArray[np.float32]]:
        """Answer the rows of a batch.

        Args:
            model: what `module` returned.
            batch: what is read.
            generation: how it is answered.
            keys_B: what samples are drawn by.
            end_ids: tokens that end an answer; the model's own when not given.

        Returns:
            For each row its answers, best first, and the mean of the encoder's states over the row's tokens, (B, D).
        """
        with torch.inference_mode():
            # Read once: for writing, for scoring what was written, and for the embedding.
            read = model.get_encoder()(**batch.inputs(), return_dict=True)
            mask_BT = batch.mask_BT if batch.mask_BT is not None else torch.ones_like(batch.ids_BT)
            given = {"encoder_outputs": read, "attention_mask": mask_BT}
            written = sequences(model, given, generation, keys_B, end_ids=end_ids)
            scored = self._scored(model, given, written)
            embedding_BD = mean_over_tokens(read.last_hidden_state, mask_BT)
        return [best_first(answers) for answers in scored], embedding_BD.float().cpu().numpy()

    def _scored(self, model: Any, given: dict[str, Any], written: list[list[list[int]]]) -> list[list[Answer]]:
        """Return the answers with their mean log-probabilities, by one pass over what was written."""
        num_each, flat = len(written[0]), [ids for answers in written for ids in answers]
        targets_AU = torch.full((len(flat), max(map(len, flat))), -100)
        for place, ids in enumerate(flat):
            targets_AU[place, : len(ids)] = torch.tensor(ids)
        targets_AU = targets_AU.to(given["attention_mask"].device)
        inputs = {name: repeated(value, num_each) for name, value in given.items()}
        means: list[float] = []
        # A vocabulary of 250,000 makes the scores of a batch larger than the model: some rows at a time.
        at_once = max(_SCORES_AT_ONCE // (targets_AU.shape[1] * model.config.vocab_size), 1)
        for start in range(0, len(flat), at_once):
            rows, part_AU = slice(start, start + at_once), targets_AU[start : start + at_once]
            some = {name: taken(value, rows) for name, value in inputs.items()}
            logits_AUV = model(**some, decoder_input_ids=shifted(model, part_AU), use_cache=False).logits
            means += mean_log_probabilities(token_costs(logits_AUV, part_AU), part_AU)
        answers = [Answer(ids, mean) for ids, mean in zip(flat, means, strict=True)]
        return [answers[start : start + num_each] for start in range(0, len(answers), num_each)]


def shifted(model: Any, targets_BU: Tensor) -> Tensor:
    """Return what the decoder reads while it writes the targets: its start token, then all but the last of them."""
    if hasattr(model, "prepare_decoder_input_ids_from_labels"):
        read_BU: Tensor = model.prepare_decoder_input_ids_from_labels(labels=targets_BU)
        return read_BU
    start_B1 = targets_BU.new_full((len(targets_BU), 1), model.config.decoder_start_token_id)
    begun_BU = torch.cat([start_B1, targets_BU[:, :-1]], dim=1)
    return begun_BU.masked_fill(begun_BU == -100, model.config.pad_token_id or 0)


def _targets(batch: Batch) -> Tensor:
    if batch.targets is None:
        raise ValueError("the batch has no targets")
    return batch.targets
