"""Train an encoder with a head on labelled rows: what the gradient methods share.

Shape suffixes: N rows, B rows of one batch, K classes.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from oreline import registry
from oreline.errors import UsageError
from oreline.models.adapting import adapter_of, fold, put_on
from oreline.models.attention import drops, set_dropout, use_quick_dropout
from oreline.models.base import base_folder
from oreline.models.batch import Batch, make_batch, to_device
from oreline.models.checkpointing import use_checkpointing
from oreline.models.load import max_positions, save_model, saved_pooling
from oreline.models.mixed import carry_bf16
from oreline.models.sentence import POOLING, read_pooling
from oreline.models.tokenizing import tokenizer
from oreline.plugs import Adapter
from oreline.runtime.batching import length_batches
from oreline.runtime.windows import cut, predict_words
from oreline.tasks.reading import reading
from oreline.train.aim import aim_of
from oreline.train.batches import few_widths
from oreline.train.budget import Budget
from oreline.train.foretell import foretold_steps, probed_budget
from oreline.train.frozen import Frozen, usable_prefix
from oreline.train.job import Job, Outcome, Rows
from oreline.train.passes import Passes
from oreline.train.precision import best_device, training_on
from oreline.train.regularize import Loss, Regularized, regularized
from oreline.train.resources import flops_per_token, keep, resolve
from oreline.train.run import Plan, Progress, run
from oreline.train.tracking import noting
from oreline.train.words import by_token
from oreline.types import Encoded, Task

if TYPE_CHECKING:
    from numpy.typing import NDArray

PREDICT_TOKENS, GPU_PREDICT_TOKENS = 2048, 32768
"""Padded tokens of a forward pass without gradients: beyond it, a CPU's caches overflow; a GPU wants more."""
_COPIED = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.txt")


def start_of(job: Job, method: str) -> Path:
    """Return the job's start model. Raises `UsageError` when there is none."""
    if job.start is None:
        raise UsageError(f"the method {method!r} needs a start model", remedy="--start catalog:minilm-l6-en")
    return job.start


def pooling_of(folder: Path, task: Task) -> str | None:
    """Return how a task's texts are read where nobody says; None: as transformers' own classes do.

    As the start model's own head reads them, where it goes on; else as the task wants (`marks`); else `mean` or `max`
    for an encoder that was trained to be read so (sentence-transformers' layout).
    """
    if known := saved_pooling(folder, len(task.labels)) or getattr(task, "pooling", None):
        return str(known)
    found = read_pooling(folder)
    return found if found != "first" else None  # which is how transformers' own classes read, unless a head says more


