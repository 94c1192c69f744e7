"""Merge models by the mean of their weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor


class Merging:
    """The weighted mean of all weights, `sum w_i W_i` with weights that add up to 1: a model soup.

    Source: Wortsman et al., Model soups, ICML 2022 (arXiv:2203.05482).
    """

    needs_base = False
    num_models = (2, None)

    def merge(
        self, models: Sequence[Mapping[str, Tensor]], weights: Sequence[float], base: Mapping[str, Tensor] | None
    ) -> dict[str, Tensor]:
        """Return the merged weights, in float64.

        >>> one, other = ({"w": torch.tensor([x], dtype=torch.float64)} for x in (1.0, 5.0))
        >>> Merging().merge([one, other], [0.75, 0.25], None)["w"].item()
        2.0
        """
        return {
            name: torch.stack([model[name] * w for model, w in zip(models, weights)]).sum(dim=0) for name in models[0]
        }
