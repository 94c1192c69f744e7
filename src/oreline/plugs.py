"""What plugs of training promise: those that make a model, change what of it learns, join models, or keep a log.

What the other kinds promise stands in `oreline.types`, the values that they hand to one another in `oreline.values`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Protocol


class Objective(Protocol):
    """What pretraining learns: how rows are corrupted and what the loss is (torch)."""

    def corrupt(
        self, ids_BT: Any, special_BT: Any, generator: Any, *, mask_id: int, vocab_size: int
    ) -> tuple[Any, Any]:
        """Return `(corrupted_BT, targets_BT)`; targets are -100 where nothing is predicted."""
        ...

    def loss(self, model: Any, batch: Any) -> Any:
        """Return the summed loss over the predicted tokens of a batch, `batch.weight` of them, in nats."""
        ...


class Adapter(Protocol):
    """Few weights beside a start model's own, which stay as they are (torch)."""

    learning_rate: ClassVar[float]
    """The usual peak rate."""
    merges: ClassVar[bool]
    """Whether it can be folded into the weights of the model."""
    is_virtual: ClassVar[bool]
    """Whether it adds tokens or keys to every text, so that frozen layers below it do not stand for themselves."""

    def apply(self, model: Any) -> None:
        """Put it into a classifier, and let it and the head train, and nothing else."""
        ...

    def watch(self, model: Any, optimizer: Any, num_steps: int) -> None:
        """Follow the steps of an optimizer; what it remembers lies in the model's buffers."""
        ...

    def penalty(self, model: Any) -> Any:
        """Return what is added to the mean loss of a step, or None."""
        ...


class Network(Protocol):
    """A start model without pretraining: how it is built, and what training needs to begin from nothing (torch)."""

    learning_rate: ClassVar[float]
    """The usual peak rate."""
    epochs: ClassVar[float]
    """Passes over the rows, where none are asked for."""
    pooling: ClassVar[str]
    """How a text is read from the states of its tokens: `mean` or `max`."""
    width: int
    """Of a token's state."""
    vocabulary: int
    """Pieces learnt from the training rows, at most; `pieces` and `lowercase` say how (`oreline.models.vocabulary`)."""
    pieces: str
    lowercase: bool

    def encoder(self, vocab_size: int, pad_id: int) -> Any:
        """Return the network with random weights from torch's generator, as a transformers model."""
        ...


class Merging(Protocol):
    """Joins the weights of several models into one (torch)."""

    needs_base: ClassVar[bool]
    """Whether it works on changes from a common start model."""
    num_models: ClassVar[tuple[int, int | None]]
    """The fewest and the most models that it takes; None without a limit."""

    def merge(self, models: Sequence[Any], weights: Sequence[float], base: Any) -> dict[str, Any]:
        """Return weights by name from those of each model, in float64; `weights` add up to 1."""
        ...


class Tracker(Protocol):
    """Writes training events somewhere: a file, TensorBoard, MLflow, W&B."""

    def __init__(self, folder: Path, *, run_name: str, config: Mapping[str, Any]) -> None: ...

    def log(self, step: int, values: Mapping[str, float]) -> None:
        """Record values at an optimizer step."""
        ...

    def close(self) -> None:
        """Flush and end the run."""
        ...
