"""Train an encoder on pairs of texts: what belongs together comes near, and stays apart from all else in the step.

Shape suffixes: N texts of one step, B pairs of one step, C texts that are looked through, D width.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from oreline import registry
from oreline.errors import DataError, UsageError
from oreline.models.adapting import adapter_of
from oreline.models.batch import Batch
from oreline.models.load import save_model
from oreline.models.pairs import PairBatch, StepTexts, pair_batches
from oreline.models.sentence import write_modules
from oreline.runtime.batching import length_batches
from oreline.runtime.samples import NUM_REFERENCE
from oreline.train.budget import Budget, told_of
from oreline.train.encoder import EncoderTraining, copy_tokenizer
from oreline.train.forecasts import END_S, Forecast
from oreline.train.foretell import announced, tried
from oreline.train.job import Outcome
from oreline.train.mining import hard_negatives
from oreline.train.pair_rows import Drawn, PairRows
from oreline.train.precision import training_on
from oreline.train.regularize import Loss
from oreline.train.resources import forecast, keep, resolve
from oreline.train.run import Plan, run
from oreline.train.tracking import noting
from oreline.types import Encoded, Judged

if TYPE_CHECKING:
    from numpy.typing import NDArray

_WHOLE = {"cpu": 8, "cuda": 1}
"""Forward passes of a full token budget that a step may hold at once before its gradients are cached."""
_MINE_AT_LEAST = 2
"""Texts without which there is nothing to mine among."""


@dataclass(frozen=True, slots=True)
class PairOptions:
    """How steps are made of pairs."""

    num_negatives: int
    mine: str
    """`never`, `once` (before the first step) or `epoch` (before each)."""
    margin: float
    gradient_cache: bool | None
    """None: where a step is too large to hold."""


class PairTraining(EncoderTraining):
    """One encoder and the pairs of one job; the head's loss is one over pairs."""

    def prepare(self, options: PairOptions) -> None:
        """Tokenise every text once, and refuse what cannot be learnt from."""
        job, task = self.job, self.job.task
        self.options, self._mined = options, dict[int, list[Any]]()
        graded = bool(task.options["graded"])
        self.rows = PairRows([str(text) for text in job.train.columns["text"]], job.train.targets, graded=graded)
        self.text_ids = task.encode({"text": self.rows.texts}, self.tokenizer, self.max_tokens)
        self.lengths_T = np.asarray([len(ids) for ids in self.text_ids.ids], dtype=np.int64)
        if job.options.rows_per_step < 2:
            raise UsageError("rows_per_step is 1: a pair alone has nothing to be told apart from", allowed="2 or more")
        if len(self.rows) < 2:
            raise DataError(
                f"{len(self.rows)} pair to train on", allowed="two pairs or more", remedy="bring more pairs"
            )
        width = int(self.model.config.hidden_size)
        if too_wide := next((size for size in task.options["sizes"] if size > width), None):
            raise UsageError(f"sizes: {too_wide} is more than the model's vectors have", allowed=f"at most {width}")

    def fit(self, learning_rate: float) -> Outcome:
        """Train all parameters that want gradients, and return the best model on dev."""
        job, options = self.job, self.job.options
        with training_on((job.resolved or {}).get("threads") or options.threads) as threads:
            resolved = resolve(self.model, options, job.work, job.resolved, threads)
            self._budget = Budget(resolved, lambda found: keep(job.work, found))
            rate = options.learning_rate or learning_rate
            optimizer = registry.create("optimizer", options.optimizer, **options.optimizer_options).build(
                self.model, learning_rate=rate, weight_decay=options.weight_decay, layer_decay=options.layer_decay
            )
            bf16 = resolved["precision"] == "bf16"
            self.frozen = self._frozen(bf16)
            loss = self.frozen.above(self.regularized.loss) if self.frozen else self.regularized.loss
            if "num_steps" not in resolved:  # after the optimizer, so that embeddings have the gradients they will have
                resolved["num_steps"] = self._num_steps_of(optimizer, loss, bf16=bf16)
                keep(job.work, resolved)
            if self.frozen:
                self.frozen.keep(sum(parameter.numel() for parameter in self.model.parameters()))
            if adapter := adapter_of(self.model):
                adapter.watch(self.model, optimizer, int(resolved["num_steps"]))
            plan = Plan(
                model=self.model,
                optimizer=optimizer,
                loss=loss,
                steps=self._all_steps,
                num_steps=int(resolved["num_steps"]),
                learning_rate=rate,
                precision=str(resolved["precision"]),
                flops_per_token=self._flops_per_token() * self.regularized.cost,
                peak_gflops=float(resolved["peak_gflops"]),
                flops_beside=self._flops_beside,
                evaluate=self._score_found if self.dev is not None else None,
                evaluate_every=self._evaluate_every,
                smaller=self._smaller,
                average=self.regularized.average,
                logs=job.logs,
            )
            config = {"method": "pairs", "learning_rate": rate, **options.model_dump(exclude={"track"})}
            rates: dict[str, float] = {}
            progress = run(plan, options, job.work, noting(rates, job.on_event), config)
            judged = self._judged() if self.dev is not None else None
        return Outcome(
            save=self.save,
            max_tokens=self.max_tokens,
            dev_outputs=None,
            judged=judged,
            resolved=resolved,
            measurements={
                "steps": progress.step,
                "best_step": progress.best_step or progress.step,
                **rates,
                **self._kept(),
            },
            history=progress.history,
        )

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return one vector of length 1 for each text, (N, D)."""
        return self._vectors(self.job.task.encode({"text": list(texts)}, self.tokenizer, self.max_tokens))

    def save(self, folder: Path) -> None:
        """Write the model in Hugging Face layout, with its tokenizer, as sentence-transformers reads it too."""
        copy_tokenizer(self.folder, folder)
        save_model(self.model, folder)
        write_modules(folder, self.model.pooling, int(self.model.config.hidden_size), self.max_tokens)

    @property
    def _per_epoch(self) -> int:
        return self.rows.num_steps(self.job.options.rows_per_step)

    @property
    def _evaluate_every(self) -> int:
        return -(-self._per_epoch // self.job.options.evaluations_per_epoch)

    def _vectors(self, encoded: Encoded) -> NDArray[np.float32]:
        if not encoded.ids:
            return np.empty((0, int(self.model.config.hidden_size)), np.float32)
        return self.embeddings(encoded)

    def _all_steps(self, first: int, stop: int) -> Iterator[Sequence[Batch]]:
        """Yield the batches of the steps `first` to `stop - 1`; an epoch begins when its first step is asked for."""
        number = first
        while number < stop:
            epoch, place = divmod(number, self._per_epoch)
            drawn = self._epoch(epoch)[place : place + stop - number]
            ahead = self.frozen.train.ahead([self._texts(one)] for one in drawn) if self.frozen else drawn
            for self._at_hand, _ in zip(drawn, ahead, strict=True):
                yield self._batches(self._at_hand, number)
                number += 1

    def _smaller(self, step: int, batches: Sequence[Batch]) -> list[PairBatch]:
        """Return the pairs of a step that ran out of memory in smaller passes, whose gradients are cached."""
        self._halve(step, batches, step)
        return self._batches(self._at_hand, step)

    def _halve(self, step: int, batches: Sequence[Batch], told: int | None) -> None:
        may_cache = self.options.gradient_cache is not False and self.regularized.is_cacheable
        self.job.say(told_of(self._budget.halve_compared(step, batches, may_cache=may_cache), told))

    def _epoch(self, epoch: int) -> list[Drawn]:
        mined = self._mined_for(epoch) if self.options.mine != "never" else None
        return self.rows.steps(
            rows_per_step=self.job.options.rows_per_step,
            num_negatives=self.options.num_negatives,
            seed=self.job.seed,
            epoch=epoch,
            mined=mined,
        )

    def _batches(self, drawn: Drawn, number: int) -> list[PairBatch]:
        """Return the batches of a step, counted from 0: each text once, in forward passes of near-equal length."""
        rows, budget = self.rows, self._budget.at(number)
        query_B, second_B = rows.query_N[drawn.rows_B], rows.second_N[drawn.rows_B]
        candidate_C = np.asarray(list(dict.fromkeys([*second_B.tolist(), *drawn.negatives.tolist()])), dtype=np.int64)
        texts_N = self._texts(drawn)
        parts = length_batches(self.lengths_T[texts_N], budget, max_rows=len(texts_N))
        padded = sum(len(part) * int(self.lengths_T[texts_N[part[0]]]) for part in parts)
        cached = self.options.gradient_cache
        if cached is None:
            cached = self._budget.is_halved(number) or padded > _WHOLE.get(self.device, 1) * budget
        column = {int(text): place for place, text in enumerate(candidate_C)}
        step = StepTexts(
            back_N=self._tensor(np.argsort(np.concatenate(parts))),
            query_B=self._tensor(np.searchsorted(texts_N, query_B)),
            second_B=self._tensor(np.searchsorted(texts_N, second_B)),
            candidate_C=self._tensor(np.searchsorted(texts_N, candidate_C)),
            own_B=self._tensor(np.asarray([column[int(text)] for text in second_B], dtype=np.int64)),
            known_BC=self._tensor(rows.known(query_B, candidate_C)),
            grades_B=None if rows.grades_N is None else self._tensor(rows.grades_N[drawn.rows_B]),
        )
        return pair_batches([self._part(texts_N[part]) for part in parts], step, cached=cached)

    def _texts(self, drawn: Drawn) -> NDArray[np.int64]:
        """Return the texts of a step, each once."""
        queries, seconds = self.rows.query_N[drawn.rows_B], self.rows.second_N[drawn.rows_B]
        return np.unique(np.concatenate([queries, seconds, drawn.negatives]))

    def _part(self, texts: NDArray[np.int64]) -> Batch:
        batch = self.batch(self.text_ids, texts, None)
        return self.frozen.train.given(batch, texts) if self.frozen else batch

    def _read_again(self) -> tuple[Encoded, Encoded | None]:
        return self.text_ids, None  # dev is judged by what is found in all of its texts

    def _tensor(self, array: NDArray[Any]) -> torch.Tensor:
        return torch.from_numpy(array).to(self.device, non_blocking=True)

    def _mined_for(self, epoch: int) -> list[NDArray[np.int64]]:
        """Return hard negatives for each pair: those kept in the workspace, or found with the encoder as it is now."""
        epoch = 0 if self.options.mine == "once" else epoch
        if epoch not in self._mined:
            file = self.job.work.folder / f"mined-{epoch}.npy"
            if file.is_file():  # a run that continues in the middle of an epoch has other weights by now
                padded_NM = np.load(file, allow_pickle=False)
                self._mined = {epoch: [row_M[row_M >= 0] for row_M in padded_NM]}
            else:
                self._mined = {epoch: self._mine()}
                self._keep_mined(file, self._mined[epoch])
        return self._mined[epoch]

    def _mine(self) -> list[NDArray[np.int64]]:
        rows, candidates_C = self.rows, self.rows.candidates
        if len(candidates_C) < _MINE_AT_LEAST:
            return [np.empty(0, np.int64)] * len(rows)
        texts_T = self._vectors(self.text_ids)
        queries = list(rows.relevant)
        place = {int(text): number for number, text in enumerate(candidates_C)}
        known = [
            np.asarray([place[text] for text in (*rows.relevant[query], query) if text in place], dtype=np.int64)
            for query in queries
        ]
        most, margin = 4 * max(self.options.num_negatives, 1), self.options.margin
        found = hard_negatives(texts_T[queries], texts_T[candidates_C], known, most=most, margin=margin)
        of_query = {query: candidates_C[near] for query, near in zip(queries, found)}
        num_found = sum(len(near) > 0 for near in found)
        self.job.say(f"hard negatives found for {num_found:,} of {len(queries):,} queries")
        return [of_query[int(query)] for query in rows.query_N]

    def _keep_mined(self, file: Path, mined: Sequence[NDArray[np.int64]]) -> None:
        padded_NM = np.full((len(mined), max(map(len, mined), default=0)), -1, dtype=np.int64)
        for row, near in enumerate(mined):
            padded_NM[row, : len(near)] = near
        temporary = file.with_suffix(".part.npy")
        np.save(temporary, padded_NM, allow_pickle=False)
        temporary.replace(file)

    def _num_steps_of(self, optimizer: torch.optim.Optimizer, loss: Loss, *, bf16: bool) -> int:
        """Return how many steps are made with a loss, and say what they will take."""
        options, wrapped = self.job.options, self.regularized
        drawn = self.rows.steps(
            rows_per_step=options.rows_per_step, num_negatives=0, seed=self.job.seed, epoch=0, mined=None
        )[0]
        begun = time.perf_counter()
        sample = self._batches(drawn, 0)
        states_s = time.perf_counter() - begun
        if sample[0].cache is not None and not wrapped.is_cacheable:
            raise UsageError(
                "a regularizer changes the inputs or the weights of a step, whose gradients are cached as it is large",
                remedy="fewer rows_per_step, or a larger token_budget",
            )

        def measure() -> Forecast:
            frozen_layers = self.frozen.prefix.num_layers if self.frozen else 0
            measured = forecast(self.model, sample, loss, bf16=bf16, frozen_layers=frozen_layers, **wrapped.foretold)
            return self._whole(measured, sample[0])

        def halve() -> None:
            self._halve(0, sample, None)
            sample[:] = self._batches(drawn, 0)

        measured = tried(self, measure, halve)
        if sample[0].cache is not None:
            self.job.say(f"{len(sample)} forward passes a step: gradients are cached, at a third more arithmetic")
        if self.frozen:
            measured = self.frozen.forecast(measured, states_s, self._per_epoch)
        num_steps = max(round(self._per_epoch * options.epochs), 1)
        of_run = {"num_steps": num_steps, "per_epoch": self._per_epoch, "num_rows": len(self.rows)}
        return announced(self.job, measured, optimizer, **of_run)

    def _whole(self, measured: Forecast, sample: PairBatch) -> Forecast:
        """Add what is read besides the steps: dev while training and at the end, and the artifact's sample."""
        num_texts = sum(part.num_rows for part in sample.parts)
        text_s = measured.step_s / 3 / num_texts  # without gradients, which take two thirds of a step
        num_dev = len(self.job.dev) if self.job.dev is not None else 0
        scoring_s = 2 * num_dev * text_s
        end_s = END_S + scoring_s + text_s * min(num_dev or len(self.rows), NUM_REFERENCE)
        every = self._evaluate_every if num_dev else 0
        return replace(measured, scored_every=every, scoring_s=scoring_s, end_s=end_s)

    def _judged(self) -> Judged:
        """Judge dev by what its queries find among its texts."""
        dev, task = self.job.dev, self.job.task
        if dev is None:
            raise ValueError("there are no dev rows to score")
        judged: Judged = task.judged(dev.columns, dev.targets, self.embed)  # type: ignore[attr-defined]
        return judged

    def _score_found(self) -> tuple[tuple[float, ...], dict[str, float]]:
        judged = self._judged()
        first = judged.task.metrics[0]
        figures: Mapping[str, float] = self.job.score(judged.task, judged.targets, {"scores": judged.scores})
        value = figures.get(first, -np.inf)
        return (value,), {first: value} if np.isfinite(value) else {}
