"""One label for each text.

Shape suffixes: N rows, K classes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from oreline.errors import DataError, did_you_mean
from oreline.types import Columns, Encoded

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from tokenizers import Tokenizer


class Task:
    """Text classification: one of K labels for each text.

    Args:
        labels: class names in index order, each once.

    Raises `DataError` for fewer than two labels, or one that occurs twice.
    """

    inputs: ClassVar[tuple[str, ...]] = ("text",)
    target: ClassVar[str] = "label"
    head: ClassVar[str] = "sequence_classification"
    metrics: ClassVar[tuple[str, ...]] = ("accuracy", "f1", "log_loss", "ece")

    def __init__(self, *, labels: Sequence[str]) -> None:
        self._labels = tuple(labels)
        if len(self._labels) < 2 or len(set(self._labels)) < len(self._labels):
            raise DataError(
                f"the labels are {', '.join(map(repr, self._labels)) or 'none'}",
                allowed="two labels or more, each once",
            )
        self._index = {label: index for index, label in enumerate(self._labels)}

    @classmethod
    def options_from(cls, targets: Sequence[Any]) -> dict[str, Any]:
        """Return `{"labels": [...]}`, sorted, so that the order of rows does not matter.

        Raises `DataError` when there is only one class, or nearly as many classes as rows.
        """
        labels = sorted({str(target) for target in targets if target is not None})
        if len(labels) < 2:
            raise DataError(
                f"the training rows have only {len(labels)} class: {', '.join(labels) or 'none'}",
                allowed="two classes or more",
                remedy="check the label column, and the rows that refine dropped (report.html)",
            )
        if len(labels) > 20 and len(labels) > 0.5 * len(targets):
            raise DataError(
                f"the label column has {len(labels):,} classes in {len(targets):,} rows",
                remedy="it looks like an id or free text; name the label column with --label",
            )
        return {"labels": labels}

    @property
    def options(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {"labels": list(self._labels)}

    @property
    def labels(self) -> tuple[str, ...]:
        """Return the class names in index order."""
        return self._labels

    def encode(self, columns: Columns, tokenizer: Tokenizer, max_tokens: int) -> Encoded:
        """Turn texts into ids, `[CLS] … [SEP]` included; longer texts keep their first `max_tokens`."""
        encodings = tokenizer.encode_batch_fast([str(text) for text in columns["text"]])
        ids, truncated = [], []
        for encoding in encodings:
            row = encoding.ids
            truncated.append(len(row) > max_tokens)
            if len(row) > max_tokens:
                row = row[: max_tokens - 1] + row[-1:]  # keep the closing special token
            ids.append(np.asarray(row, dtype=np.int32))
        return Encoded(ids, np.asarray(truncated, dtype=bool))

    def encode_target(self, targets: Sequence[Any]) -> NDArray[np.int64]:
        """Turn labels into class indices of shape (N,). Raises `DataError` for a label never seen in training."""
        try:
            return np.asarray([self._index[str(target)] for target in targets], dtype=np.int64)
        except KeyError as error:
            unseen = str(error.args[0])
            count = sum(str(target) == unseen for target in targets)
            raise DataError(
                f"the label {unseen!r} ({count} rows) was never seen in training",
                allowed=did_you_mean(unseen, self._labels),
                remedy="correct the label, or train again with rows that have it",
            ) from error

    def decode(self, outputs: Mapping[str, NDArray[Any]]) -> list[dict[str, Any]]:
        """Turn scores of shape (N, K) into `{"label": …, "scores": {…}}` for each row."""
        return [
            {
                "label": self._labels[int(scores_K.argmax())],
                "scores": {label: round(float(score), 6) for label, score in zip(self._labels, scores_K)},
            }
            for scores_K in outputs["scores"]
        ]
