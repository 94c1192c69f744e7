"""Several tasks in one model: one encoder, a head for each task, each step the rows of one of them.

What comes out are as many artifacts as there are tasks, each with the same encoder, so that all that uses a model uses
each of them without knowing of the others.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import Tensor, nn

from oreline import registry, store
from oreline.errors import DataError, UsageError
from oreline.models.batch import Batch
from oreline.models.pooling import PooledClassifier
from oreline.models.sentence import read_pooling
from oreline.recipe import TrainOptions
from oreline.store import Artifact
from oreline.tasks.reading import reading
from oreline.train.aim import aim_of
from oreline.train.artifact import EstimateDev, dev_metrics, lineage, write_artifact
from oreline.train.budget import Budget
from oreline.train.encoder import EncoderTraining, start_of
from oreline.train.finetune import claimed, doubted, manifest_of, prepared
from oreline.train.forecasts import Forecast
from oreline.train.foretell import announced, measured_steps
from oreline.train.job import Job, Outcome, Score
from oreline.train.losses import loss_options
from oreline.train.passes import Passes
from oreline.train.precision import training_on
from oreline.train.resources import flops_per_token, keep, resolve
from oreline.train.rows import dev_rows, encoded_rows, naming_rows, open_task_for, training_frame
from oreline.train.run import Plan, Progress, run
from oreline.train.tracking import logs_folder
from oreline.train.tuned import refuse_absent, tuned
from oreline.train.turns import shares_of, turns
from oreline.train.weights import weighted_sentence
from oreline.types import OnEvent, ignore

if TYPE_CHECKING:
    import polars as pl
    import torch
    from numpy.typing import NDArray

    from oreline.data.dataset import Dataset

LEARNING_RATE = 1e-4


@dataclass(frozen=True, slots=True)
class TaskRows:
    """One of several tasks: its rows, and the name of the plug that says what is predicted of them."""

    data: Dataset
    task: str

    def trained_on(self) -> dict[str, str]:
        """Return what its own manifest says of it."""
        return {"task": self.task, "data": str(self.data.path.absolute())}

    def recorded(self) -> dict[str, str]:
        """Return what the manifests of all tasks say of it."""
        return {**self.trained_on(), "fingerprint": self.data.fingerprint}


@dataclass(frozen=True, slots=True)
class Together:
    """How tasks share one model."""

    temperature: float = 1.0
    """τ: a task has a share of the steps in proportion to (its rows)^(1/τ); 1 is by size, larger is more even."""
    pooling: str | None = None
    """How a text is read from the encoder's states, `mean` or `max`; the start model's own way when not set."""

    def __post_init__(self) -> None:
        if not self.temperature >= 1:
            raise UsageError(f"temperature is {self.temperature}", allowed="from 1 (by size) on; larger is more even")
        if self.pooling not in (None, "mean", "max"):
            raise UsageError(f"pooling is {self.pooling!r}", allowed="mean, max", remedy="leave it out")


@dataclass(frozen=True, slots=True)
class _TaskBatch(Batch):
    """Rows of one task."""

    task: str = ""


def multitask(
    start: Path,
    tasks: Mapping[str, TaskRows],
    *,
    together: Together,
    options: TrainOptions,
    out: str | Path,
    seed: int = 0,
    force: bool = False,
    score: Score,
    estimate: EstimateDev | None = None,
    origin: Mapping[str, str] | None = None,
    resolved: Mapping[str, Any] | None = None,
    on_event: OnEvent = ignore,
) -> dict[str, Artifact]:
    """Train one encoder for several tasks, and write an artifact for each into `out/NAME`.

    The weights that are best for the mean of the tasks' first metrics on dev are kept. A run that was killed continues
    with the same call, to the bit-same weights.

    Args:
        start: folder of the start model.
        tasks: by name, which is the name of the artifact's folder too; their order changes nothing.
        together: how they share the model.
        options: how to train; an epoch is as many steps as all rows of all tasks make.
        out: the folder of the artifacts.
        seed: of every random choice.
        force: replace `out` if it exists.
        score: figures on dev by name.
        estimate: figures with intervals on dev, for the manifests.
        origin: name and licence of the start model.
        resolved: what an earlier run resolved on its machine; nothing of it is probed again.
        on_event: is told progress.

    Raises:
        DataError: a task without labelled rows, or with rows that are wrong for it.
        UsageError: `out` exists, unknown options, or a task or an option that has no place beside others.
    """
    store.refuse_existing(out, force=force)
    refuse_alone(tasks, options)
    registry.create("optimizer", options.optimizer, **options.optimizer_options)
    tasks = dict(sorted(tasks.items()))  # as the manifests hold them, so that a rerun draws the same turns
    frames = {
        name: training_frame(one.data, registry.get("task", one.task), weighted=options.row_weights)
        for name, one in tasks.items()
    }
    read = {name: _pooling(together, start, registry.get("task", one.task)) for name, one in tasks.items()}
    shared: dict[str, Any] = {
        "method": "full",
        "train": options.model_dump(),
        "seed": seed,
        "start": str(start.absolute()),
        "temperature": together.temperature,
        "pooling": together.pooling,
        "tasks": {name: one.recorded() for name, one in tasks.items()},
    }
    recorded = {
        name: {"name": name, **one.trained_on(), **shared, "method_options": {"pooling": read[name]}}
        for name, one in tasks.items()
    }
    ancestors = lineage(start, origin)
    rows = {name: [one.data.fingerprint, frames[name].height] for name, one in tasks.items()}
    identity = {"tasks": recorded, "rows": rows, "start": ancestors[0]["id"] or ancestors[0]["path"]}
    work = claimed(out, identity, on_event)
    shared_by_jobs = {"options": options, "seed": seed, "work": work, "logs": logs_folder(out, work, options)}
    shared_by_jobs |= {"score": score, "on_event": on_event, "origin": origin or {}, "resolved": resolved}
    jobs = {name: _job(name, one, frames[name], start, shared_by_jobs) for name, one in tasks.items()}
    begun = time.perf_counter()
    with work.kept_for_continuing():
        outcomes = _Training(jobs, frames, read, together.temperature).fit()
    seconds = round(time.perf_counter() - begun, 3)
    with store.writing(out, force=force) as folder:
        for name, outcome in outcomes.items():
            measured = {"train_s": seconds, "rows": len(jobs[name].train), **outcome.measurements}
            job, outcome = tuned(jobs[name], replace(outcome, measurements=measured), name)
            manifest = manifest_of("torch", recorded[name], job, outcome, tasks[name].data, ancestors)
            manifest.recipe["verb"] = "multitask"
            manifest.metrics.update(dev_metrics(job, outcome, estimate))
            (folder / name).mkdir()
            write_artifact(folder / name, manifest, outcome, job, tasks[name].data, frames[name])
    work.remove()
    return {name: Artifact.open(Path(out) / name) for name in tasks}


def refuse_alone(tasks: Mapping[str, TaskRows], options: TrainOptions) -> None:
    """Raise `UsageError` for a task that is taught in a way of its own, and for what is fitted to one classifier."""
    for name, one in tasks.items():
        plug = registry.get("task", one.task)
        if plug.view == "texts" or getattr(plug, "method", "full") != "full":
            raise UsageError(
                f"the task {name!r} is {one.task}, which shares no encoder with other tasks",
                allowed="tasks that a head on an encoder answers: a class, labels, a number, tags, a span",
                remedy=f"oreline finetune --task {one.task}",
            )
    if given := next((option for option in ("reject", "calibrate") if getattr(options, option)), None):
        raise UsageError(
            f"train.{given} is fitted to one classifier, and several tasks are trained",
            remedy=f"leave it out; or fine-tune the one task that needs it alone: --set train.{given}=…",
        )


def _job(name: str, one: TaskRows, frame: pl.DataFrame, start: Path, shared: Mapping[str, Any]) -> Job:
    """Return the job of one task. Raises `DataError` for rows that are wrong for it."""
    with naming_task(name), naming_rows(frame):
        opened = prepared(open_task_for(one.task, frame, start), start, shared["options"])
        train, dev = encoded_rows(frame, opened), dev_rows(one.data, opened)
        refuse_absent(opened, train)
    job = Job(task=opened, start=start, train=train, dev=dev, **shared)
    if said := weighted_sentence(train.weights_N, frame):
        job.say(f"{name}: {said}")
    if said := doubted(job):
        job.say(f"warning: {name}: {said}")
    return job


@contextlib.contextmanager
def naming_task(name: str) -> Iterator[None]:
    """Give an error about a task's rows that names no place the task's name."""
    try:
        yield
    except DataError as error:
        error.where = error.where or f"the task {name!r}"
        raise


def _pooling(together: Together, start: Path, task: Any) -> str:
    """Return how a task's texts are read: as asked for, as the task wants, or as the start model was trained to be."""
    found = together.pooling or getattr(task, "pooling", None) or read_pooling(start)
    return "mean" if found in (None, "first") else str(found)  # the first token alone has a layer of its own


