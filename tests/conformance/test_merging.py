"""Every way of merging: equal models merge to themselves, the order of names is nothing, and inputs stay as they are."""

from __future__ import annotations

import pytest
import torch

from oreline import registry

NAMES = registry.names("merging")


def models(number: int) -> list[dict[str, torch.Tensor]]:
    source = torch.Generator().manual_seed(7)
    return [
        {"a": torch.randn(4, 5, generator=source, dtype=torch.float64), "b": torch.randn(3, generator=source).double()}
        for _ in range(number)
    ]


@pytest.mark.parametrize("name", NAMES)
def test_equal_models_merge_to_themselves(name: str) -> None:
    options = {"density": 1.0} if name == "ties" else {}
    plug = registry.create("merging", name, **options)
    base, model = models(2)
    merged = plug.merge([model, model], [0.4, 0.6], base if plug.needs_base else None)
    for key, tensor in model.items():
        torch.testing.assert_close(merged[key], tensor, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_it_is_deterministic_and_changes_no_input(name: str) -> None:
    plug = registry.create("merging", name)
    base, one, other = models(3)
    before = [{key: tensor.clone() for key, tensor in model.items()} for model in (base, one, other)]
    first, second = (plug.merge([one, other], [0.5, 0.5], base if plug.needs_base else None) for _ in range(2))
    for key in one:
        assert first[key].dtype == torch.float64
        assert first[key].shape == one[key].shape
        assert torch.equal(first[key], second[key])
        assert all(torch.equal(m[key], b[key]) for m, b in zip((base, one, other), before))
    swapped = plug.merge([other, one], [0.5, 0.5], base if plug.needs_base else None)
    for key in one:
        torch.testing.assert_close(swapped[key], first[key], rtol=1e-12, atol=1e-12)
