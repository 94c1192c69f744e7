"""The perturbed weights against the same step written out on a copy of the model."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from oreline import registry
from oreline.errors import UsageError
from oreline.models.batch import make_batch
from oreline.train.regularizers.awp import Regularizer

ROWS = [np.array([2, 7, 9, 11, 3], np.int32), np.array([2, 8, 3], np.int32), np.array([2, 12, 6, 3], np.int32)]
BATCH = make_batch(ROWS, 0, targets=np.array([0, 1, 2]))


def opened(start: Path, pooling: str) -> tuple[Any, Any]:
    torch.manual_seed(0)
    head = registry.create("head", "sequence_classification", num_labels=3, pooling=pooling)
    return head, head.module(start).eval()


@pytest.mark.parametrize("pooling", ["first", "mean"])
def test_it_is_the_loss_and_the_gradient_at_the_moved_weights(pooling: str, tiny_start: Path):
    head, model = opened(tiny_start, pooling)
    moved = copy.deepcopy(model)
    head.loss(moved, BATCH).backward()
    with torch.no_grad():
        for key, parameter in moved.named_parameters():
            if parameter.ndim >= 2 and "embeddings" not in key and parameter.grad is not None:
                parameter += 0.02 * parameter.norm() * parameter.grad / parameter.grad.norm().clamp(min=1e-30)
    moved.zero_grad()
    expected = head.loss(moved, BATCH)
    expected.backward()
    loss = Regularizer(gamma=0.02).wrap(head.loss, head)(model, BATCH)
    torch.testing.assert_close(loss, expected)
    assert loss > head.loss(model, BATCH)
    loss.backward()
    gradients = dict(moved.named_parameters())
    for key, parameter in model.named_parameters():
        if parameter.grad is not None:
            torch.testing.assert_close(parameter.grad, gradients[key].grad, rtol=1e-3, atol=1e-5, msg=key)


def test_sparse_tables_and_bf16(tiny_start: Path):
    head, model = opened(tiny_start, "mean")
    table = model.encoder.get_input_embeddings()
    table.sparse = True
    loss = Regularizer().wrap(head.loss, head)
    exact = loss(model, BATCH)
    with torch.autocast("cpu", torch.bfloat16):
        rounded = loss(model, BATCH)
    torch.testing.assert_close(rounded, exact, rtol=0.05, atol=0.05)
    rounded.backward()
    assert table.weight.grad.is_sparse


def test_it_goes_around_fgm(tiny_start: Path):
    head, model = opened(tiny_start, "mean")
    fgm = registry.create("regularizer", "fgm", epsilon=0.1)
    loss = Regularizer(gamma=0.01).wrap(fgm.wrap(head.loss, head), head)(model, BATCH)
    assert loss > fgm.wrap(head.loss, head)(model, BATCH)


def test_a_length_below_zero_is_refused():
    with pytest.raises(UsageError, match="awp: gamma is -1"):
        Regularizer(gamma=-1)