class EncoderTraining:
    """One encoder, one head, the rows of one job, tokenised once."""

    def __init__(self, job: Job, folder: Path, head: Any, adapter: Adapter | None = None) -> None:
        """Open a start model under a head; an adapter trains instead of the encoder's own weights.

        A start model with an adapter on goes on with it where one is given, and is merged where none is.
        """
        self.job, self.folder, self.head = job, base_folder(folder), head
        torch.manual_seed(job.seed)
        self.model = head.module(folder)
        if adapter_of(self.model) is None and adapter is not None:
            put_on(self.model, adapter)
        elif adapter_of(self.model) is not None and adapter is None:
            fold(self.model)
        self.regularized = _penalized(regularized(job.options.regularizers, head), adapter_of(self.model))
        use_quick_dropout(self.model)
        carry_bf16(self.model)
        if job.options.dropout is not None:
            set_dropout(self.model, job.options.dropout)
        if self.regularized.needs_dropout and not drops(self.model):
            raise UsageError(
                "r_drop compares two passes with other units dropped, and nothing is dropped here: they are the same",
                allowed="dropout above 0",
                remedy="leave r_drop out, or --set train.dropout=0.1",
            )
        if job.options.gradient_checkpointing:
            if self.regularized.weights_move:
                raise UsageError(
                    "awp moves the weights for a pass, and gradient_checkpointing computes layers again after it",
                    remedy="leave out one of the two",
                )
            use_checkpointing(self.model)
        self.device = best_device()
        self.predict_tokens = PREDICT_TOKENS if self.device == "cpu" else GPU_PREDICT_TOKENS
        self.model.to(self.device)
        self.pad_id = int(self.model.config.pad_token_id or 0)
        self.tokenizer = tokenizer(self.folder)
        self.max_tokens = min(job.options.max_tokens, max_positions(self.model))
        self.train = self._encode(job.train)
        self.dev = self._encode(job.dev) if job.dev is not None else None
        self.pieces, self.targets = self._pieces()
        self.weights_N = self._weights()
        self.lengths_N = np.asarray([len(ids) for ids in self.pieces.ids], dtype=np.int64)
        self.widths_N: NDArray[np.int64] | None = None
        self.frozen: Frozen | None = None
        self._last_outputs: dict[str, NDArray[Any]] | None = None
        self._say_example()

    def fit(self, learning_rate: float) -> Outcome:
        """Train all parameters that want gradients, and return the best model on dev."""
        job, options = self.job, self.job.options
        with training_on((job.resolved or {}).get("threads") or options.threads) as threads:
            resolved = resolve(self.model, options, job.work, job.resolved, threads)
            rate = options.learning_rate or learning_rate
            optimizer = registry.create("optimizer", options.optimizer, **options.optimizer_options).build(
                self.model,
                learning_rate=rate,
                weight_decay=options.weight_decay,
                layer_decay=options.layer_decay,
            )
            passes, loss = self._passes(resolved)
            if "num_steps" not in resolved:
                bf16 = resolved["precision"] == "bf16"
                resolved["num_steps"] = foretold_steps(self, passes, loss, optimizer, bf16=bf16)
                keep(job.work, resolved)
            if adapter := adapter_of(self.model):
                adapter.watch(self.model, optimizer, int(resolved["num_steps"]))
            plan = Plan(
                model=self.model,
                optimizer=optimizer,
                loss=loss,
                steps=passes.steps,
                num_steps=int(resolved["num_steps"]),
                learning_rate=rate,
                precision=str(resolved["precision"]),
                flops_per_token=self._flops_per_token() * self.regularized.cost,
                peak_gflops=float(resolved["peak_gflops"]),
                flops_beside=self._flops_beside,
                evaluate=self._score_dev if self.dev is not None else None,
                evaluate_every=self.evaluate_every(passes),
                smaller=passes.smaller,
                average=self.regularized.average,
                logs=job.logs,
            )
            config = {"method": "full", "learning_rate": rate, **options.model_dump(exclude={"track"})}
            rates: dict[str, float] = {}
            progress = run(plan, options, job.work, noting(rates, job.on_event), config)
            dev_outputs = self._dev_outputs(progress)
        return self._outcome(resolved, progress, rates, dev_outputs)

    def outputs(self, encoded: Encoded) -> dict[str, NDArray[Any]]:
        """Return the head's outputs for rows, in their order."""
        self.model.eval()
        if encoded.words is not None:
            given = {"max_tokens": self.max_tokens, "token_budget": self.predict_tokens}
            return {"scores": predict_words(encoded, self._forward, self.job.task, **given)[0]}
        lengths_N = np.asarray([len(ids) for ids in encoded.ids], dtype=np.int64)
        batches = length_batches(lengths_N, self.predict_tokens)
        with torch.inference_mode():
            parts = [self._logits(encoded, rows) for rows in self._ahead(encoded, batches)]
        logits_NK = np.concatenate(parts)[np.argsort(np.concatenate(batches))]
        return {"scores": self.job.task.activate(logits_NK)}

    def embeddings(self, encoded: Encoded) -> NDArray[np.float32]:
        """Return the vectors that the head reads, of shape (N, D), in the rows' order."""
        self.model.eval()
        lengths_N = np.asarray([len(ids) for ids in encoded.ids], dtype=np.int64)
        batches = length_batches(lengths_N, self.predict_tokens)
        with torch.inference_mode():
            parts = [self.head.outputs(self.model, self.batch(encoded, rows, None))[1] for rows in batches]
        embedded: NDArray[np.float32] = np.concatenate(parts)[np.argsort(np.concatenate(batches))]
        return embedded

    def save(self, folder: Path) -> None:
        """Write the model in Hugging Face layout, with its tokenizer."""
        save_model(self.model, folder, labels=self.job.task.labels)
        copy_tokenizer(self.folder, folder)

    def _encode(self, rows: Rows) -> Encoded:
        return self.job.task.encode(rows.columns, self.tokenizer, self.max_tokens)

    def _pieces(self) -> tuple[Encoded, Any]:
        """Return what is trained on: the rows and their targets, or the windows of rows whose every word is answered.

        Raises `DataError` for a row that has more or fewer targets than words.
        """
        if self.train.words is None:
            rows = self.job.train
            return self.train, rows.targets if rows.soft_NK is None else rows.soft_NK
        return by_token(self.job.task, self.train, self.job.train, self.max_tokens)

    def _weights(self) -> NDArray[np.float32] | None:
        """Return what each piece counts: what its row does."""
        weights_N = self.job.train.weights_N
        if weights_N is None or self.train.words is None:
            return weights_N
        return weights_N[cut(self.train, self.max_tokens).rows_B]

    def _forward(self, encoded: Encoded) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        batch = self.batch(encoded, np.arange(len(encoded.ids)), None)
        outputs: tuple[NDArray[np.float32], NDArray[np.float32]] = self.head.outputs(self.model, batch)
        return outputs

    def _say_example(self) -> None:
        if not self.train.ids:
            return
        shown = self.tokenizer.decode(self.train.ids[0].tolist(), skip_special_tokens=False)
        [target] = self.job.task.names(self.job.train.targets[:1])
        self.job.say(f"first row as the model sees it: {shown[:300]} → {target}")
        if num_cut := int(self.train.truncated_N.sum()):
            num_rows = len(self.train.ids)
            self.job.say(f"warning: {num_cut:,} of {num_rows:,} texts exceed {self.max_tokens} tokens and were cut")

    def _passes(self, resolved: dict[str, Any]) -> tuple[Passes, Loss]:
        """Return the run's passes and the loss that each is trained with; probe the token budget where it is new."""
        job, bf16 = self.job, resolved["precision"] == "bf16"
        self.widths_N = self._widths(bf16)
        self.frozen = self._frozen(bf16)
        loss = self.frozen.above(self.regularized.loss) if self.frozen else self.regularized.loss
        budget = Budget(resolved, lambda found: keep(job.work, found))
        ahead = self.frozen.train.ahead if self.frozen else iter
        passes = Passes(self.widths_N, job.options, job.seed, budget, self._training_batch, job.say, ahead)
        if "num_steps" not in resolved and job.options.token_budget is None and self.device == "cuda":
            budget.first = resolved["token_budget"] = probed_budget(self, passes, loss, bf16=bf16)
        if self.frozen:
            self.frozen.keep(sum(parameter.numel() for parameter in self.model.parameters()))
        return passes, loss

    def _widths(self, bf16: bool) -> NDArray[np.int64]:
        """Return the padded tokens of each piece where it is the longest of its pass.

        On a CPU, oneDNN compiles the products of bf16 for each shape of a pass, and keeps them.
        """
        return few_widths(self.lengths_N, self.max_tokens) if bf16 and self.device == "cpu" else self.lengths_N

    def _frozen(self, bf16: bool) -> Frozen | None:
        """Open what is kept of the frozen lowest layers, if there are any that states can stand for."""
        prefix = usable_prefix(self.model, inputs_move=self.regularized.inputs_move, say=self.job.say)
        if prefix is None:
            return None
        train, dev = self._read_again()
        return Frozen(prefix, self.job, self._without_targets, train, dev, bf16=bf16)

    def _read_again(self) -> tuple[Encoded, Encoded | None]:
        """Return the rows that are read in each epoch: what is trained on, and dev where it is read alike."""
        # Rows of words are read whole on dev, and in windows.
        return self.pieces, self.dev if self.dev is not None and self.dev.words is None else None

    def _without_targets(self, encoded: Encoded, rows: NDArray[np.int64]) -> Batch:
        return self.batch(encoded, rows, None)

    def _flops_per_token(self) -> float:
        return flops_per_token(self.model, left_out=self.frozen.prefix.num_weights if self.frozen else 0)

    def _flops_beside(self) -> float:
        return self.frozen.train.flops if self.frozen else 0.0

    def _kept(self) -> dict[str, Any]:
        """Return what is measured of frozen layers."""
        if self.frozen is None:
            return {}
        return {"frozen_layers": self.frozen.prefix.num_layers, "frozen_cache_bytes": self.frozen.num_bytes}

    def evaluate_every(self, passes: Passes) -> int:
        """Return the steps between two scorings of dev."""
        return -(-passes.per_epoch // self.job.options.evaluations_per_epoch)

    def scoring_s(self, row_s: float) -> float:
        """Return what a scoring of dev takes, where answering one row takes `row_s`."""
        return row_s * len(self.job.dev) if self.job.dev is not None else 0.0

    def sample(self, rows: NDArray[np.int64], *, bf16: bool) -> Batch:
        """Return rows as they are trained on, with states of their own where these are kept."""
        batch = self.batch(self.pieces, rows, self.targets)
        return replace(batch, states_BTD=self.frozen.prefix.states(batch, bf16=bf16)) if self.frozen else batch

    def _training_batch(self, rows: NDArray[np.int64]) -> Batch:
        batch = self.batch(self.pieces, rows, self.targets)
        return self.frozen.train.given(batch, rows) if self.frozen else batch

    def _ahead(self, encoded: Encoded | None, batches: Sequence[NDArray[np.int64]]) -> Iterator[NDArray[np.int64]]:
        """Pass on the rows of batches; those of dev when the states of several batches are known."""
        if self.frozen is None or self.frozen.dev is None or not self.frozen.dev.is_of(encoded):
            return iter(batches)
        return (rows for [rows] in self.frozen.dev.ahead([rows] for rows in batches))

    def _of_dev(
        self, encoded: Encoded, rows: NDArray[np.int64], batch: Batch
    ) -> tuple[Batch, contextlib.AbstractContextManager[None]]:
        """Return a batch and the model's manner of reading it: rows of dev above their states."""
        if self.frozen is None or self.frozen.dev is None or not self.frozen.dev.is_of(encoded):
            return batch, contextlib.nullcontext()
        return self.frozen.dev.given(batch, rows), self.frozen.prefix.left_out()

    def _logits(self, encoded: Encoded, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        batch, manner = self._of_dev(encoded, rows, self.batch(encoded, rows, None))
        with manner:
            logits_BK, _ = self.head.outputs(self.model, batch)
        found: NDArray[np.float32] = logits_BK
        return found

    def batch(self, encoded: Encoded, rows: NDArray[np.int64], targets: Any) -> Batch:
        """Return some rows as one padded batch on the device."""
        if targets is not None:
            targets = [targets[row] for row in rows] if isinstance(targets, list) else targets[rows]
        batch = make_batch(
            [encoded.ids[row] for row in rows],
            self.pad_id,
            segments=[encoded.segments[row] for row in rows] if encoded.segments is not None else None,
            targets=targets,
            places=[encoded.places[row] for row in rows] if encoded.places is not None else None,
            width=int(self.widths_N[rows].max()) if self.widths_N is not None and encoded is self.pieces else None,
            device=self.device,
        )
        if targets is not None and self.weights_N is not None:
            batch = replace(batch, row_weights_B=to_device(torch.from_numpy(self.weights_N[rows]), self.device))
        return replace(batch, weight=float(len(rows))) if getattr(self.head, "counts_rows", False) else batch

    def _score_dev(self) -> tuple[tuple[float, ...], dict[str, float]]:
        if self.dev is None or self.job.dev is None:
            raise ValueError("there are no dev rows to score")
        task = reading(self.job.task, self.job.dev.columns)
        self._last_outputs = self.outputs(self.dev)
        figures = self.job.score(task, self.job.dev.targets, self._last_outputs)
        shown = {name: figures[name] for name in (task.metrics[0], "log_loss") if name in figures}
        return aim_of(task, self.job.dev.targets, self._last_outputs, figures), shown

    def _dev_outputs(self, progress: Progress) -> dict[str, NDArray[Any]] | None:
        """Return the kept weights' outputs on dev; those of the last evaluation, when it was of these weights."""
        if self.dev is None:
            return None
        if self._last_outputs is not None and progress.best_step == progress.step:
            return self._last_outputs
        return self.outputs(self.dev)

    def _outcome(
        self,
        resolved: Mapping[str, Any],
        progress: Progress,
        rates: Mapping[str, float],
        dev_outputs: dict[str, NDArray[Any]] | None,
    ) -> Outcome:
        best = progress.best_step or progress.step
        return Outcome(
            save=self.save,
            max_tokens=self.max_tokens,
            dev_outputs=dev_outputs,
            resolved=resolved,
            measurements={"steps": progress.step, "best_step": best, **rates, **self._kept()},
            history=progress.history,
        )


def _penalized(wrapped: Regularized, adapter: Adapter | None) -> Regularized:
    """Add an adapter's penalty to the mean loss."""
    if adapter is None:
        return wrapped

    def loss(model: Any, batch: Batch) -> Tensor:
        penalty = adapter.penalty(model)
        summed = wrapped.loss(model, batch)
        return summed if penalty is None else summed + batch.weight * penalty

    return replace(wrapped, loss=loss)


def copy_tokenizer(source: Path, folder: Path) -> None:
    """Copy the tokenizer's files, and the pooling that a sentence encoder was trained with."""
    for name in _COPIED:
        if (source / name).is_file():
            shutil.copyfile(source / name, folder / name)
    if (source / POOLING).is_file():
        (folder / POOLING).parent.mkdir(exist_ok=True)
        shutil.copyfile(source / POOLING, folder / POOLING)
