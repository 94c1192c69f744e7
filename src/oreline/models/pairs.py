"""The loss of a step over pairs, with all texts in memory at once or through cached gradients.

Shape suffixes: B pairs of one step, C texts of one step, D width, N texts of one step, queries included.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from oreline.models.batch import Batch
from oreline.models.ranking import at_sizes, graded_loss, ranking_loss


@dataclass(slots=True)
class StepTexts:
    """The texts of one step in forward passes of near-equal length, and which of them belong together."""

    parts: list[Batch]
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
    value: Tensor | None = None
    """Cached: the loss."""
    gradients: list[Tensor] = field(default_factory=list)
    """Cached: of the loss with respect to the vectors of each part."""
    random_states: list[list[Tensor]] = field(default_factory=list)
    """Cached: of the generators before each part, so that dropout falls on the same units again."""


@dataclass(frozen=True, slots=True)
class PairBatch(Batch):
    """A step over pairs, or one part of it whose gradient is taken through the cache."""

    step: StepTexts | None = None
    part: int | None = None
    """Which part this is; None: all of them."""
    rows: int = 0
    """Pairs: those of the step, counted with its first part."""

    @property
    def num_rows(self) -> int:
        """Number of pairs."""
        return self.rows


def step_batches(step: StepTexts, *, cached: bool) -> list[PairBatch]:
    """Return the batches of one optimizer step: one, or one for each part where gradients are cached."""
    num_pairs = len(step.query_B)
    if not cached:
        # Only the number of these ids is looked at: it says how much memory a pass takes.
        shape = step.parts[0].ids_BT.new_zeros(1).expand(1, sum(part.ids_BT.numel() for part in step.parts))
        num_tokens = sum(part.num_tokens for part in step.parts)
        return [PairBatch(shape, None, num_tokens, weight=float(num_pairs), step=step, rows=num_pairs)]
    counted = [num_pairs, *[0] * (len(step.parts) - 1)]
    return [
        PairBatch(part.ids_BT, part.mask_BT, part.num_tokens, weight=float(count), step=step, part=place, rows=count)
        for place, (part, count) in enumerate(zip(step.parts, counted))
    ]


class PairLoss:
    """The summed loss of a step's pairs.

    With cached gradients a step of any size takes the memory of its largest part: the texts are encoded without
    gradients, the loss is taken of their vectors, and each part is encoded again and handed the gradient of its
    vectors. The result is that of the whole step, at 4/3 of the arithmetic (GradCache: Gao et al.,
    https://arxiv.org/abs/2101.06983).
    """

    def __init__(self, *, scale: float, symmetric: bool, sizes: Sequence[int]) -> None:
        self.scale, self.symmetric, self.sizes = scale, symmetric, tuple(sizes)

    def __call__(self, model: Any, batch: Batch) -> Tensor:
        """Return the loss; for a part of a cached step, of the step's loss the value (first part) and its gradient."""
        if not isinstance(batch, PairBatch) or batch.step is None:
            raise ValueError("this loss is of steps over pairs")
        step = batch.step
        if batch.part is None:
            return self.of_vectors(torch.cat([encode(model, part) for part in step.parts]), step)
        if step.value is None:
            self._fill(model, step)
        set_random_states(step.random_states[batch.part])
        vector_ND = encode(model, step.parts[batch.part])
        slope = (vector_ND * step.gradients[batch.part]).sum()
        value = step.value if batch.part == 0 and step.value is not None else torch.zeros_like(slope)
        return slope + (value - slope).detach()

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

    def _fill(self, model: Any, step: StepTexts) -> None:
        vectors = []
        with torch.no_grad():
            for part in step.parts:
                step.random_states.append(random_states(part.ids_BT.device))
                vectors.append(encode(model, part))
        with torch.enable_grad():
            leaf_ND = torch.cat(vectors).requires_grad_()
            value = self.of_vectors(leaf_ND, step)
            [gradient_ND] = torch.autograd.grad(value, [leaf_ND])
        step.value = value.detach()
        step.gradients = list(torch.split(gradient_ND, [len(vector) for vector in vectors]))


def encode(model: Any, part: Batch) -> Tensor:
    """Return the vectors of a part's texts."""
    pooled_BD: Tensor = model(**part.inputs()).pooled
    return pooled_BD.float()


def random_states(device: torch.device) -> list[Tensor]:
    """Return the state of the generators that dropout may draw from."""
    return [torch.get_rng_state(), *([torch.cuda.get_rng_state(device)] if device.type == "cuda" else [])]


def set_random_states(states: Sequence[Tensor]) -> None:
    """Set the generators back."""
    torch.set_rng_state(states[0])
    if len(states) > 1:
        torch.cuda.set_rng_state(states[1])
