"""The mean against NumPy's weighted average."""

from __future__ import annotations

import numpy as np
import torch

from oreline.train.merging.mean import Merging


def test_it_equals_numpys_weighted_average() -> None:
    source = torch.Generator().manual_seed(0)
    models = [{"a": torch.randn(3, 4, generator=source, dtype=torch.float64)} for _ in range(3)]
    weights = [0.5, 0.2, 0.3]
    merged = Merging().merge(models, weights, None)
    expected = np.average([model["a"].numpy() for model in models], axis=0, weights=weights)
    np.testing.assert_allclose(merged["a"].numpy(), expected, rtol=1e-14)
    assert torch.equal(Merging().merge(models[:1] * 2, [0.5, 0.5], None)["a"], models[0]["a"])
