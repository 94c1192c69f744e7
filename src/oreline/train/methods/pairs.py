"""Train an encoder on pairs of texts, for search."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from oreline import registry
from oreline.errors import UsageError
from oreline.models.adapted import save_adapter
from oreline.models.adapting import num_trained
from oreline.models.base import describe_base, is_adapted, read_record
from oreline.train.encoder import start_of
from oreline.train.freeze import freeze_in
from oreline.train.job import Job, Outcome
from oreline.train.losses import loss_options
from oreline.train.pairs import PairOptions, PairTraining
from oreline.types import Task

_MINING = ("never", "once", "epoch")


class Method:
    """Contrastive training on pairs: a query's own text against all other texts of the step (multiple negatives).

    Larger steps have more negatives (`rows_per_step`); what does not fit into memory goes through cached gradients.
    Pairs with grades instead of 1 and 0 are trained to stand in the order of their grades.

    Args:
        scale: what cosines are multiplied by in the loss; 1 over the temperature.
        symmetric: whether texts look for their queries too.
        sizes: widths that vectors can be cut to afterwards (Matryoshka), such as 384, 256, 128, 64; none: the model's
            own alone.
        negatives: hard negatives that come into a step with each pair, of those given and those mined.
        mine: hard negatives are looked for among the training texts: `never`, `once` (with the start model), or before
            each `epoch` (with the encoder as it is then).
        margin: a mined text whose cosine lies above (1 - margin) of the own text's is left out: it may well be right.
        gradient_cache: yes, no, or (not set) where a step is too large for memory.
        pooling: `first` (the first token's state) or `mean` (over all tokens); when not set, what the start model was
            trained to be read by.
        freeze_layers: so many of the lowest layers stay as they are, with the embeddings below them.
        adapter: name of an adapter plug that trains in place of the model's own weights; `adapter_options` are its
            own options.
    """

    runtime = "torch"

    def __init__(
        self,
        *,
        scale: float = 20.0,
        symmetric: bool = False,
        sizes: Sequence[int] = (),
        negatives: int = 1,
        mine: str = "never",
        margin: float = 0.05,
        gradient_cache: bool | None = None,
        pooling: str | None = None,
        freeze_layers: int = 0,
        adapter: str | None = None,
        adapter_options: Mapping[str, Any] | None = None,
    ) -> None:
        if mine not in _MINING:
            raise UsageError(f"pairs: mine is {mine!r}", allowed=", ".join(_MINING))
        if not (scale > 0 and negatives >= 0 and 0 <= margin < 1):
            raise UsageError(
                f"pairs: scale={scale}, negatives={negatives}, margin={margin}",
                allowed="scale above 0, negatives from 0, margin from 0 up to 1",
            )
        if mine != "never" and not negatives:
            raise UsageError("pairs: negatives is 0, so that nothing mined would be used", remedy="mine: never")
        self.scale, self.symmetric, self.sizes = scale, symmetric, tuple(sizes)
        self.options = PairOptions(negatives, mine, margin, gradient_cache)
        self.pooling, self.freeze_layers = pooling, freeze_layers
        self.adapter = adapter.replace("-", "_") if adapter else None
        self._adapter_options = dict(adapter_options or {})
        self.plug = registry.create("adapter", self.adapter, **self._adapter_options) if self.adapter else None
        self.learning_rate: float = self.plug.learning_rate if self.plug else 5e-5

    def adapted(self, task: Task) -> Task:
        """Return the task with the sizes that it is trained for. Raises `UsageError` for a task that has none."""
        if "sizes" not in task.options:
            raise UsageError(
                "the method 'pairs' makes vectors for search", allowed="the task embedding", remedy="--task embedding"
            )
        made: Task = registry.create("task", "embedding", **{**task.options, "sizes": list(self.sizes)})
        return made

    def train(self, job: Job) -> Outcome:
        """Train on `job.train`, choosing on `job.dev`."""
        folder = start_of(job, "pairs")
        loss_options(job)
        base = self._base(folder, job.origin) if self.plug else {}
        given = {"scale": self.scale, "symmetric": self.symmetric, "sizes": self.sizes}
        head = registry.create("head", job.task.head, pooling=self.pooling, **given)
        training = PairTraining(job, folder, head, self.plug)
        training.prepare(self.options)
        freeze_in(job, training.model, layers=self.freeze_layers, patterns=())
        outcome = training.fit(self.learning_rate)
        if not self.plug:
            return outcome
        few, whole = num_trained(training.model)

        def save(into: Path) -> None:
            save_adapter(training.model, into, adapter=str(self.adapter), options=self._adapter_options, base=base)

        return replace(
            outcome, save=save, measurements={**outcome.measurements, "weights_trained": few, "weights": whole}
        )

    def _base(self, folder: Path, origin: Mapping[str, str]) -> dict[str, Any]:
        """Return how the base is named. Raises `UsageError` for a start model that has another adapter on."""
        if self.pooling is not None:
            raise UsageError("an adapter keeps the pooling of its base", remedy="leave pooling out")
        if not is_adapted(folder):
            return describe_base(folder, origin)
        record = read_record(folder)
        if (record["adapter"], record["options"]) != (self.adapter, self._adapter_options):
            raise UsageError(
                f"the start model has the adapter {record['adapter']!r} on, with options {record['options']}",
                where=str(folder),
                remedy=f"ask for the same, or merge it first: oreline merge {folder} --out DIR",
            )
        found: dict[str, Any] = record["base"]
        return found
