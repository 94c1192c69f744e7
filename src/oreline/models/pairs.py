"""The loss of a step over pairs, with all texts in memory at once or through cached gradients.

Shape suffixes: B pairs of one step, C texts of one step, D width, N texts of one step, queries included.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from oreline.models.batch import Batch
from oreline.models.cached import StepBatch, step_batches
from oreline.models.ranking import at_sizes, graded_loss, ranking_loss


@dataclass(frozen=True, slots=True)
class StepTexts:
    """Which texts of one step belong together."""

    back_N: Tensor
    """For each text of the step its place among the vectors of all parts."""
    query_B: Tensor
    """Which text is each pair's query."""
    second_B: Tensor
    """Which text is each pair's second."""
    candidate_C: Tensor
    """The texts that are looked through."""
    own_B: Tensor
    """Which candidate is each pair's own."""
    known_BC: Tensor
    """Which candidates are relevant to each query."""
    grades_B: Tensor | None = None


@dataclass(frozen=True, slots=True)
class PairBatch(StepBatch):
    """A step over pairs, or one part of it whose gradient is taken through the cache."""

    step: StepTexts | None = None


def pair_batches(parts: Sequence[Batch], step: StepTexts, *, cached: bool) -> list[PairBatch]:
    """Return the batches of one step, given its texts in passes: one, or one for each where gradients are cached."""
    num_pairs = len(step.query_B)
    return step_batches(PairBatch, parts, cached=cached, weight=float(num_pairs), rows=num_pairs, step=step)


class PairLoss:
    """The summed loss of a step's pairs."""

    def __init__(self, *, scale: float, symmetric: bool, sizes: Sequence[int]) -> None:
        self.scale, self.symmetric, self.sizes = scale, symmetric, tuple(sizes)

    def __call__(self, model: Any, batch: Batch) -> Tensor:
        """Return the loss; for a part of a cached step, of the step's loss the value (first part) and its gradient."""
        if not isinstance(batch, PairBatch) or batch.step is None:
            raise ValueError("this loss is of steps over pairs")
        step = batch.step
        return batch.loss(lambda part: encode(model, part), lambda vector_ND: self.of_vectors(vector_ND, step))

    def of_vectors(self, vector_ND: Tensor, step: StepTexts) -> Tensor:
        """Return the summed loss, given the vectors of the step's parts, in fp32."""
        with torch.autocast(vector_ND.device.type, enabled=False):
            return at_sizes(self.sizes, vector_ND.float()[step.back_N], lambda cut_ND: self._at_size(cut_ND, step))

    def _at_size(self, vector_ND: Tensor, step: StepTexts) -> Tensor:
        first_BD = vector_ND[step.query_B]
        if step.grades_B is not None:
            graded = graded_loss(first_BD, vector_ND[step.second_B], step.grades_B, scale=self.scale)
            return graded * len(step.query_B)
        text_CD = vector_ND[step.candidate_C]
        return ranking_loss(
            first_BD, text_CD, step.own_B, step.known_BC, scale=self.scale, symmetric=self.symmetric
        ).sum()


def encode(model: Any, part: Batch) -> Tensor:
    """Return the vectors of a part's texts."""
    pooled_BD: Tensor = model(**part.inputs()).pooled
    return pooled_BD.float()
