"""What all rejectors share: their options, and how the threshold is chosen on dev.

Shape suffixes: N rows, K classes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from oreline.errors import UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

LABEL = "oos"
"""The label of rows that belong to no class, where no other is named."""
MIN_OUTSIDE = 10
"""Out-of-scope rows on dev that it takes to choose a threshold by them: one more or less then moves recall by 10 %."""


class Rejecting:
    """Options of a rejector, and its threshold.

    Args:
        label: of the rows that belong to no class; `oos` when not set, whether the data has such rows or not.
        keep: share of the in-scope rows of dev that are kept, where dev has fewer than ten out-of-scope rows.
        max_loss: in-scope accuracy that may be lost on dev, from 0 to 1; when not set, the mean of in-scope accuracy
            and out-of-scope recall is made as high as it gets.
    """

    reads_embedding: ClassVar[bool] = False
    needs_rows: ClassVar[bool] = False

    def __init__(self, *, label: str | None = None, keep: float = 0.95, max_loss: float | None = None) -> None:
        if label is not None and not str(label):
            raise UsageError("reject: the label of out-of-scope rows is empty", allowed="a label, such as oos")
        if not _is_number(keep) or not 0 < keep < 1:
            raise UsageError(f"reject: keep is {keep!r}", allowed="a share between 0 and 1, such as 0.95")
        if max_loss is not None and (not _is_number(max_loss) or not 0 <= max_loss < 1):
            raise UsageError(f"reject: max_loss is {max_loss!r}", allowed="a number from 0 up to 1, such as 0.005")
        self.label, self.keep, self.max_loss = LABEL if label is None else str(label), keep, max_loss

    def threshold(
        self, far_N: NDArray[np.floating], right_N: NDArray[np.bool_], outside_N: NDArray[np.bool_], keep: float
    ) -> float:
        """Return the threshold above which a row is rejected, halfway between two rows.

        With a(t) the share of in-scope rows that are right and not above t, and r(t) the share of out-of-scope rows
        above t: the t with the highest a(t) + r(t), or (with `max_loss`) the highest r(t) among those with
        a(t) >= a(∞) - max_loss. Of several, the one that keeps the most rows. Without ten out-of-scope rows: the
        smallest t that keeps the share `keep` of the in-scope rows.

        Args:
            far_N: how far outside each row lies.
            right_N: whether the class it is nearest to is the true one.
            outside_N: whether it belongs to no class.
            keep: share of the in-scope rows that are kept.

        >>> rejecting = Rejecting()
        >>> far_N, outside_N = np.arange(24.0), np.arange(24) >= 12
        >>> rejecting.threshold(far_N, ~outside_N, outside_N, 0.95)
        11.5
        >>> rejecting.threshold(far_N, ~outside_N, np.zeros(24, bool), 0.75)
        17.5
        """
        edges = np.unique(far_N)
        cuts = np.append((edges[:-1] + edges[1:]) / 2, np.nextafter(edges[-1], np.inf))
        num_inside, num_outside = int((~outside_N).sum()), int(outside_N.sum())
        if num_outside < MIN_OUTSIDE:
            kept = np.searchsorted(np.sort(far_N[~outside_N]), cuts, side="right") / max(num_inside, 1)
            return float(cuts[np.argmax(kept >= keep - 1e-12)])
        right = np.searchsorted(np.sort(far_N[~outside_N & right_N]), cuts, side="right") / max(num_inside, 1)
        recall = 1 - np.searchsorted(np.sort(far_N[outside_N]), cuts, side="right") / num_outside
        aim = (
            right + recall
            if self.max_loss is None
            else np.where(right >= right[-1] - self.max_loss - 1e-12, recall, -1)
        )
        return float(cuts[len(cuts) - 1 - np.argmax(aim[::-1] >= aim.max() - 1e-12)])


def log_sum_exp(logits_NK: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return log Σₖ exp of each row, (N,).

    >>> round(float(log_sum_exp(np.array([[1000.0, 1000.0]]))[0]), 4)
    1000.6931
    """
    highest_N = logits_NK.max(axis=1).astype(np.float64)
    return np.asarray(highest_N + np.log(np.exp(logits_NK - highest_N[:, None]).sum(axis=1)))


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
