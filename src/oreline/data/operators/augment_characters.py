"""Add rows with words as people mistype them: neighbouring keys; Chinese near in sound or in shape."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from oreline.data.augment.making import Making
from oreline.data.augment.typing_errors import Mistyping, Noise
from oreline.errors import UsageError


class Operator:
    """Add rows to train with typing errors, so that a model does not stumble over those of its users.

    English words of four letters and more err by a neighbouring key (QWERTY), two letters exchanged, one left out or
    doubled. Chinese words err by sound (another word or character of the same pinyin without tones, near sounds too)
    or by shape (characters that look alike). Negations, numbers and words of entities (rows with tags) stay.

    Args:
        noises: kinds of errors, in turn; those that a text has no word for are left out.
        change: share of the words that err, at least one.
        times: variants of each row; 16 for up to 500 rows, 8 for up to 2,000, 4 for more when not given.
        share: share of the rows that get variants.
        labels: only rows of these classes get variants, such as the rare ones.
        believable: what the label must keep of its probability beside the most probable one, 0 to 1, against the row
            that the text is made of; by n-grams of the other rows. 0 believes everything.
        seed: of what is drawn.
    """

    def __init__(
        self,
        *,
        noises: Sequence[Noise] = ("keyboard", "transpose", "drop", "double", "sound", "shape"),
        change: float = 0.1,
        times: int | None = None,
        share: float = 1.0,
        labels: Sequence[str] = (),
        believable: float = 0.25,
        seed: int = 0,
    ) -> None:
        if not noises or not 0 < change <= 1:
            raise UsageError(
                f"augment_characters: noises {list(noises)}, change {change}",
                allowed="one kind of error or more, and a share above 0, to 1",
            )
        self._making = Making("augment_characters", times, share, labels, believable, seed)
        self._mistyping = Mistyping(noises, change)

    def fit(self, scan: pl.LazyFrame) -> dict[str, Any]:
        """Learn from train what the label filter needs."""
        return self._making.fit(scan)

    def learnt(self, learnt: Mapping[str, Any]) -> None:
        """Take what `fit` returned."""
        self._making.learnt(learnt)

    def add(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Return variants of the rows, with the row that each comes from."""
        return self._making.add(frame, self._mistyping.variants)

    def findings(self) -> dict[str, Any]:
        """Return what was added and refused, for the report."""
        return self._making.findings()
