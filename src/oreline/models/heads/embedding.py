"""One vector for each text, with nothing above it.

Shape suffixes: B rows of one batch, D width.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from torch import Tensor

from oreline.models.adapted import open_classifier
from oreline.models.attention import use_short_attention
from oreline.models.batch import Batch
from oreline.models.pairs import PairLoss
from oreline.models.sequence import SequenceHead


class Head(SequenceHead):
    """The vector of each text, of length 1, and the loss of a step over pairs of texts."""

    def __init__(
        self,
        *,
        num_labels: int = 1,
        pooling: str | None = None,
        scale: float = 20.0,
        symmetric: bool = False,
        sizes: Sequence[int] = (),
    ) -> None:
        """Describe the head.

        Args:
            num_labels: ignored: vectors are as wide as the encoder's states.
            pooling: `first` or `mean`; None: as the folder's `1_Pooling` says, `mean` where there is none.
            scale: what cosines are multiplied by in the loss.
            symmetric: whether texts look for their queries too.
            sizes: widths that the loss is the mean of; none: the whole vectors.
        """
        super().__init__(num_labels=num_labels, pooling=pooling)
        self._pair_loss = PairLoss(scale=scale, symmetric=symmetric, sizes=sizes)

    def loss(self, model: Any, batch: Batch) -> Tensor:
        """Return the summed loss of a `PairBatch`, a step's pairs."""
        return self._pair_loss(model, batch)

    def module(self, folder: Path) -> Any:
        """Open a start model, or an adapter with its base, prepared for short texts."""
        model = open_classifier(folder, self.num_labels, pooling="vector")
        if self.pooling is not None:
            model.pooling = self.pooling
        use_short_attention(model.encoder)
        return model

    def tensors(self, model: Any, batch: Batch) -> tuple[Tensor, Tensor]:
        """Return the vectors (B, D), twice: they are the answer and what monitoring looks at."""
        output = model(**batch.inputs())
        return output.logits, output.pooled
