"""The fast gradient method against two passes written out, with sparse gradients and under bf16."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from oreline import registry
from oreline.errors import UsageError
from oreline.models.batch import make_batch
from oreline.train.regularizers.fgm import Regularizer

ROWS = [np.array([2, 7, 9, 11, 3], np.int32), np.array([2, 8, 3], np.int32), np.array([2, 12, 6, 3], np.int32)]
BATCH = make_batch(ROWS, 0, targets=np.array([0, 1, 2]))


def opened(start: Path, pooling: str = "mean") -> tuple[Any, Any]:
    torch.manual_seed(0)
    head = registry.create("head", "sequence_classification", num_labels=3, pooling=pooling)
    return head, head.module(start).eval()


def table_of(model: Any) -> Any:
    return getattr(model, "encoder", model).get_input_embeddings()


def written_out(head: Any, model: Any, epsilon: float) -> torch.Tensor:
    """Compute the loss row by row on embeddings that are given to the encoder instead of ids."""
    total = torch.zeros(())
    for row, target in zip(ROWS, BATCH.targets):
        ids_1T = torch.from_numpy(row)[None].long()
        embedded_1TD = table_of(model)(ids_1T).detach().requires_grad_()
        pooled_D = model.encoder(inputs_embeds=embedded_1TD).last_hidden_state[0].mean(0)
        clean = -model.classifier(pooled_D).log_softmax(0)[target]
        [gradient_1TD] = torch.autograd.grad(clean, embedded_1TD)
        moved_1TD = embedded_1TD + epsilon * gradient_1TD / gradient_1TD.norm()
        pooled_D = model.encoder(inputs_embeds=moved_1TD).last_hidden_state[0].mean(0)
        total += clean.detach() - model.classifier(pooled_D).log_softmax(0)[target].detach()
    return total


@pytest.mark.parametrize("epsilon", [0.1, 1.0])
def test_it_is_the_clean_loss_and_the_loss_up_the_gradient(epsilon: float, tiny_start: Path):
    head, model = opened(tiny_start)
    loss = Regularizer(epsilon=epsilon).wrap(head.loss, head)(model, BATCH)
    torch.testing.assert_close(loss.detach(), written_out(head, model, epsilon), rtol=1e-4, atol=1e-5)
    clean = head.loss(model, BATCH)
    assert loss > 2 * clean
    half = Regularizer(epsilon=epsilon, strength=0.5).wrap(head.loss, head)(model, BATCH)
    torch.testing.assert_close(half, clean + (loss - clean) / 2)
    assert not table_of(model)._forward_hooks


@pytest.mark.parametrize("pooling", ["first", "mean"])
def test_sparse_gradients_are_the_dense_ones(pooling: str, tiny_start: Path):
    head, model = opened(tiny_start, pooling)
    loss, found = Regularizer().wrap(head.loss, head), {}
    for sparse in (False, True):
        table_of(model).sparse = sparse
        loss(model, BATCH).backward()
        gradient = table_of(model).weight.grad
        assert gradient.is_sparse == sparse
        found[sparse] = gradient.to_dense() if sparse else gradient.clone()
        model.zero_grad()
    torch.testing.assert_close(found[True], found[False])


def test_it_works_under_bf16_and_on_a_frozen_table(tiny_start: Path):
    head, model = opened(tiny_start)
    table_of(model).weight.requires_grad_(False)
    loss = Regularizer(epsilon=0.1).wrap(head.loss, head)
    exact = loss(model, BATCH)
    with torch.autocast("cpu", torch.bfloat16):
        rounded = loss(model, BATCH)
    rounded.backward()
    torch.testing.assert_close(rounded, exact, rtol=0.05, atol=0.05)
    assert model.classifier.weight.grad is not None
    assert table_of(model).weight.grad is None


def test_it_goes_around_r_drop_and_inside_it(tiny_start: Path):
    head, model = opened(tiny_start)
    r_drop = registry.create("regularizer", "r_drop", alpha=3.0)
    fgm = Regularizer(epsilon=0.1)
    plain = fgm.wrap(head.loss, head)(model, BATCH)  # without dropout both passes are one
    for first, second in ((r_drop, fgm), (fgm, r_drop)):
        loss = second.wrap(first.wrap(head.loss, head), head)(model, BATCH)
        torch.testing.assert_close(loss, plain, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("outer", ["fgm", "r_drop"])
def test_what_goes_around_awp_has_gradients(outer: str, tiny_start: Path):
    head, model = opened(tiny_start)
    inner = registry.create("regularizer", "awp").wrap(head.loss, head)
    loss = registry.create("regularizer", outer).wrap(inner, head)(model.train(), BATCH)
    loss.backward()
    assert loss > 0
    assert table_of(model).weight.grad.isfinite().all()


def test_options_outside_their_range_are_refused():
    with pytest.raises(UsageError, match="fgm: epsilon is -1"):
        Regularizer(epsilon=-1)
