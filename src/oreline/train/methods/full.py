"""Train all weights of an encoder together with its head."""

from __future__ import annotations

from collections.abc import Sequence

from oreline import registry
from oreline.train.encoder import pooling_of, start_of
from oreline.train.freeze import freeze_in
from oreline.train.generator import training_of
from oreline.train.job import Job, Outcome
from oreline.train.losses import loss_options


class Method:
    """Full fine-tuning: every weight that is not frozen moves; the best weights on dev are kept.

    Args:
        pooling: `first` (the first token's state, transformers' own class), `mean` or `max` (over all tokens), `marks`
            (the states of the two marks of a task that has some); when not set, what the task wants or the start model
            was trained to be read by.
        freeze_layers: so many of the lowest layers stay as they are, with the embeddings below them.
        freeze: shell patterns of parameter names that stay as they are, such as `*.attention.*`.
    """

    runtime = "torch"
    writes = True
    weighs = True
    learning_rate = 1e-4

    def __init__(self, *, pooling: str | None = None, freeze_layers: int = 0, freeze: Sequence[str] = ()) -> None:
        self.pooling, self.freeze_layers, self.freeze = pooling, freeze_layers, tuple(freeze)

    def train(self, job: Job) -> Outcome:
        """Train on `job.train`, choosing on `job.dev`."""
        folder = start_of(job, "full")
        pooling = self.pooling or pooling_of(folder, job.task)
        given = {"num_labels": len(job.task.labels), "pooling": pooling, **loss_options(job)}
        training = training_of(job, folder, registry.create("head", job.task.head, **given))
        freeze_in(job, training.model, layers=self.freeze_layers, patterns=self.freeze)
        return training.fit(self.learning_rate)
