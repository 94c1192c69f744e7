"""Train every weight of an encoder and a new head.

Shape suffixes: N rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from oreline import registry
from oreline.errors import UsageError
from oreline.models.attention import flops_per_token, set_dropout, use_quick_dropout
from oreline.models.batch import Batch, make_batch
from oreline.models.heads.sequence_classification import balanced_weights
from oreline.models.load import max_positions, save_model, tokenizer
from oreline.runtime.batching import length_batches
from oreline.train.batches import plan_epoch, steps_from, steps_per_epoch
from oreline.train.estimate import try_steps
from oreline.train.job import Job, Outcome, Rows
from oreline.train.precision import best_device, probe, using_threads
from oreline.train.run import Plan, run
from oreline.types import Encoded

_DEFAULT_RATE = 2e-4
_CPU_TOKEN_BUDGET, _GPU_TOKEN_BUDGET = 4096, 32768


class Method:
    """Every weight of the start model, through the one loop."""

    runtime = "torch"

    def __init__(self, *, pooling: str | None = None) -> None:
        """Choose what the head reads: `first` token, `mean` of the tokens, or what the start model was saved with."""
        self.pooling = pooling

    def train(self, job: Job) -> Outcome:
        """Train, evaluating on dev, and return the best weights."""
        if job.start is None:
            raise UsageError("the method 'full' needs a start model", remedy="--start catalog:minilm-l6-en")
        wanted = (job.resolved or {}).get("threads", job.options.threads)
        with using_threads(wanted) as threads, torch.random.fork_rng(enabled=True):
            torch.manual_seed(job.seed)
            return _Trainer(job, job.start, self.pooling, threads).train()


@dataclass(slots=True)
class _Data:
    """Encoded rows and what cuts them into batches."""

    encoded: Encoded
    targets_N: np.ndarray[Any, np.dtype[np.int64]]
    pad_id: int
    device: str

    @property
    def lengths_N(self) -> np.ndarray[Any, np.dtype[np.int64]]:
        return np.asarray([len(ids) for ids in self.encoded.ids], dtype=np.int64)

    def batch(self, rows: Sequence[int]) -> Batch:
        segments = self.encoded.segments
        return make_batch(
            [self.encoded.ids[row] for row in rows],
            self.pad_id,
            segments=[segments[row] for row in rows] if segments is not None else None,
            targets=self.targets_N[rows],
            device=self.device,
        )


class _Trainer:
    """Prepares one job for the loop."""

    def __init__(self, job: Job, start: Path, pooling: str | None, threads: int) -> None:
        self.job, self.options, self.threads = job, job.options, threads
        self.device = best_device()
        weights = balanced_weights(job.train.targets_N, len(job.task.labels)) if _balanced(job) else None
        self.head = registry.create(
            "head", job.task.head, num_labels=len(job.task.labels), pooling=pooling, class_weights=weights
        )
        self.model = self.head.module(start).to(self.device)
        use_quick_dropout(self.model)
        if self.options.dropout is not None:
            set_dropout(self.model, self.options.dropout)
        self.tokenizer = tokenizer(start)
        self.max_tokens = min(self.options.max_tokens, max_positions(self.model))
        self.train_data = self._encode(job.train, "training")
        self.dev_data = self._encode(job.dev, "dev") if job.dev is not None and len(job.dev) else None

    def train(self) -> Outcome:
        """Resolve what depends on the machine, show an example and an estimate, then run."""
        job, options, data = self.job, self.options, self.train_data
        resolved = dict(job.resolved or job.work.read("resolved.json") or {})
        rate = options.learning_rate or _DEFAULT_RATE
        optimizer = registry.create("optimizer", options.optimizer).build(
            self.model, learning_rate=rate, weight_decay=options.weight_decay
        )
        self._show_example()
        speed = probe(*_shape(self.model), threads=self.threads, device=self.device)
        resolved = self._resolve(resolved, optimizer, speed.best_precision, rate)
        plan = Plan(
            model=self.model,
            optimizer=optimizer,
            loss=self.head.loss,
            steps=self._steps(resolved["token_budget"]),
            num_steps=resolved["steps"],
            learning_rate=rate,
            precision=resolved["precision"],
            flops_per_token=flops_per_token(self.model, float(data.lengths_N.mean())),
            peak_gflops=speed.gflops(resolved["precision"]),
            evaluate=self._evaluate if self.dev_data is not None else None,
            evaluate_every=self._evaluate_every(resolved["steps"]),
            logs=job.logs,
        )
        progress = run(plan, options, job.work, job.on_event, {"seed": job.seed, **resolved})
        self.model.eval()
        return Outcome(
            save=self._save,
            max_tokens=self.max_tokens,
            dev_outputs=self._predict(self.dev_data) if self.dev_data is not None else None,
            resolved=resolved,
            history=progress.history,
        )

    def _encode(self, rows: Rows, name: str) -> _Data:
        encoded = self.job.task.encode(rows.columns, self.tokenizer, self.max_tokens)
        if cut := int(encoded.truncated_N.sum()):
            self.job.say(
                f"warning: {cut:,} of {len(rows):,} {name} rows are longer than {self.max_tokens} tokens and were cut"
            )
        return _Data(encoded, rows.targets_N, int(self.model.config.pad_token_id or 0), self.device)

    def _show_example(self) -> None:
        rows, label = self.job.train, self.job.task.labels[int(self.job.train.targets_N[0])]
        ids = self.train_data.encoded.ids[0].tolist()
        self.job.say(
            f"first of {len(rows):,} rows, as the model sees it: "
            f"{self.tokenizer.decode(ids, skip_special_tokens=False)!r} -> {label}"
        )

    def _resolve(
        self, known: dict[str, Any], optimizer: torch.optim.Optimizer, best_precision: str, rate: float
    ) -> dict[str, Any]:
        """Decide precision, token budget and number of steps, unless an earlier run of this job decided."""
        options, num_rows = self.options, len(self.job.train)
        if known:
            return {**known, "threads": self.threads}
        precision = best_precision if options.precision == "auto" else options.precision
        budget = options.token_budget or (_CPU_TOKEN_BUDGET if self.device == "cpu" else _GPU_TOKEN_BUDGET)
        planned = max(round(options.epochs * steps_per_epoch(num_rows, options.rows_per_step)), 1)
        tried = try_steps(
            self.model, optimizer, self.head.loss, self._trial_steps(budget), bf16=precision == "bf16"
        )
        if options.minutes is not None:
            planned = max(min(planned, int(options.minutes * 60 / tried.step_s)), 1)
        self.job.say(tried.sentence(planned, num_rows))
        resolved = {
            "precision": precision,
            "threads": self.threads,
            "token_budget": budget,
            "steps": planned,
            "learning_rate": rate,
            "device": self.device,
        }
        self.job.work.write("resolved.json", resolved)
        return resolved

    def _plan(self, budget: int, epoch: int) -> list[list[np.ndarray[Any, np.dtype[np.int64]]]]:
        return plan_epoch(
            self.train_data.lengths_N,
            rows_per_step=self.options.rows_per_step,
            token_budget=budget,
            seed=self.job.seed,
            epoch=epoch,
        )

    def _trial_steps(self, budget: int) -> list[list[Batch]]:
        lengths_N = self.train_data.lengths_N
        plan = self._plan(budget, 0)
        longest = max(plan, key=lambda step: max(int(lengths_N[rows].max()) * len(rows) for rows in step))
        return [[self.train_data.batch(rows) for rows in step] for step in [longest, *plan[:4]]]

    def _steps(self, budget: int) -> Callable[[int, int], Iterator[list[Batch]]]:
        def steps(first: int, num_steps: int) -> Iterator[list[Batch]]:
            for step in steps_from(
                self.train_data.lengths_N,
                first=first,
                num_steps=num_steps,
                rows_per_step=self.options.rows_per_step,
                token_budget=budget,
                seed=self.job.seed,
            ):
                yield [self.train_data.batch(rows) for rows in step]

        return steps

    def _evaluate_every(self, num_steps: int) -> int:
        per_epoch = min(steps_per_epoch(len(self.job.train), self.options.rows_per_step), num_steps)
        return max(per_epoch // self.options.evaluations_per_epoch, 1)

    def _evaluate(self) -> tuple[tuple[float, ...], dict[str, float]]:
        data = self.dev_data or self.train_data
        figures = self.job.score(self.job.task, data.targets_N, self._predict(data))
        first = self.job.task.metrics[0]
        sign = 1.0 if registry.get("metric", first).higher_is_better else -1.0
        # Few dev rows tie often; between equals, the better probabilities win.
        return (sign * figures[first], -figures.get("log_loss", 0.0)), figures

    def _predict(self, data: _Data) -> dict[str, Any]:
        batches = length_batches(data.lengths_N, 4096)
        with torch.inference_mode():
            parts = [self.head.outputs(self.model, data.batch(rows))[0] for rows in batches]
        order = np.concatenate(batches)
        joined = {}
        for name in parts[0]:
            values = np.concatenate([part[name] for part in parts])
            joined[name] = np.empty_like(values)
            joined[name][order] = values
        return joined

    def _save(self, folder: Path) -> None:
        save_model(self.model, folder, labels=self.job.task.labels)


def _balanced(job: Job) -> bool:
    return job.options.class_weights == "balanced"


def _shape(model: Any) -> tuple[int, int]:
    config = model.config
    return int(config.hidden_size), int(getattr(config, "intermediate_size", 4 * config.hidden_size))
