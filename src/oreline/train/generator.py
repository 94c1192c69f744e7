"""Train a model that writes: teacher forcing on the answers of labelled rows.

Shape suffixes: N rows, B rows of one batch.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from oreline import registry
from oreline.models.batch import Batch, make_batch
from oreline.models.generation import end_id, refuse_too_long
from oreline.models.load import save_model
from oreline.models.writing import write
from oreline.plugs import Adapter
from oreline.runtime.batching import length_batches, take
from oreline.tasks.written import Pieces
from oreline.train.encoder import PREDICT_TOKENS, EncoderTraining, copy_tokenizer
from oreline.train.foretell import of_all_lengths, times_the_sample
from oreline.train.job import Job, Outcome, Rows
from oreline.train.packing import packed
from oreline.types import Encoded, Event

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SHOWN = 600
"""Characters of the example that is shown before training."""


def training_of(job: Job, folder: Path, head: Any, adapter: Adapter | None = None) -> EncoderTraining:
    """Return the training of a job: of a model that writes, or of an encoder with a head."""
    make = GeneratorTraining if job.task.view == "texts" else EncoderTraining
    return make(job, folder, head, adapter)


class GeneratorTraining(EncoderTraining):
    """One model that writes, the rows of one job: what differs from an encoder with a head.

    What is trained on are the task's `pieces`: what is read, and the tokens to be written, each given all true ones
    before it. Dev is scored by the mean loss of those tokens, or (`TrainOptions.dev_texts`) by answers in full.
    """

    def __init__(self, job: Job, folder: Path, head: Any, adapter: Adapter | None = None) -> None:
        """Open a start model; see `EncoderTraining`. Raises `UsageError` for answers that it has no room for."""
        super().__init__(job, folder, head, adapter)
        self.lengths_N = np.maximum(self.lengths_N, [len(target) for target in self.targets])
        self.dev_pieces = self._pieces_of(job.dev) if job.dev is not None else None

    @property
    def task(self) -> Any:
        """The task; how long its answers may be is known from the training rows at the latest."""
        return self.job.task

    def outputs(self, encoded: Encoded) -> dict[str, NDArray[Any]]:
        """Answer rows, in their order."""
        self.model.eval()
        lengths_N = np.asarray([len(ids) for ids in encoded.ids], dtype=np.int64)
        generation = self.task.generation
        batches = length_batches(lengths_N, PREDICT_TOKENS // max(generation.num_beams, generation.num_answers))
        scores = np.empty(len(lengths_N), dtype=object)
        for number, rows in enumerate(batches):
            given: Any = {"pad_id": self.pad_id, "device": self.device}
            scores[rows], _ = write(self.head, self.model, take(encoded, rows), self.tokenizer, self.task, **given)
            if len(batches) > 1:
                self.job.on_event(Event("answer", number + 1, len(batches)))
        return {"scores": scores}

    def fit(self, learning_rate: float) -> Outcome:
        """Train, and return the best model on dev with the task as it is by now."""
        return replace(super().fit(learning_rate), task=self.task)

    def save(self, folder: Path) -> None:
        """Write the model in Hugging Face layout, with its tokenizer."""
        save_model(self.model, folder)
        copy_tokenizer(self.folder, folder)
        write_files(self.task, folder)

    def _pieces(self) -> tuple[Encoded, list[NDArray[np.int64]]]:
        """Return what is trained on, and fix how long answers may be where nobody has said it."""
        refuse_too_long(self.model, self.task.generation)
        found = self._pieces_of(self.job.train)
        longest = self.task.longest_answer(found.targets, self.max_tokens)
        if self.task.generation.max_new_tokens is None:
            self.job = replace(self.job, task=self.task.with_generation({"max_new_tokens": max(longest, 1)}))
        num_rows, dialogues = len(self.job.train), getattr(self.task, "dialogues", False)
        if found.num_cut:
            what = "dialogues" if dialogues else "answers"
            limit = self.max_tokens if dialogues else self.task.generation.max_new_tokens
            self.job.say(f"warning: {found.num_cut:,} of {num_rows:,} {what} exceed {limit} tokens and were cut")
        if num_left_out := num_rows - len(found.targets):
            self.job.say(f"warning: {num_left_out:,} of {num_rows:,} rows were left out: nothing of their answer fits")
        if self.job.options.packing:
            return packed(self.head, found, self.max_tokens)
        return found.encoded, found.targets

    def _pieces_of(self, rows: Rows) -> Pieces:
        end, targets = end_id(self.model, self.task), rows.targets.tolist()
        found: Pieces = self.task.pieces(rows.columns, targets, self.tokenizer, self.max_tokens, end)
        return found

    def _say_example(self) -> None:
        if not self.pieces.ids:
            return
        read, target = self.pieces.ids[0], self.targets[0]
        if hasattr(self.task, "shown"):
            self.job.say(f"first row as the model sees it: {self.task.shown(read, target, self.tokenizer)[:_SHOWN]}")
            return  # it is not trained on prompts, which are cut to leave room for an answer
        shown, written = (self.tokenizer.decode(ids.tolist(), skip_special_tokens=False) for ids in (read, target))
        self.job.say(f"first row as the model sees it: {shown[: _SHOWN // 2]} → {written[: _SHOWN // 2]}")
        if num_cut := int(self.train.truncated_N.sum()):
            num_rows = len(self.train.ids)
            self.job.say(f"warning: {num_cut:,} of {num_rows:,} texts exceed {self.max_tokens} tokens and were cut")

    def _read_again(self) -> tuple[Encoded, Encoded | None]:
        return self.pieces, self.dev_pieces.encoded if self.dev_pieces is not None else None

    def _without_targets(self, encoded: Encoded, rows: NDArray[np.int64]) -> Batch:
        """Return rows as they are read with targets: a prompt alone is padded in another way."""
        return self.batch(encoded, rows, [np.full(1, -100, np.int64)] * len(encoded.ids))

    def batch(self, encoded: Encoded, rows: NDArray[np.int64], targets: Any) -> Batch:
        """Return some rows as one padded batch on the device, as the head wants it."""
        make = getattr(self.head, "make_batch", make_batch)
        some = take(encoded, rows)
        wanted = [targets[row] for row in rows] if targets is not None else None
        made: Batch = make(some.ids, self.pad_id, segments=some.segments, targets=wanted, device=self.device)
        return made

    def scoring_s(self, row_s: float) -> float:
        """Return what a scoring of dev takes: its loss, and the answers that `dev_texts` asks for."""
        if self.dev_pieces is None or self.job.dev is None:
            return 0.0
        encoded, targets = self.dev_pieces.encoded, self.dev_pieces.targets
        rows = of_all_lengths(encoded)
        begun = time.perf_counter()
        self._loss_a_token(take(encoded, rows), [targets[row] for row in rows])
        loss_s = (time.perf_counter() - begun) * times_the_sample(self, encoded, rows)
        return loss_s + row_s * min(self.job.options.dev_texts, len(self.job.dev))

    def _score_dev(self) -> tuple[tuple[float, ...], dict[str, float]]:
        """Score by the loss a token, or by the task's first metric where some rows are answered; then by the loss."""
        if self.dev_pieces is None:
            raise ValueError("there are no dev rows to score")
        loss = self._loss_a_token(self.dev_pieces.encoded, self.dev_pieces.targets)
        if not self.job.options.dev_texts or self.job.dev is None or self.dev is None:
            return (-loss,), {"loss": loss}
        some = np.arange(min(self.job.options.dev_texts, len(self.job.dev)))
        outputs = self.outputs(take(self.dev, some))
        figures = self.job.score(self.task, self.job.dev.targets[some], outputs)
        metric = self.task.metrics[0]
        sign = 1.0 if registry.get("metric", metric).higher_is_better else -1.0
        aim = (sign * figures.get(metric, -sign * math.inf), -loss)
        return aim, {"loss": loss, **({metric: figures[metric]} if metric in figures else {})}

    def _loss_a_token(self, encoded: Encoded, targets: Sequence[NDArray[np.int64]]) -> float:
        lengths_N = np.asarray([max(len(ids), len(target)) for ids, target in zip(encoded.ids, targets)], np.int64)
        nats, num_tokens = 0.0, 0
        with torch.inference_mode():
            for rows in self._ahead(encoded, length_batches(lengths_N, PREDICT_TOKENS)):
                batch, manner = self._of_dev(encoded, rows, self.batch(encoded, rows, targets))
                with manner:
                    nats_B, tokens_B = self.head.costs(self.model, batch)
                nats, num_tokens = nats + float(nats_B.sum()), num_tokens + int(tokens_B.sum())
        return nats / max(num_tokens, 1)


def write_files(task: Any, folder: Path) -> None:
    """Write what a task keeps beside its model (such as a chat template), where it keeps anything."""
    if hasattr(task, "write_files"):
        task.write_files(folder)
