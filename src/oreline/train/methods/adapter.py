"""Train an adapter beside an encoder whose own weights stay as they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from oreline import registry
from oreline.errors import UsageError
from oreline.models.adapted import save_adapter
from oreline.models.adapting import num_trained
from oreline.models.base import describe_base, is_adapted, read_record
from oreline.train.encoder import pooling_of, start_of
from oreline.train.generator import training_of, write_files
from oreline.train.job import Job, Outcome
from oreline.train.losses import loss_options


class Method:
    """Few weights train: an adapter's and the head's. The model folder holds only them, and names its base.

    `--method lora` is short for this method with the adapter `lora`; `oreline merge` makes a whole model of the result.

    Args:
        adapter: name of an adapter plug, see `oreline list adapter`.
        adapter_options: the adapter's own options.
        pooling: `first` (the first token's state, transformers' own class), `mean` or `max` (over all tokens), `marks`
            (the states of the two marks of a task that has some); when not set, what the task wants or the start model
            was trained to be read by.
    """

    runtime = "torch"
    writes = True
    weighs = True

    def __init__(
        self,
        *,
        adapter: str = "lora",
        adapter_options: Mapping[str, Any] | None = None,
        pooling: str | None = None,
    ) -> None:
        self.adapter, self.adapter_options, self.pooling = adapter.replace("-", "_"), adapter_options, pooling
        self._options = dict(adapter_options or {})
        self.plug = registry.create("adapter", self.adapter, **self._options)
        self.learning_rate: float = self.plug.learning_rate

    def train(self, job: Job) -> Outcome:
        """Train on `job.train`, choosing on `job.dev`."""
        folder = start_of(job, "adapter")
        base = self._base(folder, job.origin)
        pooling = self.pooling if is_adapted(folder) else self.pooling or pooling_of(folder, job.task)
        given = {"num_labels": len(job.task.labels), "pooling": pooling, **loss_options(job)}
        training = training_of(job, folder, registry.create("head", job.task.head, **given), self.plug)
        few, whole = num_trained(training.model)
        job.say(f"{self.adapter} trains {few:,} of {whole:,} weights ({few / whole:.2%})")
        outcome = training.fit(self.learning_rate)

        def save(into: Path) -> None:
            options = self._options
            save_adapter(training.model, into, adapter=self.adapter, options=options, base=base)
            write_files(job.task, into)

        measured = {**outcome.measurements, "weights_trained": few, "weights": whole}
        return replace(outcome, save=save, measurements=measured)

    def _base(self, folder: Path, origin: Mapping[str, str]) -> dict[str, Any]:
        """Return how the base is named. Raises `UsageError` for a start model that has another adapter on."""
        if not is_adapted(folder):
            return describe_base(folder, origin)
        record = read_record(folder)
        if (record["adapter"], record["options"]) != (self.adapter, self._options):
            raise UsageError(
                f"the start model has the adapter {record['adapter']!r} on, with options {record['options']}, "
                f"and {self.adapter!r} with {self._options} was asked for",
                where=str(folder),
                remedy=f"ask for the same, or merge it first: oreline merge {folder} --out DIR",
            )
        found: dict[str, Any] = record["base"]
        return found
