"""What the heads share: a linear layer, over one vector for each row unless a head says otherwise.

Shape suffixes: B rows of one batch, T tokens, D width, K outputs.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from oreline.errors import UsageError
from oreline.models.adapted import open_classifier
from oreline.models.attention import first_token_only, use_short_attention
from oreline.models.batch import Batch
from oreline.models.pooling import MARKS

if TYPE_CHECKING:
    from numpy.typing import NDArray


class SequenceHead:
    """A linear layer over one vector for each row; a subclass adds the loss, in `terms`."""

    def __init__(self, *, num_labels: int, pooling: str | None = None) -> None:
        if pooling not in (None, "first", "mean", "max", MARKS):
            raise UsageError(f"unknown pooling {pooling!r}", allowed="first, mean, max, marks")
        self.num_labels, self.pooling = num_labels, pooling

    def module(self, folder: Path) -> Any:
        """Open a start model, or an adapter with its base, with this head on top, prepared for short texts."""
        model = open_classifier(folder, self.num_labels, pooling=self.pooling)
        encoder = getattr(model, "encoder", model)
        use_short_attention(encoder)
        if encoder is model:
            first_token_only(model)
        return model

    def terms(self, logits_BK: Tensor, targets: Tensor) -> Tensor:
        """Return the loss of each row, (B,)."""
        raise NotImplementedError

    def loss(self, model: Any, batch: Batch) -> Tensor:
        """Return the summed loss of a batch; divided by `Batch.weight`, its terms, it is the mean."""
        if batch.targets is None:
            raise ValueError("the batch has no targets")
        return batch.weighed(self.terms(model(**_given(model, batch)).logits.float(), batch.targets)).sum()

    def outputs(self, model: Any, batch: Batch) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return the logits, (B, K) or (B, T, K), and one vector for each row, (B, D)."""
        with torch.inference_mode():
            logits_BK, embedding_BD = self.tensors(model, batch)
        return logits_BK.float().cpu().numpy(), embedding_BD.float().cpu().numpy()

    def tensors(self, model: Any, batch: Batch) -> tuple[Tensor, Tensor]:
        """Return logits (B, K) and embedding (B, D): the vector that the model reads, or the first token's state."""
        if hasattr(model, "classifier") and hasattr(model, "encoder"):
            output = model(**_given(model, batch))
            return output.logits, output.pooled
        kept: list[Tensor] = []
        hook = model.base_model.register_forward_hook(lambda _m, _i, output: kept.append(output[0][:, 0]))
        try:
            return model(**batch.inputs()).logits, kept[0]
        finally:
            hook.remove()


def _given(model: Any, batch: Batch) -> dict[str, Tensor]:
    """Return what a model is called with: the places of marks too, where it reads them.

    Raises `UsageError` where it does, and the task marks nothing.
    """
    given = batch.inputs()
    if getattr(model, "pooling", None) != MARKS:
        return given
    if batch.places_B2 is None:
        raise UsageError("pooling is 'marks', and this task marks nothing in its texts", allowed="first, mean, max")
    return {**given, "places": batch.places_B2}
