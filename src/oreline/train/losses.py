"""The options of a head's loss, from those of the training."""

from __future__ import annotations

from typing import Any

from oreline import registry
from oreline.errors import UsageError
from oreline.models.class_weights import balanced_weights, effective_weights
from oreline.train.job import Job


def loss_options(job: Job) -> dict[str, Any]:
    """Return the options of the head's loss that are not the defaults.

    Raises `UsageError` for one that the task's head does not have.
    """
    options, asked = job.options, dict[str, Any]()
    if options.class_weights != "none":
        asked["class_weights"] = options.class_weights
    asked |= {name: value for name in ("label_smoothing", "focal_gamma") if (value := getattr(options, name))}
    known = [option.name for option in registry.options_of(registry.get("head", job.task.head))]
    if lacking := next((name for name in asked if name not in known), None):
        raise UsageError(
            f"{lacking} changes a loss over classes, and the head {job.task.head!r} has none",
            allowed="a task with one class a row",
            remedy=f"leave train.{lacking} out, or --task text_classification where each row has one class",
        )
    if "class_weights" in asked:
        weights = balanced_weights if options.class_weights == "balanced" else effective_weights
        asked["class_weights"] = weights(job.train.targets, len(job.task.labels))
    return asked
