"""What the heads over tokens share: a linear layer over the state of each token.

Shape suffixes: B rows of one batch, T tokens, D width, K outputs.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from torch import Tensor

from oreline.models.adapted import open_classifier
from oreline.models.attention import use_short_attention
from oreline.models.batch import Batch
from oreline.models.pooling import last_states, mean_over_tokens
from oreline.models.sequence import SequenceHead


class TokenHead(SequenceHead):
    """K outputs for each token; a subclass adds the loss, in `terms`."""

    def module(self, folder: Path) -> Any:
        """Open a start model, or an adapter with its base, with this head on top, prepared for short texts."""
        model = open_classifier(folder, self.num_labels, pooling="token")
        use_short_attention(model)
        return model

    def tensors(self, model: Any, batch: Batch) -> tuple[Tensor, Tensor]:
        """Return logits (B, T, K) and embedding (B, D)."""
        with last_states(model) as states:
            logits_BTK = model(**batch.inputs()).logits
        return logits_BTK, mean_over_tokens(states[0], batch.mask_BT)
