"""Cached gradients: those of the whole step, with dropout on the same units, at the memory of one part."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from oreline import registry
from oreline.models.attention import use_quick_dropout
from oreline.models.batch import make_batch
from oreline.models.cached import StepBatch, step_batches

TEXTS = [[2, 7, 9, 11, 3], [2, 8, 3], [2, 12, 6, 3], [2, 10, 3], [2, 5, 14, 3], [2, 9, 9, 13, 15, 3]]


def opened(start: Path, *, train: bool) -> Any:
    torch.manual_seed(0)
    model = registry.create("head", "embedding").module(start)
    use_quick_dropout(model)
    return model.train(train)


def batches(cached: bool, sizes: tuple[int, ...] = (2, 3, 1)) -> list[StepBatch]:
    cuts = np.cumsum([0, *sizes])
    parts = [
        make_batch([np.array(text, np.int32) for text in TEXTS[first:last]], 0) for first, last in zip(cuts, cuts[1:])
    ]
    return step_batches(StepBatch, parts, cached=cached, weight=6.0, rows=6)


def spread(vector_ND: Tensor) -> Tensor:
    """A loss that every text has a part in with every other."""
    unit_ND = torch.nn.functional.normalize(vector_ND, dim=1)
    return (unit_ND @ unit_ND.T * torch.arange(36.0).reshape(6, 6)).square().sum()


def passed(
    model: Any, step: list[StepBatch], *, bf16: bool = False
) -> tuple[float, dict[str, Tensor], list[tuple[bool, Tensor]]]:
    """Return the loss of a step, the gradients of all weights, and the vectors of each pass, with or without a graph."""
    model.zero_grad()
    summed, seen = 0.0, []

    def encode(part: Any) -> Tensor:
        vector_BD = model(**part.inputs()).pooled.float()
        seen.append((torch.is_grad_enabled(), vector_BD.detach()))
        return vector_BD

    for batch in step:
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            terms = batch.loss(encode, spread) / 6
        terms.backward()
        summed += float(terms.detach())
    return summed, {name: weight.grad for name, weight in model.named_parameters() if weight.grad is not None}, seen


def test_without_dropout_the_gradients_are_those_of_the_whole_step(tiny_start: Path):
    model = opened(tiny_start, train=False)
    whole, slopes, _ = passed(model, batches(cached=False))
    again, cached, seen = passed(model, batches(cached=True))
    assert again == pytest.approx(whole, rel=1e-6)
    assert slopes.keys() == cached.keys()
    scale = max(float(slope.abs().max()) for slope in slopes.values())
    for name, slope in slopes.items():
        assert float((cached[name] - slope).abs().max()) < 1e-6 * scale, name
    assert [with_graph for with_graph, _ in seen] == [False] * 3 + [True] * 3


def test_dropout_falls_on_the_same_units_when_a_part_is_encoded_again(tiny_start: Path):
    model = opened(tiny_start, train=True)
    torch.manual_seed(5)
    whole, slopes, _ = passed(model, batches(cached=False))
    after = torch.get_rng_state()
    torch.manual_seed(5)
    again, cached, seen = passed(model, batches(cached=True))
    assert torch.equal(torch.get_rng_state(), after)
    for (_, first_BD), (_, second_BD) in zip(seen[:3], seen[3:]):
        assert torch.equal(first_BD, second_BD)
    assert again == pytest.approx(whole, rel=1e-6)
    scale = max(float(slope.abs().max()) for slope in slopes.values())
    assert max(float((cached[name] - slope).abs().max()) for name, slope in slopes.items()) < 2e-6 * scale
    torch.manual_seed(6)
    assert passed(model, batches(cached=True))[0] != pytest.approx(whole, rel=1e-3), "dropout does drop here"


def test_the_first_pass_without_gradients_leaves_them_to_the_second_in_bf16(tiny_start: Path):
    """Autocast keeps weights that it has cast: cast without gradients, they must not be those of the second pass."""
    model = opened(tiny_start, train=False)
    _, slopes, _ = passed(model, batches(cached=False), bf16=True)
    _, cached, _ = passed(model, batches(cached=True), bf16=True)
    assert slopes.keys() == cached.keys()
    scale = max(float(slope.abs().max()) for slope in slopes.values())
    assert max(float((cached[name] - slope).abs().max()) for name, slope in slopes.items()) < 0.02 * scale


def test_a_step_that_is_passed_again_is_computed_anew(tiny_start: Path):
    model, step = opened(tiny_start, train=False), batches(cached=True)
    passed(model, step)
    with torch.no_grad():
        model.encoder.get_input_embeddings().weight.mul_(0.5)
    again, cached, _ = passed(model, step)
    whole, slopes, _ = passed(model, batches(cached=False))
    assert again == pytest.approx(whole, rel=1e-6)
    for name, slope in slopes.items():
        torch.testing.assert_close(cached[name], slope, rtol=1e-4, atol=1e-5)


def test_rows_and_terms_are_counted_once():
    for cached, number in ((False, 1), (True, 3)):
        step = batches(cached)
        assert len(step) == number
        assert (sum(batch.num_rows for batch in step), sum(batch.weight for batch in step)) == (6, 6.0)
        assert sum(batch.num_tokens for batch in step) == sum(map(len, TEXTS))
        assert sum(batch.ids_BT.numel() for batch in step) == 2 * 5 + 3 * 4 + 6
    [alone] = batches(cached=True, sizes=(6,))
    assert alone.cache is None
