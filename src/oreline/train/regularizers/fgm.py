"""The fast gradient method: train on the embeddings' worst neighbours too.

Shape suffixes: B rows of one batch, T tokens, D width.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn

from oreline.models.batch import Batch
from oreline.train.regularize import Loss, Plain, refuse_outside


class Regularizer(Plain):
    """Adversarial training on word embeddings by the fast gradient method (https://arxiv.org/abs/1605.07725).

    The loss is ℓ(e) + λ ℓ(e + ε g / ‖g‖₂), where e are the word embeddings of a row, (T, D), g is the gradient of the
    loss with respect to them, and the norm is over the whole row. The direction is held constant: no gradient flows
    through it. Unlike the paper, the embeddings are not normalised, so ε is in units of the model's own embeddings (a
    word's vector has a norm of about 1.1 in MiniLM, where the first eight steps learn nothing with ε = 1, and do with
    0.1). A step takes 7/3 of the arithmetic and twice the activations.

    Args:
        epsilon: length ε of the perturbation of a row.
        strength: weight λ of the adversarial loss.
    """

    cost, passes = 7 / 3, 2  # forward, backward to the inputs alone, forward, backward through both
    inputs_move = True

    def __init__(self, *, epsilon: float = 0.1, strength: float = 1.0) -> None:
        """Set the perturbation's length and the adversarial loss's weight."""
        refuse_outside("fgm", 0, math.inf, epsilon=epsilon, strength=strength)
        self.epsilon, self.strength = epsilon, strength
        if not (epsilon and strength):
            self.cost, self.passes, self.inputs_move = 1.0, 1, False

    def wrap(self, loss: Loss, head: Any) -> Loss:
        """Return the sum of the clean and the adversarial loss."""

        def adversarial(model: Any, batch: Batch) -> Tensor:
            table = getattr(model, "encoder", model).get_input_embeddings()
            embedded: list[Tensor] = []
            # A frozen table's output is asked for its gradient too.
            with _hooked(table, lambda output_BTD: embedded.append(output_BTD.requires_grad_())):
                clean = loss(model, batch)
            with torch.autocast(clean.device.type, enabled=False):
                # The gradient with respect to what the table returned is dense, whatever the table's own is.
                gradients = torch.autograd.grad(clean, embedded, retain_graph=True, materialize_grads=True)
            steps = iter([self._perturbation(gradient_BTD) for gradient_BTD in gradients])
            with _hooked(table, lambda output_BTD: output_BTD + next(steps)):
                total: Tensor = clean + self.strength * loss(model, batch)
            return total

        return adversarial if self.epsilon and self.strength else loss

    def _perturbation(self, gradient_BTD: Tensor) -> Tensor:
        norm_B11 = torch.linalg.vector_norm(gradient_BTD, dim=(1, 2), keepdim=True)
        moved_BTD: Tensor = self.epsilon * gradient_BTD / norm_B11.clamp(min=torch.finfo(gradient_BTD.dtype).tiny)
        return moved_BTD


@contextlib.contextmanager
def _hooked(table: nn.Module, change: Callable[[Tensor], Tensor | None]) -> Iterator[None]:
    """Replace what a table returns by what `change` makes of it; None leaves it as it is."""
    hook = table.register_forward_hook(lambda _m, _i, output_BTD: change(output_BTD))
    try:
        yield
    finally:
        hook.remove()
