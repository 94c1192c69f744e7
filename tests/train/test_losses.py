"""What a head's loss is told of the training's options."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from oreline import registry
from oreline.errors import UsageError
from oreline.recipe import TrainOptions
from oreline.train.losses import loss_options


def job_of(head: str, **options: Any) -> Any:
    """Return what the choice of a head's loss reads of a job: 3 rows of one class, 1 of another."""
    task = SimpleNamespace(head=head, labels=["bad", "good"])
    rows = SimpleNamespace(targets=np.array([0, 0, 0, 1]))
    return SimpleNamespace(task=task, train=rows, options=TrainOptions(**options))


def test_the_head_is_told_what_differs_from_the_defaults():
    assert loss_options(job_of("regression")) == {}
    asked = loss_options(job_of("sequence_classification", focal_gamma=2, class_weights="balanced"))
    assert asked == {"focal_gamma": 2, "class_weights": pytest.approx([2 / 3, 2])}
    asked = loss_options(job_of("sequence_classification", label_smoothing=0.1, class_weights="effective"))
    assert asked == {"label_smoothing": 0.1, "class_weights": pytest.approx([0.6669, 1.9993], rel=1e-3)}


@pytest.mark.parametrize("head", ["multilabel", "regression"])
@pytest.mark.parametrize("change", [{"label_smoothing": 0.1}, {"focal_gamma": 1}, {"class_weights": "effective"}])
def test_a_head_without_classes_refuses_their_loss(head: str, change: dict[str, Any]):
    assert not {"label_smoothing", "focal_gamma"} & {o.name for o in registry.options_of(registry.get("head", head))}
    with pytest.raises(UsageError, match=f"{next(iter(change))} changes a loss over classes.*{head}"):
        loss_options(job_of(head, **change))