class _Training:
    """The tasks' models around one encoder, trained by the one loop."""

    def __init__(
        self, jobs: Mapping[str, Job], frames: Mapping[str, pl.DataFrame], read: Mapping[str, str], temperature: float
    ) -> None:
        self.temperature = temperature
        self.trainings: dict[str, EncoderTraining] = {}
        for name, job in jobs.items():
            given = {"num_labels": len(job.task.labels), "pooling": read[name], **loss_options(job)}
            start = start_of(job, "full")
            with naming_task(name), naming_rows(frames[name]):
                self.trainings[name] = EncoderTraining(job, start, registry.create("head", job.task.head, **given))
        self.model = share_encoder([training.model for training in self.trainings.values()])
        self.first = next(iter(self.trainings.values()))
        self._dev_outputs: dict[str, Any] = {}

    def fit(self) -> dict[str, Outcome]:
        """Train, and return what each task's artifact is written from."""
        job, options = self.first.job, self.first.job.options
        with training_on((job.resolved or {}).get("threads") or options.threads) as threads:
            resolved = resolve(self.first.model, options, job.work, job.resolved, threads)
            rate = options.learning_rate or LEARNING_RATE
            optimizer = registry.create("optimizer", options.optimizer, **options.optimizer_options).build(
                self.model, learning_rate=rate, weight_decay=options.weight_decay, layer_decay=options.layer_decay
            )
            self.passes = self._passes(Budget(resolved, lambda found: keep(job.work, found)))
            if "num_steps" not in resolved:  # after the optimizer, so that embeddings have the gradients they will have
                resolved["num_steps"] = self._num_steps(optimizer, bf16=resolved["precision"] == "bf16")
                keep(job.work, resolved)
            num_steps = int(resolved["num_steps"])
            self.turns = turns(self._rows(), num_steps, temperature=self.temperature, seed=job.seed)
            plan = Plan(
                model=self.model,
                optimizer=optimizer,
                loss=self._loss,
                steps=self._steps,
                num_steps=num_steps,
                learning_rate=rate,
                precision=str(resolved["precision"]),
                flops_per_token=flops_per_token(self.first.model) * self.first.regularized.cost,
                peak_gflops=float(resolved["peak_gflops"]),
                evaluate=self._score_dev if self._has_dev else None,
                evaluate_every=self._evaluate_every,
                smaller=self._smaller,
                average=self.first.regularized.average,
                logs=job.logs,
            )
            config = {"method": "multitask", "learning_rate": rate, **options.model_dump(exclude={"track"})}
            progress = run(plan, options, job.work, job.on_event, config)
            return {name: self._outcome(name, resolved, progress) for name in self.trainings}

    def _rows(self) -> list[int]:
        return [len(training.lengths_N) for training in self.trainings.values()]

    @property
    def _has_dev(self) -> bool:
        return any(training.dev is not None for training in self.trainings.values())

    @property
    def _per_epoch(self) -> int:
        return sum(passes.per_epoch for passes in self.passes.values())

    @property
    def _evaluate_every(self) -> int:
        return -(-self._per_epoch // self.first.job.options.evaluations_per_epoch)

    def _passes(self, budget: Budget) -> dict[str, Passes]:
        """Return each task's passes; where memory runs out in one task, all have the smaller budget."""
        options, seed = self.first.job.options, self.first.job.seed
        return {
            name: Passes(training.lengths_N, options, seed, budget, partial(self._batch, name), training.job.say)
            for name, training in self.trainings.items()
        }

    def _num_steps(self, optimizer: torch.optim.Optimizer, *, bf16: bool) -> int:
        """Return how many steps the rows and the time allow, and say what they take."""
        job, shares = self.first.job, shares_of(self._rows(), self.temperature)
        measured = [
            measured_steps(training, self.passes[name], training.regularized.loss, bf16=bf16)
            for name, training in self.trainings.items()
        ]
        found = Forecast(
            sum(share * one.step_s for share, one in zip(shares, measured)),
            max(one.memory_bytes for one in measured),
            scored_every=self._evaluate_every if self._has_dev else 0,
            scoring_s=sum(one.scoring_s for one in measured),
            end_s=sum(one.end_s for one in measured),
        )
        told = ", ".join(f"{name} {share:.0%}" for name, share in zip(self.trainings, shares))
        job.say(f"shares of the steps: {told}")
        num_steps = max(round(job.options.epochs * self._per_epoch), 1)
        of_run = {"num_steps": num_steps, "per_epoch": self._per_epoch, "num_rows": sum(self._rows())}
        return announced(job, found, optimizer, **of_run)

    def _steps(self, first: int, stop: int) -> Iterator[Sequence[Batch]]:
        """Yield the steps `first` to `stop - 1`: each task goes on where its last step left it."""
        sources = []
        for place, passes in enumerate(self.passes.values()):
            numbers = np.flatnonzero(self.turns == place)
            made, in_all = np.searchsorted(numbers, [first, stop]).tolist()
            sources.append(passes.steps(made, in_all, numbers[made:in_all].tolist()))
        for place in self.turns[first:stop]:
            yield next(sources[place])

    def _smaller(self, step: int, batches: Sequence[Batch]) -> Sequence[Batch]:
        return self.passes[list(self.trainings)[self.turns[step]]].smaller(step, batches)

    def _batch(self, name: str, rows: NDArray[np.int64]) -> _TaskBatch:
        training = self.trainings[name]
        batch = training.batch(training.pieces, rows, training.targets)
        return _TaskBatch(**{field: getattr(batch, field) for field in Batch.__slots__}, task=name)

    def _loss(self, model: Any, batch: Any) -> Tensor:
        training = self.trainings[batch.task]
        return training.regularized.loss(training.model, batch)

    def _score_dev(self) -> tuple[tuple[float, ...], dict[str, float]]:
        """Return the means of the tasks' first metrics and of minus their losses, and each of the metrics."""
        aims, shown = [], {}
        for name, training in self.trainings.items():
            if training.dev is None or training.job.dev is None:
                continue
            self._dev_outputs[name] = training.outputs(training.dev)
            task = reading(training.job.task, training.job.dev.columns)
            metric = task.metrics[0]
            figures = training.job.score(task, training.job.dev.targets, self._dev_outputs[name])
            aim, loss = aim_of(task, training.job.dev.targets, self._dev_outputs[name], figures)
            aims.append((aim if np.isfinite(aim) else 0.0, loss))
            if np.isfinite(aim):
                shown[f"{name}_{metric}"] = figures[metric]
        return tuple(map(float, np.mean(aims, axis=0))), shown

    def _outcome(self, name: str, resolved: Mapping[str, Any], progress: Progress) -> Outcome:
        training = self.trainings[name]
        is_last = progress.best_step == progress.step and name in self._dev_outputs
        outputs = None
        if training.dev is not None:
            outputs = self._dev_outputs[name] if is_last else training.outputs(training.dev)
        own = int((self.turns[: progress.step] == list(self.trainings).index(name)).sum())
        return Outcome(
            save=training.save,
            max_tokens=training.max_tokens,
            dev_outputs=outputs,
            resolved=resolved,
            measurements={"steps": progress.step, "best_step": progress.best_step or progress.step, "own_steps": own},
            history=progress.history,
        )


def share_encoder(models: Sequence[Any]) -> nn.ModuleList:
    """Put one encoder under all heads; returns the models as one module, whose shared weights are counted once.

    The encoder is that of a model that answers every token, where there is one: it has no pooler, which no mean reads.
    """
    by_token = [model for model in models if not isinstance(model, PooledClassifier)]
    encoder = by_token[0].base_model if by_token else models[0].encoder
    for model in models:
        setattr(model, "encoder" if isinstance(model, PooledClassifier) else model.base_model_prefix, encoder)
    return nn.ModuleList(models)
