"""TIES against a version that goes entry by entry."""

from __future__ import annotations

import pytest
import torch

from oreline.errors import UsageError
from oreline.train.merging.ties import Merging


def slowly(
    models: list[list[float]], base: list[float], weights: list[float], density: float, scale: float
) -> list[float]:
    """Algorithm 1 of the paper with lists and loops."""
    changes = [[w - b for w, b in zip(model, base)] for model in models]
    for change in changes:
        largest = sorted(range(len(change)), key=lambda place: -abs(change[place]))
        for place in largest[max(round(density * len(change)), 1) :]:
            change[place] = 0.0
    merged = []
    for place, start in enumerate(base):
        entries = [(change[place], weight) for change, weight in zip(changes, weights)]
        total = sum(entry * weight for entry, weight in entries)
        agreeing = [(entry, weight) for entry, weight in entries if entry * total > 0]
        mean = sum(e * w for e, w in agreeing) / sum(w for _, w in agreeing) if agreeing else 0.0
        merged.append(start + scale * mean)
    return merged


@pytest.mark.parametrize("density", [0.1, 0.5, 1.0])
@pytest.mark.parametrize("num_models", [2, 3])
def test_it_equals_the_slow_version(density: float, num_models: int) -> None:
    source = torch.Generator().manual_seed(num_models)
    base = torch.randn(40, generator=source, dtype=torch.float64)
    models = [base + torch.randn(40, generator=source, dtype=torch.float64) for _ in range(num_models)]
    weights = [0.5, 0.3, 0.2][:num_models]
    parts = [{"a": model[:30].reshape(5, 6), "b": model[30:]} for model in models]
    known = {"a": base[:30].reshape(5, 6), "b": base[30:]}
    merged = Merging(density=density, scale=0.7).merge(parts, weights, known)
    found = torch.cat([merged["a"].flatten(), merged["b"]]).tolist()
    assert found == pytest.approx(slowly([m.tolist() for m in models], base.tolist(), weights, density, 0.7))


def test_what_the_base_lacks_is_averaged() -> None:
    models = [{"w": torch.tensor([x]).double(), "head": torch.tensor([x]).double()} for x in (1.0, 3.0)]
    merged = Merging(density=1.0).merge(models, [0.25, 0.75], {"w": torch.zeros(1).double()})
    assert (merged["w"].item(), merged["head"].item()) == (2.5, 2.5)


def test_models_that_did_not_move_give_the_base() -> None:
    base = {"w": torch.tensor([1.0, 2.0]).double()}
    assert Merging().merge([base, base], [0.5, 0.5], base)["w"].tolist() == [1.0, 2.0]


@pytest.mark.parametrize("density", [0.0, 1.1])
def test_a_density_that_is_no_share(density: float) -> None:
    with pytest.raises(UsageError, match="density"):
        Merging(density=density)
