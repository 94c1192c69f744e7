"""What the tasks of one number a row share, whatever their inputs.

Shape suffixes: N rows.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from oreline.errors import DataError
from oreline.tasks.explaining import chosen
from oreline.tasks.texts import encode_texts
from oreline.types import Columns, Encoded, Explained, Runtime

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from tokenizers import Tokenizer

_BANDS = (0.25, 0.5, 0.75)
"""Quantiles of the training targets between which predictions are counted."""


class OneNumber:
    """A number for each row, learnt in units of its spread in training.

    Args:
        mean: of the training targets.
        spread: their standard deviation, above 0.
        cuts: quartiles of the training targets: answers are counted between them.
    """

    inputs: ClassVar[tuple[str, ...]] = ("text",)
    target: ClassVar[str] = "label"
    head: ClassVar[str] = "regression"
    metrics: ClassVar[tuple[str, ...]] = ("r2", "mae", "spearman")
    view: ClassVar[str] = "numbers"

    def __init__(self, *, mean: float, spread: float, cuts: Sequence[float] = ()) -> None:
        if not spread > 0:
            raise DataError(f"the spread of the targets is {spread:g}", allowed="a number above 0")
        self.mean, self.spread, self.cuts = float(mean), float(spread), tuple(map(float, cuts))

    @classmethod
    def options_from(cls, targets: Sequence[Any]) -> dict[str, Any]:
        """Return mean, spread and quartiles. Raises `DataError` for a target that is no number, or one value only."""
        values_N = _numbers(targets)
        spread = float(values_N.std()) if len(values_N) else 0.0
        if spread == 0.0:
            raise DataError(
                f"all {len(values_N):,} training rows have the same target"
                + (f", {values_N[0]:g}" if len(values_N) else ""),
                allowed="numbers that differ",
                remedy="check the label column",
            )
        cuts = sorted({float(cut) for cut in np.quantile(values_N, _BANDS)})
        return {"mean": float(values_N.mean()), "spread": spread, "cuts": cuts}

    @property
    def options(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {"mean": self.mean, "spread": self.spread, "cuts": list(self.cuts)}

    @property
    def labels(self) -> tuple[str, ...]:
        """Return the name of the one output."""
        return ("value",)

    def encode(self, columns: Columns, tokenizer: Tokenizer, max_tokens: int) -> Encoded:
        """Turn the inputs into ids, special tokens included, cut to `max_tokens`."""
        return encode_texts(columns, self.inputs, tokenizer, max_tokens)

    def knows(self, target: Any) -> bool:
        """Whether a target is a finite number."""
        try:
            return bool(np.isfinite(float(target)))
        except (TypeError, ValueError):
            return False

    def refuse_malformed(self, targets: Sequence[Any]) -> None:
        """Raise `DataError` for a target that is no finite number."""
        _numbers(targets)

    def encode_target(self, targets: Sequence[Any]) -> NDArray[np.float64]:
        """Turn targets into floats of shape (N,), in units of the spread. Raises `DataError` for one that is none."""
        return (_numbers(targets) - self.mean) / self.spread

    def tuned(self, targets: NDArray[Any], scores_NK: NDArray[np.floating]) -> OneNumber:
        """Return this task: nothing in it is chosen on dev."""
        return self

    def activate(self, logits_N1: NDArray[np.floating]) -> NDArray[np.float32]:
        """Return the head's outputs as they are, (N, 1)."""
        return logits_N1.astype(np.float32)

    def predicted(self, scores_N1: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return the predicted numbers in units of the spread, (N,)."""
        return scores_N1[:, 0].astype(np.float64)

    def credit(self, targets_N: NDArray[np.float64], predicted_N: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return one minus the error in units of the spread, and 0 from an error of one spread on."""
        return np.clip(1.0 - np.abs(targets_N - predicted_N), 0.0, 1.0)

    def values(self, scaled_N: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return numbers in their own unit."""
        return scaled_N.astype(np.float64) * self.spread + self.mean

    def names(self, targets_N: NDArray[np.float64]) -> list[str]:
        """Return numbers in their own unit, as text."""
        return [f"{value:.6g}" for value in self.values(targets_N)]

    def outcomes(self, targets_N: NDArray[np.float64]) -> list[str]:
        """Return what answers are counted by: the quarter of the training targets, such as `2 to 3.5`."""
        bounds = [f"{cut:.6g}" for cut in self.cuts]
        if not bounds:
            return ["value"] * len(targets_N)
        middle = [f"{low} to {high}" for low, high in itertools.pairwise(bounds)]
        bands = [f"below {bounds[0]}", *middle, f"from {bounds[-1]}"]
        return [bands[place] for place in np.searchsorted(self.cuts, self.values(targets_N), side="right")]

    def decode(self, outputs: Mapping[str, NDArray[Any]], columns: Columns) -> list[dict[str, Any]]:
        """Turn scores of shape (N, 1) into `{"value": …}` for each row."""
        return [{"value": round(float(value), 6)} for value in self.values(outputs["scores"][:, 0])]

    def explained(self, runtime: Runtime, columns: Columns, label: str | None) -> Explained:
        """Explain the number itself, in its own unit."""
        if label is not None:
            chosen(label, self.labels)
        predictions = runtime.predict(columns)
        values_V = self.values(predictions.outputs["scores"][:, 0])
        return Explained(self.labels[0], values_V, bool(predictions.truncated_N[0]), number="value")


def _numbers(targets: Sequence[Any]) -> NDArray[np.float64]:
    values_N = np.empty(len(targets))
    for row, target in enumerate(targets):
        try:
            values_N[row] = float(target)
        except (TypeError, ValueError):
            values_N[row] = np.nan
        if not np.isfinite(values_N[row]):
            raise DataError(
                f"the target {str(target)[:80]!r} is not a number",
                row=row,
                allowed="finite numbers",
                remedy="correct the row; names are for the task text_classification, or pair where there are two texts",
            )
    return values_N
