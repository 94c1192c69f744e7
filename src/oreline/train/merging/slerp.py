"""Merge two models along the arc between their weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

_ALMOST_PARALLEL = 1e-6


class Merging:
    """Spherical interpolation of two models, each tensor as one vector.

    `sin((1 - t) a) / sin(a) W_1 + sin(t a) / sin(a) W_2`, a the angle between them and t the second's weight; where
    they are almost parallel, or one is zero, the straight line, which it then comes to. Unlike a mean it keeps the
    length.

    Source: Shoemake, Animating rotation with quaternion curves, SIGGRAPH 1985.
    """

    needs_base = False
    num_models = (2, 2)

    def merge(
        self, models: Sequence[Mapping[str, Tensor]], weights: Sequence[float], base: Mapping[str, Tensor] | None
    ) -> dict[str, Tensor]:
        """Return the merged weights, in float64.

        >>> one, other = ({"w": torch.tensor(x, dtype=torch.float64)} for x in ([1.0, 0.0], [0.0, 1.0]))
        >>> [round(x, 4) for x in Merging().merge([one, other], [0.5, 0.5], None)["w"].tolist()]
        [0.7071, 0.7071]
        """
        first, second = models
        return {name: _between(first[name], second[name], weights[1]) for name in first}


def _between(one: Tensor, other: Tensor, share: float) -> Tensor:
    lengths = one.norm() * other.norm()
    if float(lengths) == 0.0:
        return (1 - share) * one + share * other
    cosine = float((one * other).sum() / lengths)
    if abs(cosine) > 1 - _ALMOST_PARALLEL:
        return (1 - share) * one + share * other
    angle = torch.arccos(torch.tensor(cosine, dtype=torch.float64))
    near, far = torch.sin((1 - share) * angle), torch.sin(share * angle)
    return (near * one + far * other) / torch.sin(angle)
