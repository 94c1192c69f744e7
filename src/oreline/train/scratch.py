"""Start from nothing: a network whose vocabulary is learnt on the training rows and whose weights are random.

It is written as a start model like any other, in the job's workspace, so that nothing after it knows the difference.
Every verb that trains asks whether a start model is a network; torch is imported when one is made.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from oreline import registry
from oreline.errors import UsageError
from oreline.models import vocabulary
from oreline.models.sentence import POOLING, write_pooling
from oreline.recipe import TrainOptions
from oreline.train.forecasts import Forecast
from oreline.words import words_of

if TYPE_CHECKING:
    import polars as pl

    from oreline.train.job import Job
    from oreline.types import Task

METHODS = ("full",)
"""Methods that a network without pretraining can be trained by: the others leave weights as they are, or build on what
they know."""


@dataclass(frozen=True, slots=True)
class NewNetwork:
    """A start model that is made from the training rows: a network plug with its options."""

    name: str
    options: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"new:{self.name.replace('_', '-')}"

    @property
    def plug(self) -> Any:
        """Return the network. Raises `UsageError` for a name or an option that there is not."""
        return registry.create("network", self.name, **self.options)

    def recorded(self) -> dict[str, Any]:
        """Return what a manifest says in place of a start model."""
        return {"network": self.name, "network_options": dict(self.options)}

    def options_for(self, options: TrainOptions, method: str = "full") -> TrainOptions:
        """Fill in what was left open of the training options: other rates and more passes than fine-tuning needs.

        Raises `UsageError` as `refuse_method`.
        """
        self.refuse_method(method)
        plug, given = self.plug, options.model_fields_set
        changes: dict[str, Any] = {}
        if options.learning_rate is None:
            changes["learning_rate"] = plug.learning_rate
        if "epochs" not in given:
            changes["epochs"] = plug.epochs
        return options.model_copy(update=changes)

    def refuse_method(self, method: str) -> None:
        """Raise `UsageError` for a method that trains a part of the weights only, or builds on what they know."""
        if method not in METHODS:
            raise UsageError(
                f"{self} knows nothing yet, and the method {method!r} builds on what a start model knows",
                allowed=", ".join(METHODS),
                remedy=f"a pretrained start model for {method}; --method full where the task has it",
            )

    def refuse_task(self, task: str) -> None:
        """Raise `UsageError` for a task whose answers are texts: a network reads and does not write."""
        if registry.get("task", task).view == "texts":
            raise UsageError(
                f"{self} reads texts, and the task {task!r} writes them",
                allowed="tasks that choose, mark or measure: `oreline list task`",
                remedy="give the folder of a model that writes with --start",
            )

    def started(self, job: Job, frame: pl.DataFrame) -> Job:
        """Return a job that starts from this network, written into its workspace. Raises `DataError` as `make`."""
        return replace(job, start=self.make(job.work.folder / "start", _texts(frame, job.task), job.seed))

    def make(self, folder: Path, texts: Iterable[str], seed: int) -> Path:
        """Write the start model: tokenizer, configuration, random weights, and how a text is read from its states.

        Args:
            folder: where, in the workspace of this job.
            texts: those of the training rows.
            seed: of the weights.

        Returns:
            The folder. One that an earlier try at the same job has written whole is left as it is.

        Raises:
            DataError: no word in the rows.
        """
        import torch

        from oreline.models.load import max_positions, save_model

        plug = self.plug
        if (folder / POOLING).is_file():
            return folder
        folder.mkdir(parents=True, exist_ok=True)
        learnt = vocabulary.learn(list(texts), size=plug.vocabulary, pieces=plug.pieces, lowercase=plug.lowercase)
        torch.manual_seed(seed)
        model = plug.encoder(learnt.get_vocab_size(), vocabulary.PAD_ID)
        save_model(model, folder)
        vocabulary.write(learnt, folder, lowercase=plug.lowercase, max_tokens=max_positions(model))
        write_pooling(folder, plug.pooling, plug.width)  # last: where it is, the folder is whole
        return folder

    def trial(self, texts: Sequence[str], options: TrainOptions) -> Forecast:
        """Time steps on some texts, without writing anything: what a step of a training run will take here."""
        import torch

        from oreline.models.attention import use_quick_dropout, use_short_attention
        from oreline.models.batch import make_batch
        from oreline.models.load import max_positions
        from oreline.models.pooling import PooledClassifier
        from oreline.train.resources import forecast

        plug = self.plug
        learnt = vocabulary.learn(texts, size=plug.vocabulary, pieces=plug.pieces, lowercase=plug.lowercase)
        torch.manual_seed(0)
        encoder = plug.encoder(plug.vocabulary, vocabulary.PAD_ID)
        use_short_attention(encoder)
        model = PooledClassifier(encoder, 2, plug.pooling)
        use_quick_dropout(model)
        found = learnt.encode_batch(list(texts[: options.rows_per_step]))
        rows = [np.asarray(one.ids[: min(options.max_tokens, max_positions(model))], dtype=np.int32) for one in found]
        batch = make_batch(rows, vocabulary.PAD_ID, targets=np.zeros(len(rows), dtype=np.int64))
        head = registry.create("head", "sequence_classification", num_labels=2)
        return forecast(model, [batch], head.loss, bf16=False)


def begun(
    start: Path | NewNetwork | None, options: TrainOptions, method: str = "full", task: str | None = None
) -> tuple[Path | None, NewNetwork | None, TrainOptions]:
    """Tell a start model from a network to begin from nothing with, and fill in the options that this one needs.

    Raises `UsageError` for a method that a network cannot be trained by, or a task that it cannot do.
    """
    if isinstance(start, NewNetwork):
        if task is not None:
            start.refuse_task(task)
        return None, start, start.options_for(options, method)
    return start, None, options


def recorded_start(start: Path | None, network: NewNetwork | None) -> dict[str, Any]:
    """Return what a manifest's options say of where training began."""
    return {"start": str(start.absolute()) if start else None, **(network.recorded() if network else {})}


def _texts(frame: pl.DataFrame, task: Task) -> Iterator[str]:
    by_word = task.view in ("tags", "frames")
    for role in task.inputs:
        for cell in frame[role].drop_nulls():
            yield " ".join(word for word, _, _ in words_of(str(cell))[1]) if by_word else str(cell)
