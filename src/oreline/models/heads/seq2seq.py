"""The decoder of an encoder–decoder model: what it writes for each row, and what that costs.

Shape suffixes: B rows of one batch, T tokens read, U tokens written, A answers, D width, V vocabulary.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from oreline.models.adapted import open_classifier
from oreline.models.batch import Batch
from oreline.models.generation import Manner, keep_token_settings, repeated, sequences, taken
from oreline.models.next_token import Answer, NextTokenHead, means_of, ranked, summed_costs, symmetric_divergence
from oreline.models.pooling import mean_over_tokens

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Head(NextTokenHead):
    """A decoder that attends to what the encoder has read; the loss is that of each next token of the true answer."""

    def module(self, folder: Path) -> Any:
        """Open an encoder–decoder model, or an adapter with its base."""
        model = open_classifier(folder, 1, pooling="seq2seq")
        keep_token_settings(model)
        return model

    def divergence(self, logits_BUV: Tensor, others_BUV: Tensor, targets_BU: Tensor) -> Tensor:
        """Return how far two runs lie apart, summed for each row, (B,), in nats."""
        return symmetric_divergence(logits_BUV, others_BUV, targets_BU)

    def logits(self, model: Any, batch: Batch) -> Tensor:
        """Return the scores of every next token, the true ones before it given, (B, U, V)."""
        return self.predicted(model, batch)[0]

    def predicted(self, model: Any, batch: Batch) -> tuple[Tensor, Tensor]:
        """Return the scores of every next token, (B, U, V), and the tokens, (B, U), -100 where there is none."""
        if batch.targets is None:
            raise ValueError("the batch has no targets")
        read = shifted(model, batch.targets)
        return model(**batch.inputs(), decoder_input_ids=read, use_cache=False).logits, batch.targets

    def write(self, model: Any, batch: Batch, manner: Manner) -> tuple[list[list[Answer]], NDArray[np.float32]]:
        """Answer the rows of a batch; what is read is read once: for writing, for scoring, and for the embedding.

        Returns for each row its answers, best first, and the mean of the encoder's states over its tokens, (B, D).
        """
        with torch.inference_mode():
            read = model.get_encoder()(**batch.inputs(), return_dict=True)
            mask_BT = batch.mask_BT if batch.mask_BT is not None else torch.ones_like(batch.ids_BT)
            given = {"encoder_outputs": read, "attention_mask": mask_BT}
            written, means = sequences(model, given, manner)
            answers = ranked(written, means or self._means(model, given, written))
            embedding_BD = mean_over_tokens(read.last_hidden_state, mask_BT)
        return answers, embedding_BD.float().cpu().numpy()

    def _means(self, model: Any, given: dict[str, Any], written: list[list[list[int]]]) -> list[float]:
        """Return the mean log-probabilities of all answers, by one pass over what was written."""
        num_each, flat = len(written[0]), [ids for answers in written for ids in answers]
        targets_AU = torch.full((len(flat), max(map(len, flat))), -100)
        for place, ids in enumerate(flat):
            targets_AU[place, : len(ids)] = torch.tensor(ids)
        targets_AU = targets_AU.to(given["attention_mask"].device)
        inputs = {name: repeated(value, num_each) for name, value in given.items()}

        def costs(rows: slice) -> Any:
            some = {name: taken(value, rows) for name, value in inputs.items()}
            read = shifted(model, targets_AU[rows])
            return summed_costs(model(**some, decoder_input_ids=read, use_cache=False).logits, targets_AU[rows])

        return means_of(len(flat), costs, targets_AU.shape[1] * model.config.vocab_size)


def shifted(model: Any, targets_BU: Tensor) -> Tensor:
    """Return what the decoder reads while it writes the targets: its start token, then all but the last of them."""
    if hasattr(model, "prepare_decoder_input_ids_from_labels"):
        read_BU: Tensor = model.prepare_decoder_input_ids_from_labels(labels=targets_BU)
        return read_BU
    start_B1 = targets_BU.new_full((len(targets_BU), 1), model.config.decoder_start_token_id)
    begun_BU = torch.cat([start_B1, targets_BU[:, :-1]], dim=1)
    return begun_BU.masked_fill(begun_BU == -100, model.config.pad_token_id or 0)
