"""Merge models by what most of them changed in the same direction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from oreline.errors import UsageError


class Merging:
    """TIES: of each model's change from the common base the largest entries, with the sign that weighs more, averaged.

    1. Trim: of `W_i - base`, over the whole model, the `density` largest in size stay; the others become zero.
    2. Elect: each entry's sign is that of the weighted sum of what stays.
    3. Merge: the weighted mean of the entries that have this sign, times `scale`, is added to the base.

    Weights that the base does not have (a head) are averaged.

    Args:
        density: share of each model's changes that stays, above 0 and up to 1.
        scale: factor of the merged change.

    Source: Yadav et al., TIES-Merging, NeurIPS 2023 (arXiv:2306.01708), algorithm 1.
    """

    needs_base = True
    num_models = (2, None)

    def __init__(self, *, density: float = 0.2, scale: float = 1.0) -> None:
        if not 0 < density <= 1:
            raise UsageError(f"density is {density}", allowed="above 0, up to 1")
        self.density, self.scale = density, scale

    def merge(
        self, models: Sequence[Mapping[str, Tensor]], weights: Sequence[float], base: Mapping[str, Tensor] | None
    ) -> dict[str, Tensor]:
        """Return the merged weights, in float64.

        >>> models = [{"w": torch.tensor(x, dtype=torch.float64)} for x in ([3.0, 0.1, 1.0], [1.0, 0.0, -2.0])]
        >>> base = {"w": torch.zeros(3, dtype=torch.float64)}
        >>> Merging(density=2 / 3).merge(models, [0.5, 0.5], base)["w"].tolist()
        [2.0, 0.0, -2.0]
        """
        known = base or {}
        shared = [name for name in models[0] if name in known]
        changes = [_trimmed({name: model[name] - known[name] for name in shared}, self.density) for model in models]
        merged = {}
        for name in models[0]:
            if name not in known:
                merged[name] = torch.stack([model[name] * w for model, w in zip(models, weights)]).sum(dim=0)
                continue
            kept = torch.stack([change[name] for change in changes])
            share = torch.tensor(list(weights), dtype=kept.dtype).reshape(-1, *[1] * (kept.dim() - 1))
            sign = torch.sign((kept * share).sum(dim=0))
            agree = ((torch.sign(kept) == sign) & (kept != 0)).to(kept.dtype) * share
            mean = (kept * agree).sum(dim=0) / agree.sum(dim=0).clamp_min(torch.finfo(kept.dtype).tiny)
            merged[name] = known[name] + self.scale * mean
        return merged


def _trimmed(change: Mapping[str, Tensor], density: float) -> dict[str, Tensor]:
    """Return a change with all but its largest entries zero; entries as large as the smallest that stays, stay too."""
    sizes = torch.cat([tensor.abs().flatten() for tensor in change.values()])
    num_kept = max(round(density * len(sizes)), 1)
    bound = torch.kthvalue(sizes, len(sizes) - num_kept + 1).values
    return {name: torch.where(tensor.abs() >= bound, tensor, 0.0) for name, tensor in change.items()}
