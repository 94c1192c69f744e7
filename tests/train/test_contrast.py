"""The contrastive loss against its formula, written out pair by pair."""

from __future__ import annotations

import itertools
import math
from pathlib import Path

import numpy as np
import pytest
import torch

from oreline.models.batch import make_batch
from oreline.train.contrast import LOSSES, ContrastHead, compared, softmax_loss, squared_loss


def pair_by_pair(embedding: list[list[float]], classes: list[int]) -> float:
    """The formula in plain Python."""
    within, between = [], []
    for i, j in itertools.combinations(range(len(embedding)), 2):
        a, b = embedding[i], embedding[j]
        cosine = sum(x * y for x, y in zip(a, b)) / math.hypot(*a) / math.hypot(*b)
        within += [(1 - cosine) ** 2] if classes[i] == classes[j] else []
        between += [cosine**2] if classes[i] != classes[j] else []
    return sum(within) / len(within) / 2 + sum(between) / len(between) / 2


def test_it_is_the_formula():
    torch.manual_seed(0)
    embedding_BD, classes = torch.randn(7, 5), [0, 1, 0, 2, 1, 0, 3]  # classes 2 and 3 have one row each
    expected = pair_by_pair(embedding_BD.tolist(), classes)
    assert float(squared_loss(embedding_BD, torch.tensor(classes))) == pytest.approx(expected, rel=1e-5)


def row_by_row(embedding: list[list[float]], classes: list[int]) -> float:
    """The formula of the softmax in plain Python."""
    cosine = [
        [sum(x * y for x, y in zip(a, b)) / math.hypot(*a) / math.hypot(*b) for b in embedding] for a in embedding
    ]
    of_rows = []
    for i, own in enumerate(classes):
        whole = sum(math.exp(cosine[i][k] / 0.1) for k in range(len(classes)) if k != i)
        alike = [j for j, other in enumerate(classes) if other == own and j != i]
        of_rows += [sum(-math.log(math.exp(cosine[i][j] / 0.1) / whole) for j in alike) / len(alike)] if alike else []
    return sum(of_rows) / len(of_rows)


def test_the_softmax_is_its_formula():
    torch.manual_seed(0)
    embedding_BD, classes = torch.randn(7, 5), [0, 1, 0, 2, 1, 0, 3]
    expected = row_by_row(embedding_BD.tolist(), classes)
    assert float(softmax_loss(embedding_BD, torch.tensor(classes))) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("loss", LOSSES)
def test_a_batch_that_lacks_one_kind_of_pair_leaves_finite_gradients(loss: str):
    for classes in ([0], [0, 1, 2], [0, 0]):
        embedding_BD = torch.randn(len(classes), 4, requires_grad=True)
        LOSSES[loss](embedding_BD, torch.tensor(classes)).backward()
        assert embedding_BD.grad.isfinite().all()


def test_training_draws_a_class_together(tiny_start: Path):
    torch.manual_seed(0)
    head = ContrastHead(num_labels=2)
    model = head.module(tiny_start).eval()
    rows = [np.array([2, number, 3], np.int32) for number in (7, 8, 9, 10)]
    batch = make_batch(rows, 0, targets=np.array([0, 0, 1, 1]))
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    losses = []
    for _ in range(10):
        loss = head.loss(model, batch) / batch.weight
        losses.append(float(loss.detach()))
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    assert losses[-1] < 0.5 * losses[0]


def test_texts_in_several_passes_are_compared_as_in_one(tiny_start: Path):
    torch.manual_seed(0)
    head = ContrastHead(num_labels=2)
    model = head.module(tiny_start).eval()
    rows = [np.array([2, *range(7, 7 + length), 3], np.int32) for length in (9, 8, 2, 1)]
    classes = np.array([0, 1, 1, 0])
    whole = make_batch(rows, 0, targets=classes)
    [parts] = compared([make_batch(rows[a:b], 0, targets=classes[a:b]) for a, b in ((0, 2), (2, 4))])
    assert (parts.num_rows, parts.num_tokens, parts.weight) == (whole.num_rows, whole.num_tokens, whole.weight)
    assert parts.ids_BT.numel() < whole.ids_BT.numel()
    found = []
    for batch in (whole, parts):
        model.zero_grad()
        loss = head.loss(model, batch)
        loss.backward()
        found.append([loss.detach(), *(p.grad.clone() for p in model.encoder.parameters() if p.grad is not None)])
    torch.testing.assert_close(found[0], found[1], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("loss", LOSSES)
def test_cached_gradients_are_those_of_the_whole_step(loss: str, tiny_start: Path):
    """The two passes drop the same units: the tiny model drops a tenth of them."""
    torch.manual_seed(0)
    head = ContrastHead(num_labels=3, loss=loss)
    model = head.module(tiny_start).train()
    rows = [np.array([2, *range(7, 7 + length), 3], np.int32) for length in (9, 8, 2, 1, 1)]
    classes = np.array([0, 1, 1, 0, 2])
    parts = [make_batch(rows[a:b], 0, targets=classes[a:b]) for a, b in ((0, 2), (2, 4), (4, 5))]
    found = []
    for cached in (False, True):
        torch.manual_seed(3)
        model.zero_grad()
        step = compared(parts, cached=cached)
        assert len(step) == (3 if cached else 1)
        summed = 0.0
        for batch in step:
            terms = head.loss(model, batch) / sum(one.weight for one in step)
            terms.backward()
            summed += float(terms.detach())
        found.append([summed, *(p.grad.clone() for p in model.encoder.parameters() if p.grad is not None)])
    assert found[1][0] == pytest.approx(found[0][0], rel=1e-6)
    torch.testing.assert_close(found[0][1:], found[1][1:], rtol=1e-4, atol=1e-6)
