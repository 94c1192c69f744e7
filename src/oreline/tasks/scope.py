"""Which rows a classifier answers, and which it says belong to none of its classes.

The classifier has one output more than classes, for the out-of-scope label. After fitting, that output's score follows
from how far outside a row lies, so that it is the highest of all exactly where the row is rejected.

Shape suffixes: N rows, K classes, K1 classes and the out-of-scope label, D embedding width.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from oreline import registry
from oreline.errors import DataError
from oreline.types import Signals

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from oreline.types import Rejector

FURTHEST = 25.0
"""The log odds of being outside are held within ± this, so that no score is exactly 0 and ranks can be read back."""
_UNFITTED_SLOPE = 1.0


@dataclass(frozen=True, slots=True)
class Scope:
    """A rejector with what was fitted on dev."""

    name: str
    options: Mapping[str, Any]
    rejector: Rejector
    outside: int
    """Index of the out-of-scope label among the outputs."""
    threshold: float | None = None
    """Rows that lie further outside are rejected; None before fitting, when the label is a class like the others."""
    slope: float = _UNFITTED_SLOPE
    """What the distance from the threshold is multiplied by to be log odds."""
    kept: float | None = None
    """Share of the in-scope rows of dev that the threshold keeps."""
    memory: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)
    """What the rejector remembers of the training rows."""

    @classmethod
    def of(cls, given: Mapping[str, Any], labels: Sequence[str]) -> Scope:
        """Build it from the form in which a task's options hold it. Raises `DataError` without its label."""
        rejector: Rejector = registry.create("rejector", given["rejector"], **given.get("options", {}))
        if rejector.label not in labels or len(labels) < 3:
            raise DataError(
                f"the labels are {', '.join(map(repr, labels))}", allowed=f"two classes or more, and {rejector.label!r}"
            )
        fitted = {name: given[name] for name in ("threshold", "slope", "kept") if name in given}
        return cls(
            str(given["rejector"]), dict(given.get("options", {})), rejector, labels.index(rejector.label), **fitted
        )

    def to_json(self) -> dict[str, Any]:
        """Return the form of a task's options."""
        fitted = {"threshold": self.threshold, "slope": self.slope} if self.threshold is not None else {}
        kept = {"kept": self.kept} if self.kept is not None else {}
        return {"rejector": self.name, "options": dict(self.options), **fitted, **kept}

    def unfitted(self) -> dict[str, Any]:
        """Return the same without threshold; the share of rows that it kept stays known."""
        return {key: value for key, value in self.to_json().items() if key not in ("threshold", "slope")}

    def remembering(self, memory: Mapping[str, NDArray[np.float32]]) -> Scope:
        """Return it with what the rejector remembers of the training rows."""
        return replace(self, memory=dict(memory))

    def scores(
        self, logits_NL: NDArray[np.floating], embedding_ND: NDArray[np.floating] | None
    ) -> NDArray[np.floating]:
        """Return logits in which the out-of-scope label's is the highest exactly where the row is rejected.

        It is `max_k z_k + slope (far - threshold)`.
        """
        if self.threshold is None:
            return logits_NL
        margin_N = np.clip(self.slope * (self._far(logits_NL, embedding_ND) - self.threshold), -FURTHEST, FURTHEST)
        judged_NL = np.array(logits_NL, dtype=np.float64)
        judged_NL[:, self.outside] = self._inside(judged_NL).max(axis=1, initial=-np.inf) + margin_N
        return judged_NL

    def fitted(
        self, targets_N: NDArray[np.int64], logits_NL: NDArray[np.floating], embedding_ND: NDArray[np.floating] | None
    ) -> Scope:
        """Return it with the threshold that its rejector chooses on these rows, and the slope.

        Raises `DataError` when no row is in scope.
        """
        outside_N = targets_N == self.outside
        if outside_N.all():
            raise DataError("dev has no row that is in scope", remedy="give dev rows of the classes")
        far_N = self._far(logits_NL, embedding_ND)
        classes = np.flatnonzero(np.arange(logits_NL.shape[1]) != self.outside)
        right_N = classes[self._inside(logits_NL).argmax(axis=1)] == targets_N
        keep = self.kept if self.kept is not None else self.rejector.keep
        threshold = self.rejector.threshold(far_N, right_N, outside_N, keep)
        slope = best_slope(far_N - threshold, outside_N)
        kept = float((far_N[~outside_N] <= threshold).mean())
        return replace(self, threshold=float(threshold), slope=round(slope, 6), kept=round(kept, 6))

    def _far(self, logits_NL: NDArray[np.floating], embedding_ND: NDArray[np.floating] | None) -> NDArray[np.float64]:
        if not len(logits_NL):
            return np.empty(0)
        signals = Signals(self._inside(logits_NL), logits_NL[:, self.outside], embedding_ND)
        return self.rejector.far(signals, self.memory)

    def _inside(self, logits_NL: NDArray[np.floating]) -> NDArray[np.floating]:
        return np.delete(logits_NL, self.outside, axis=1)


def best_slope(margin_N: NDArray[np.floating], outside_N: NDArray[np.bool_]) -> float:
    """Return the slope with the lowest log loss of `1 / (1 + exp(-slope · margin))`, both kinds of rows counting half.

    Without rows of both kinds, the one that puts the standard deviation of the margins at 2. No row's log odds come
    to lie beyond `FURTHEST`.

    Source: Platt, Probabilistic Outputs for Support Vector Machines, 1999, without the offset, which is the threshold.

    >>> round(best_slope(np.array([1.0, 1.0, -1.0, -1.0, -1.0, 1.0]), np.array([1, 1, 0, 0, 1, 0], bool)), 4)
    0.6931
    """
    spread = float(margin_N.std())
    limit = FURTHEST / max(float(np.abs(margin_N).max(initial=0.0)), 1e-9)
    if outside_N.all() or not outside_N.any():
        return min(2.0 / spread if spread > 0 else _UNFITTED_SLOPE, limit)
    signed_N = np.where(outside_N, margin_N, -margin_N)
    weight_N = np.where(outside_N, 0.5 / outside_N.sum(), 0.5 / (~outside_N).sum())
    low, high = np.log(limit) - 12.0, np.log(limit)
    for _ in range(50):
        middle = (low + high) / 2
        rising = float((weight_N * signed_N / (1 + np.exp(np.minimum(np.exp(middle) * signed_N, 500.0)))).sum()) > 0
        low, high = (middle, high) if rising else (low, middle)
    return float(np.exp((low + high) / 2))
