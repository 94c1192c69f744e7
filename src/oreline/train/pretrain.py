"""Pretrain: train an encoder on unlabelled text, one that knows something or a new one, and measure what it gained.

The new output layer is warmed up alone first: on a frozen encoder, until its loss is that of the encoder and not that
of random weights. Only then is the loss "before" measured, on rows held out of training, and only then do all weights
move. An encoder that begins from nothing has no loss of its own to wait for: all its weights move from the first step.

Shape suffixes: B rows of one batch, T tokens.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from oreline import registry, store
from oreline.errors import ArtifactError, UsageError
from oreline.models.attention import set_dropout, use_quick_dropout, use_short_attention
from oreline.models.batch import Batch, to_device
from oreline.models.checkpointing import use_checkpointing
from oreline.models.load import load_masked, max_positions, save_encoder, save_head
from oreline.models.mixed import carry_bf16
from oreline.models.tokenizing import tokenizer
from oreline.recipe import TrainOptions
from oreline.report.card import card
from oreline.report.report import Chart, Report
from oreline.store import Artifact, Manifest
from oreline.train import checkpoint
from oreline.train.artifact import lineage
from oreline.train.encoder import copy_tokenizer
from oreline.train.precision import best_device, training_on
from oreline.train.resources import flops_per_token, forecast, keep, resolve, update_s
from oreline.train.run import Plan, Progress, run
from oreline.train.scratch import NewNetwork, begun, recorded_start
from oreline.train.tracking import logs_folder
from oreline.train.unlabelled import packed_texts, texts_of, trained_split
from oreline.train.weights import refuse_weighted
from oreline.train.workspace import Workspace
from oreline.types import Estimate, Event, OnEvent, ignore

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from oreline.data.dataset import Dataset

WIDTH = 128
"""Tokens of one packed row."""
ROWS_PER_STEP = 16
LEARNING_RATE = 1e-4
HEAD_LEARNING_RATE = 1e-3
HEAD_SHARE = 0.25
"""Share of the steps in which only the new output layer learns."""
_HEAD = "head"


def pretrain(
    data: Dataset,
    *,
    objective: str = "mask_tokens",
    objective_options: Mapping[str, Any] | None = None,
    start: Path | NewNetwork,
    origin: Mapping[str, str] | None = None,
    options: TrainOptions | None = None,
    out: str | Path,
    seed: int = 0,
    force: bool = False,
    resolved: Mapping[str, Any] | None = None,
    on_event: OnEvent = ignore,
) -> Artifact:
    """Pretrain an encoder on a dataset's texts and write it as an artifact without a task.

    Texts are joined end to end into rows of 128 tokens, so that no token is padding. The split `train` is trained on;
    the loss before and after is measured on `dev` (without it, on a few packed rows of train that are left out).

    Args:
        data: a dataset with a text column; labels are not used.
        objective: name of an objective plug; `objective_options` are its keyword arguments.
        start: folder of the start model, or a network to begin from nothing with, whose vocabulary is learnt on the
            texts of train; `origin` has its name and licence, for the lineage.
        options: how to train; `minutes` bounds the whole: loading, the output layer's warm-up and both measurements.
        out: the artifact's folder.
        resolved: what an earlier run resolved on its machine; nothing of it is probed again.

    Raises:
        ArtifactError: the start model has no mask token.
        DataError: there is no text to train on, or no word in it.
        UsageError: `out` exists, an unknown objective or option.
    """
    store.refuse_existing(out, force=force)
    folder, network, options = begun(start, options or TrainOptions())
    refuse_weighted(data, "pretrain", counted=options.row_weights)
    plug = registry.create("objective", objective, **(objective_options or {}))
    registry.create("optimizer", options.optimizer, **options.optimizer_options)  # refused now, not after the loading
    if options.regularizers:
        raise UsageError(f"pretrain has no regularizers, and they are {options.regularizers}", remedy="leave them out")
    described = {
        "objective": objective,
        "objective_options": dict(objective_options or {}),
        "train": options.model_dump(),
        "seed": seed,
        "data": str(data.path.absolute()),
        **recorded_start(folder, network),
    }
    ancestors, work = lineage(folder, origin), Workspace.beside(out)
    if work.claim({**described, "fingerprint": data.fingerprint, "from": ancestors}):
        on_event(Event("pretrain", message="an earlier try at the same job left a checkpoint: continuing from it"))
    begun_at = time.perf_counter()
    with work.kept_for_continuing():
        place = folder or _made(network, work, data, seed)
        job = _Job(work, logs_folder(out, work, options), seed, begun_at, network is not None, resolved, on_event)
        training = _Pretraining(data, plug, place, options, job)
        result = training.fit()
    seconds = round(time.perf_counter() - begun_at, 3)
    recipe = {"verb": "pretrain", "options": described, "resolved": result.resolved}
    manifest = training.manifest(data, result, recipe, ancestors)
    with store.writing(out, force=force) as made:
        training.save(made)
        (made / "README.md").write_text(card(manifest.model_dump(), facts={}), encoding="utf-8")
        _report(data, result, training, seconds).save(made)
        shutil.copyfile(job.logs / store.EVENTS, made / store.EVENTS)
        store.seal(made, manifest, {"train_s": seconds, "steps": result.progress.step})
    work.remove()
    return Artifact.open(out)


@dataclass(frozen=True, slots=True)
class _Result:
    before: Estimate
    after: Estimate
    resolved: dict[str, Any]
    progress: Progress


@dataclass(frozen=True, slots=True)
class _Job:
    """Where one run keeps what it has done, and what it was told beside its options.

    `begun_at` is of the clock that `minutes` are counted on; `given` is what an earlier run resolved, if one did.
    """

    work: Workspace
    logs: Path
    seed: int
    begun_at: float
    is_new: bool
    given: Mapping[str, Any] | None
    on_event: OnEvent


class _Pretraining:
    """One encoder with its output layer, and the packed rows of one dataset."""

    def __init__(self, data: Dataset, objective: Any, start: Path, options: TrainOptions, job: _Job) -> None:
        self.objective, self.start, self.options, self.job = objective, start, options, job
        self.work, self.seed = job.work, job.seed
        torch.manual_seed(job.seed)
        self.model = load_masked(start)
        self.body = f"{self.model.base_model_prefix}."
        use_short_attention(self.model)
        use_quick_dropout(self.model)
        carry_bf16(self.model)
        if options.dropout is not None:
            set_dropout(self.model, options.dropout)
        if options.gradient_checkpointing:
            use_checkpointing(self.model)
        self.device = best_device()
        self.model.to(self.device)
        opened = tokenizer(start)
        self.mask_id = _mask_id(opened, start)
        self.special = np.asarray(sorted({*opened.encode("").ids, *_special_ids(opened)}), dtype=np.int64)
        width = min(WIDTH, max_positions(self.model))
        packed = packed_texts(data, opened, width, job.seed)
        self.rows_NT, self.held_out_NT, self.num_texts = packed.rows_NT, packed.held_out_NT, packed.num_texts
        self.loading_s = time.perf_counter() - job.begun_at

    def fit(self) -> _Result:
        """Warm the output layer up, measure, train everything, measure again."""
        given = self.job.given
        with training_on((given or {}).get("threads") or self.options.threads) as threads:
            resolved = resolve(self.model, self.options, self.work, given, threads)
            if "num_steps" not in resolved:
                resolved |= self._num_steps(resolved)
                keep(self.work, resolved)
            before = self._warm_up(resolved)
            self.job.on_event(Event("pretrain", message=f"loss per masked token before: {before.value:.4f} nats"))
            progress = run(
                self._plan(resolved, "pretrain", int(resolved["num_steps"]), LEARNING_RATE, first_batch=0),
                self.options,
                self.work,
                self.job.on_event,
                {"objective": type(self.objective).__module__.rpartition(".")[2]},
            )
            after = self._loss()
        self.job.on_event(Event("pretrain", message=f"loss per masked token after: {after.value:.4f} nats"))
        return _Result(before, after, resolved, progress)

    def save(self, folder: Path) -> None:
        """Write the encoder, the output layer beside it, and the tokenizer."""
        save_encoder(self.model, folder)
        head = {name: p for name, p in self.model.named_parameters() if not name.startswith(self.body)}
        save_head(folder, head, kind="masked")
        copy_tokenizer(self.start, folder)

    def manifest(
        self, data: Dataset, result: _Result, recipe: dict[str, Any], ancestors: list[dict[str, Any]]
    ) -> Manifest:
        """Return what the artifact says of itself."""
        return Manifest(
            runtime="torch",
            task="none",
            columns={"text": [data.manifest.roles.get("text", "text")]},
            max_tokens=max_positions(self.model),
            recipe=recipe,
            lineage=ancestors,
            data={"fingerprint": data.fingerprint, "rows": self.num_texts, "path": str(data.path.absolute())},
            metrics={"loss_before": result.before.to_json(), "loss_after": result.after.to_json()},
            oreline=version("oreline"),
        )

    def _num_steps(self, resolved: Mapping[str, Any]) -> dict[str, int]:
        """Return the steps of both stages: what the epochs ask for, within what the minutes allow."""
        steps = max(round(self.options.epochs * len(self.rows_NT) / ROWS_PER_STEP), 1)
        sample = [self._batch(self.rows_NT[:ROWS_PER_STEP], torch.Generator().manual_seed(self.seed))]
        begun = time.perf_counter()
        optimizer = self._optimizer(LEARNING_RATE)  # built first, so that embeddings have the gradients they will have
        measured = forecast(self.model, sample, self.objective.loss, bf16=resolved["precision"] == "bf16")
        measured = replace(measured, step_s=measured.step_s + update_s(optimizer))
        if self.options.minutes is not None:
            forecast_s = time.perf_counter() - begun
            # A forward pass is a third of a step; the loss is measured twice, row by row.
            measuring_s = 2 * len(self.held_out_NT) / ROWS_PER_STEP * measured.step_s / 3
            left_s = self.options.minutes * 60 - self.loading_s - forecast_s - measuring_s
            steps = min(steps, max(int(left_s / measured.step_s), 2))
        head_steps = 0 if self.job.is_new else max(int(steps * HEAD_SHARE), 1)
        num_steps = max(steps - head_steps, 1)
        covered = num_steps * min(ROWS_PER_STEP, len(self.rows_NT)) / len(self.rows_NT)
        self.job.on_event(measured.event(num_steps + head_steps, len(self.rows_NT), covered))
        return {"num_steps": num_steps, "head_steps": head_steps}

    def _warm_up(self, resolved: Mapping[str, Any]) -> Estimate:
        kept = self.work.read("before.json")
        if kept is not None and (self.work.folder / f"{_HEAD}.safetensors").is_file():
            checkpoint.load_weights(self.work, _HEAD, self.model)
            torch.manual_seed(self.seed + 1)
            return Estimate(**kept)
        if resolved["head_steps"]:
            self._train_head(resolved)
        before = self._loss()
        checkpoint.save_weights(self.work, _HEAD, self.model)
        store.write_json(self.work.folder / "before.json", before.to_json())
        torch.manual_seed(self.seed + 1)  # so that a run that continues here draws the same numbers
        return before

    def _train_head(self, resolved: Mapping[str, Any]) -> None:
        """Let the new output layer learn alone."""
        body = [p for name, p in self.model.named_parameters() if name.startswith(self.body)]
        for parameter in body:
            parameter.requires_grad_(False)
        head_work = Workspace(self.work.folder / "head")
        head_work.folder.mkdir(exist_ok=True)
        plan = self._plan(resolved, "warm up", int(resolved["head_steps"]), HEAD_LEARNING_RATE, first_batch=1 << 20)
        run(plan, self.options, head_work, self.job.on_event, {})
        for parameter in body:
            parameter.requires_grad_(True)

    def _plan(
        self, resolved: Mapping[str, Any], stage: str, num_steps: int, learning_rate: float, *, first_batch: int
    ) -> Plan:
        rate = self.options.learning_rate if stage == "pretrain" and self.options.learning_rate else learning_rate
        return Plan(
            model=self.model,
            optimizer=self._optimizer(rate),
            loss=self.objective.loss,
            steps=lambda first, stop: self._steps(first, stop, first_batch),
            num_steps=num_steps,
            learning_rate=rate,
            precision=str(resolved["precision"]),
            flops_per_token=flops_per_token(self.model),
            peak_gflops=float(resolved["peak_gflops"]),
            logs=self.job.logs if stage == "pretrain" else None,
            stage=stage,
        )

    def _optimizer(self, rate: float) -> torch.optim.Optimizer:
        options = self.options
        plug = registry.create("optimizer", options.optimizer, **options.optimizer_options)
        decays = {"weight_decay": options.weight_decay, "layer_decay": options.layer_decay}
        built: torch.optim.Optimizer = plug.build(self.model, learning_rate=rate, **decays)
        return built

    def _steps(self, first: int, stop: int, offset: int) -> Iterator[Sequence[Batch]]:
        """Yield corrupted batches; rows and corruption follow from (seed, step) alone."""
        per_epoch = max(len(self.rows_NT) // ROWS_PER_STEP, 1)
        for number in range(first, stop):
            epoch, place = divmod(number, per_epoch)
            order = np.random.default_rng([self.seed, epoch]).permutation(len(self.rows_NT))
            rows = order[place * ROWS_PER_STEP : (place + 1) * ROWS_PER_STEP]
            generator = torch.Generator().manual_seed(self.seed * (1 << 32) + offset + number)
            yield [self._batch(self.rows_NT[rows], generator)]

    def _batch(self, rows_BT: NDArray[np.int32], generator: torch.Generator) -> Batch:
        ids_BT = torch.from_numpy(rows_BT.astype(np.int64))
        special_BT = torch.from_numpy(np.isin(rows_BT, self.special))
        vocab_size = int(self.model.config.vocab_size)
        corrupted_BT, targets_BT = self.objective.corrupt(
            ids_BT, special_BT, generator, mask_id=self.mask_id, vocab_size=vocab_size
        )
        weight = float((targets_BT != -100).sum())
        return Batch(
            ids_BT=to_device(corrupted_BT, self.device),
            mask_BT=None,
            num_tokens=ids_BT.numel(),
            targets=to_device(targets_BT, self.device),
            weight=max(weight, 1.0),
        )

    def _loss(self) -> Estimate:
        """Return the mean loss per predicted token on the held-out rows, with the spread over rows as its interval."""
        self.model.eval()
        sums, counts = [], []
        with torch.inference_mode():
            for number, row_T in enumerate(self.held_out_NT):
                batch = self._batch(row_T[None], torch.Generator().manual_seed(self.seed + number))
                sums.append(float(self.objective.loss(self.model, batch)))
                counts.append(batch.weight)
        total, n = float(np.sum(sums)), int(np.sum(counts))
        mean = total / n
        # A ratio of two sums over rows: its variance by linearisation (Cochran, Sampling Techniques, section 6.3).
        residuals = np.asarray(sums) - mean * np.asarray(counts)
        error = 1.96 * float(np.sqrt((residuals**2).sum() * len(sums) / max(len(sums) - 1, 1))) / n
        return Estimate(mean, mean - error, mean + error, n)


def _made(network: NewNetwork | None, work: Workspace, data: Dataset, seed: int) -> Path:
    """Return the folder of a network to begin from, with a vocabulary of the texts that are trained on."""
    if network is None:
        raise UsageError("pretrain needs a start model", remedy="--start new:transformer-tiny")
    return network.make(work.folder / "start", texts_of(data, trained_split(data)), seed)


def _mask_id(opened: Any, start: Path) -> int:
    for token in ("[MASK]", "<mask>"):
        if (known := opened.token_to_id(token)) is not None:
            return int(known)
    raise ArtifactError(
        "the start model's tokenizer has no mask token",
        where=str(start),
        remedy="start from an encoder that was trained to guess masked words, or from new:transformer-tiny",
    )


def _special_ids(opened: Any) -> list[int]:
    return [index for index, token in opened.get_added_tokens_decoder().items() if token.special]


def _report(data: Dataset, result: _Result, training: _Pretraining, seconds: float) -> Report:
    losses = [(point["step"], point["loss"]) for point in result.progress.history if "loss" in point]
    curve = {"x": {"training loss": [s for s, _ in losses]}, "y": {"training loss": [round(v, 5) for _, v in losses]}}
    return Report(
        verb="pretrain",
        title="Pretraining: masked tokens",
        subject={"data": data.fingerprint, "measured on": "held-out packed rows"},
        metrics={"loss_before": result.before, "loss_after": result.after},
        facts={
            "num_steps": result.progress.step,
            "num_steps_of_the_output_layer_alone": result.resolved["head_steps"],
            "num_packed_rows": len(training.rows_NT),
            "train_s": seconds,
        },
        charts=[Chart("Loss per masked token", "lines", {**curve, "x_label": "step", "y_label": "nats"})],
    )
