"""A loss that compares all texts of a step, whole or through cached gradients: memory for one pass, gradients of all.

Shape suffixes: B texts of one part, N texts of one step, D width.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import torch
from torch import Tensor

from oreline.models.batch import Batch

Encode = Callable[[Batch], Tensor]
"""`encode(part)` returns the vectors of a part's texts, (B, D), in fp32."""
OfVectors = Callable[[Tensor], Tensor]
"""`of_vectors(vector_ND)` returns the summed loss, given the vectors of all parts in their order."""


@dataclass(slots=True)
class Cache:
    """What the parts of one step share while they are passed one by one."""

    value: Tensor | None = None
    """The step's loss; None until the first part is passed."""
    gradients: list[Tensor] = field(default_factory=list)
    """Of the loss with respect to the vectors of each part."""
    random_states: list[list[Tensor]] = field(default_factory=list)
    """Of the generators before each part, so that dropout falls on the same units again."""


@dataclass(frozen=True, slots=True)
class StepBatch(Batch):
    """The texts of one step in passes of near-equal length, or one of these passes, with what it shares with others."""

    parts: tuple[Batch, ...] = ()
    """All passes of the step."""
    rows: int = 0
    """Rows of the step, counted with its first batch."""
    part: int = 0
    """Which pass this is, where gradients are cached."""
    cache: Cache | None = None
    """None: this batch is the whole step."""

    @property
    def num_rows(self) -> int:
        """Number of rows."""
        return self.rows

    def loss(self, encode: Encode, of_vectors: OfVectors) -> Tensor:
        """Return the step's loss; of a part, the value (with the first one) and that part's share of the gradient.

        With cached gradients a step of any size takes the memory of its largest part: the texts are encoded without
        gradients, the loss is taken of their vectors, and each part is encoded again and handed the gradient of its
        vectors. The sum over the parts is that of the whole step, at 4/3 of the arithmetic (GradCache: Gao et al.,
        https://arxiv.org/abs/2101.06983).
        """
        cache = self.cache
        if cache is None:
            return of_vectors(torch.cat([encode(part) for part in self.parts]))
        if cache.value is None or self.part == 0:
            _fill(cache, self.parts, encode, of_vectors)
        _set_random_states(cache.random_states[self.part])
        slope = (encode(self.parts[self.part]) * cache.gradients[self.part]).sum()
        value = cache.value if self.part == 0 and cache.value is not None else torch.zeros_like(slope)
        return slope + (value - slope).detach()


AnyStep = TypeVar("AnyStep", bound=StepBatch)


def step_batches(
    kind: type[AnyStep], parts: Sequence[Batch], *, cached: bool, weight: float, rows: int, **given: Any
) -> list[AnyStep]:
    """Return the batches of one optimizer step: one, or one for each part where gradients are cached.

    Args:
        kind: what they are, with `given` as further fields.
        parts: the step's texts.
        cached: whether gradients are cached; a step of one part is whole.
        weight: terms of the step's loss.
        rows: rows of the step.
    """
    shared = {"parts": tuple(parts), **given}
    if not cached or len(parts) == 1:
        # Only the number of these ids is looked at: it says how much memory a pass takes.
        shape_1S = parts[0].ids_BT.new_zeros(1).expand(1, sum(part.ids_BT.numel() for part in parts))
        return [kind(shape_1S, None, sum(part.num_tokens for part in parts), weight=weight, rows=rows, **shared)]
    cache = Cache()
    counted = [(weight, rows), *[(0.0, 0)] * (len(parts) - 1)]
    return [
        kind(
            part.ids_BT,
            part.mask_BT,
            part.num_tokens,
            weight=its_weight,
            rows=its_rows,
            part=place,
            cache=cache,
            **shared,
        )
        for place, (part, (its_weight, its_rows)) in enumerate(zip(parts, counted))
    ]


def _fill(cache: Cache, parts: Sequence[Batch], encode: Encode, of_vectors: OfVectors) -> None:
    cache.random_states, vectors = [], []
    with torch.no_grad():
        for part in parts:
            cache.random_states.append(_random_states(part.ids_BT.device))
            vectors.append(encode(part))
    with torch.enable_grad():
        leaf_ND = torch.cat(vectors).requires_grad_()
        value = of_vectors(leaf_ND)
        [gradient_ND] = torch.autograd.grad(value, [leaf_ND])
    cache.value = value.detach()
    cache.gradients = list(torch.split(gradient_ND, [len(vector) for vector in vectors]))


def _random_states(device: torch.device) -> list[Tensor]:
    """Return the state of the generators that dropout may draw from."""
    return [torch.get_rng_state(), *([torch.cuda.get_rng_state(device)] if device.type == "cuda" else [])]


def _set_random_states(states: Sequence[Tensor]) -> None:
    torch.set_rng_state(states[0])
    if len(states) > 1:
        torch.cuda.set_rng_state(states[1])
