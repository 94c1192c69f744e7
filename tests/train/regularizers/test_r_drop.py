"""R-Drop by hand: two known outputs, and the two passes made apart from it."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from oreline import registry
from oreline.errors import UsageError
from oreline.models.attention import use_quick_dropout
from oreline.models.batch import make_batch
from oreline.train.regularizers.r_drop import Regularizer

ROWS = [np.array([2, 7, 9, 11, 3], np.int32), np.array([2, 8, 3], np.int32), np.array([2, 12, 6, 3], np.int32)]
TARGETS = {
    "sequence_classification": np.array([0, 1, 2]),
    "multilabel": np.array([[1, 0, 1], [0, 0, 0], [1, 1, 1]], np.float32),
    "regression": np.array([0.5, -1.0, 2.0], np.float32),
}


class Answers(torch.nn.Module):
    """Gives prepared outputs, one after another."""

    def __init__(self, *answers: list[list[float]]) -> None:
        super().__init__()
        self.answers = [torch.tensor(answer) for answer in answers]

    def forward(self, **_inputs: torch.Tensor) -> SimpleNamespace:
        return SimpleNamespace(logits=self.answers.pop(0))


def kl(p: list[float], q: list[float]) -> float:
    return sum(a * np.log(a / b) for a, b in zip(p, q))


def test_classes_by_hand():
    p, q = [0.7, 0.2, 0.1], [0.5, 0.3, 0.2]
    model = Answers([np.log(p).tolist()], [np.log(q).tolist()])
    head = registry.create("head", "sequence_classification", num_labels=3)
    batch = make_batch(ROWS[:1], 0, targets=np.array([1]))
    loss = Regularizer(alpha=0.5).wrap(head.loss, head)(model, batch)
    expected = -(np.log(0.2) + np.log(0.3)) / 2 + 0.5 * (kl(p, q) + kl(q, p)) / 2
    assert float(loss) == pytest.approx(expected, rel=1e-5)


def test_labels_by_hand():
    p, q = [0.9, 0.4], [0.6, 0.5]
    model = Answers([[np.log(a / (1 - a)) for a in p]], [[np.log(a / (1 - a)) for a in q]])
    head = registry.create("head", "multilabel", num_labels=2)
    batch = make_batch(ROWS[:1], 0, targets=np.array([[1, 0]], np.float32))
    loss = Regularizer(alpha=2.0).wrap(head.loss, head)(model, batch)
    apart = sum(kl([a, 1 - a], [b, 1 - b]) + kl([b, 1 - b], [a, 1 - a]) for a, b in zip(p, q)) / 2
    plain = -(np.log(0.9) + np.log(0.6) + np.log(0.6) + np.log(0.5)) / 2
    assert float(loss) == pytest.approx(plain + 2 * apart, rel=1e-5)


def test_numbers_by_hand():
    model, head = Answers([[1.0], [2.0]], [[1.5], [0.0]]), registry.create("head", "regression")
    batch = make_batch(ROWS[:2], 0, targets=np.array([1.0, 1.0], np.float32))
    loss = Regularizer(alpha=0.1).wrap(head.loss, head)(model, batch)
    assert float(loss) == pytest.approx((0 + 1 + 0.25 + 1) / 2 + 0.1 * (0.25 + 4))


@pytest.mark.parametrize("name", TARGETS)
def test_it_is_two_passes_with_other_units_dropped(name: str, tiny_start: Path):
    torch.manual_seed(0)
    head = registry.create("head", name, num_labels=1 if name == "regression" else 3)
    model = head.module(tiny_start)
    use_quick_dropout(model)
    model.train()
    batch = make_batch(ROWS, 0, targets=TARGETS[name])
    torch.manual_seed(5)
    outputs = [model(**batch.inputs()).logits for _ in range(2)]
    assert not torch.equal(*outputs)
    expected = (
        sum(head.terms(output, batch.targets).sum() for output in outputs) / 2
        + head.divergence(*outputs, batch.targets).sum()
    )
    torch.manual_seed(5)
    loss = Regularizer().wrap(head.loss, head)(model, batch)
    torch.testing.assert_close(loss, expected)
    loss.backward()
    assert all(p.grad is not None for key, p in model.named_parameters() if "pooler" not in key)


def test_a_head_that_cannot_compare_is_refused():
    with pytest.raises(UsageError, match="r_drop compares two outputs"):
        Regularizer().wrap(lambda _model, _batch: torch.zeros(()), object())
    with pytest.raises(UsageError, match="r_drop: alpha is -1"):
        Regularizer(alpha=-1)
