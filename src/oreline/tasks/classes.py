"""What the tasks of one class a row share, whatever their inputs.

Shape suffixes: N rows, K classes.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from oreline.errors import DataError, did_you_mean
from oreline.tasks.calibration import best_temperature
from oreline.tasks.scope import Scope
from oreline.tasks.texts import encode_texts
from oreline.types import Columns, Encoded

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from tokenizers import Tokenizer


class OneOfClasses:
    """One of K labels for each row.

    Args:
        labels: class names in index order, each once.
        temperature: what logits are divided by; fitted on dev where it is set, 1 where it is not.
        reject: how rows of no class are told: `rejector`, its `options`, and what was fitted on dev.

    Raises `DataError` for fewer than two labels, or one that occurs twice.
    """

    inputs: ClassVar[tuple[str, ...]] = ("text",)
    target: ClassVar[str] = "label"
    head: ClassVar[str] = "sequence_classification"
    metrics: ClassVar[tuple[str, ...]] = ("accuracy", "scope", "f1", "log_loss", "ece")
    view: ClassVar[str] = "classes"

    def __init__(
        self, *, labels: Sequence[str], temperature: float | None = None, reject: Mapping[str, Any] | None = None
    ) -> None:
        self._labels = tuple(labels)
        if len(self._labels) < 2 or len(set(self._labels)) < len(self._labels):
            raise DataError(
                f"the labels are {', '.join(map(repr, self._labels)) or 'none'}",
                allowed="two labels or more, each once",
            )
        self._index = {label: index for index, label in enumerate(self._labels)}
        self.temperature = temperature
        self.scope = Scope.of(reject, self._labels) if reject else None

    @classmethod
    def options_from(cls, targets: Sequence[Any]) -> dict[str, Any]:
        """Return `{"labels": [...]}`, sorted, so that the order of rows does not matter.

        Raises `DataError` when a row has a list of labels, there is only one class, or nearly as many classes as rows.
        """
        for row, target in enumerate(targets):
            if _is_list(target):
                raise DataError(
                    f"the label {str(target)[:80]} is a list, and each row has one class",
                    allowed="a name",
                    remedy="write the name alone; rows of several labels are for --task multilabel",
                    row=row,
                )
        labels = sorted({str(target) for target in targets if target is not None})
        if len(labels) < 2:
            raise DataError(
                f"the training rows have only {len(labels)} class: {', '.join(labels) or 'none'}",
                allowed="two classes or more",
                remedy="check the label column, and the rows that refine dropped (report.html)",
            )
        if len(labels) > 20 and len(labels) > 0.5 * len(targets):
            numbers = all(_is_number(label) for label in labels)
            raise DataError(
                f"the label column has {len(labels):,} classes in {len(targets):,} rows",
                remedy="they are numbers: --task regression predicts those"
                if numbers
                else "it looks like an id or free text: name the label column with --label, or add rows",
            )
        return {"labels": labels}

    @property
    def options(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        temperature = {"temperature": self.temperature} if self.temperature is not None else {}
        reject = {"reject": self.scope.to_json()} if self.scope is not None else {}
        return {"labels": list(self._labels), **temperature, **reject}

    @property
    def outside(self) -> int | None:
        """Return the index of the label of rows that belong to no class; None where there is none."""
        return self.scope.outside if self.scope is not None else None

    @property
    def reads_embedding(self) -> bool:
        """Whether scores follow from the embeddings, too."""
        return self.scope is not None and self.scope.threshold is not None and self.scope.rejector.reads_embedding

    @property
    def arrays(self) -> Mapping[str, NDArray[np.float32]]:
        """Return what the rejector remembers of the training rows."""
        return self.scope.memory if self.scope is not None else {}

    def holding(self, arrays: Mapping[str, NDArray[np.float32]]) -> OneOfClasses:
        """Return this task with the arrays that were saved beside its options."""
        return self._with(self.scope.remembering(arrays) if self.scope is not None else None, self.temperature)

    @property
    def labels(self) -> tuple[str, ...]:
        """Return the class names in index order."""
        return self._labels

    def encode(self, columns: Columns, tokenizer: Tokenizer, max_tokens: int) -> Encoded:
        """Turn the inputs into ids, special tokens included, cut to `max_tokens`."""
        return encode_texts(columns, self.inputs, tokenizer, max_tokens)

    def knows(self, target: Any) -> bool:
        """Whether a target is a label seen in training."""
        return str(target) in self._index

    def encode_target(self, targets: Sequence[Any]) -> NDArray[np.int64]:
        """Turn labels into class indices of shape (N,). Raises `DataError` for a label never seen in training."""
        try:
            return np.asarray([self._index[str(target)] for target in targets], dtype=np.int64)
        except KeyError as error:
            unseen = str(error.args[0])
            count = sum(str(target) == unseen for target in targets)
            raise DataError(
                f"the label {unseen!r}{f' ({count} rows)' if count > 1 else ''} was never seen in training",
                allowed=did_you_mean(unseen, self._labels),
                remedy="correct the label, or train again with rows that have it",
            ) from error

    def tuned(self, targets: NDArray[Any], scores_NK: NDArray[np.floating]) -> OneOfClasses:
        """Return this task: nothing in it is chosen on dev."""
        return self

    def fitted(
        self,
        targets_N: NDArray[np.int64],
        logits_NK: NDArray[np.floating],
        embedding_ND: NDArray[np.floating] | None = None,
    ) -> OneOfClasses:
        """Return this task with the temperature and the threshold of rejection that are best on these rows.

        The temperature is that of the rows which are in scope, over the classes alone.
        """
        inside = [k for k in range(len(self._labels)) if k != self.outside]
        rows = np.flatnonzero(np.isin(targets_N, inside))
        places_K = np.cumsum(np.isin(np.arange(len(self._labels)), inside)) - 1
        temperature = self.temperature
        if temperature is not None and len(rows):
            temperature = best_temperature(logits_NK[rows][:, inside], places_K[targets_N[rows]])
        scope = self.scope
        if scope is not None:
            scope = scope.fitted(targets_N, logits_NK / (temperature or 1.0), embedding_ND)
        return self._with(scope, temperature)

    def _with(self, scope: Scope | None, temperature: float | None) -> OneOfClasses:
        changed = copy.copy(self)
        changed.scope, changed.temperature = scope, temperature
        return changed

    def activate(
        self, logits_NK: NDArray[np.floating], embedding_ND: NDArray[np.floating] | None = None
    ) -> NDArray[np.float32]:
        """Turn logits into probabilities: the softmax over classes, the label of rows of no class among them."""
        logits_NK = logits_NK / (self.temperature or 1.0)
        if self.scope is not None:
            logits_NK = self.scope.scores(logits_NK, embedding_ND)
        exponent_NK = np.exp(logits_NK - logits_NK.max(axis=1, keepdims=True))
        scores_NK: NDArray[np.float32] = (exponent_NK / exponent_NK.sum(axis=1, keepdims=True)).astype(np.float32)
        return scores_NK

    def predicted(self, scores_NK: NDArray[np.floating]) -> NDArray[np.int64]:
        """Return the index of the most probable class, (N,); the first one of several that are equal."""
        return np.asarray(scores_NK.argmax(axis=1), dtype=np.int64)

    def credit(self, targets_N: NDArray[np.int64], predicted_N: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return 1 for each row whose class is the true one, 0 for the others."""
        return np.asarray(targets_N == predicted_N, dtype=np.float64)

    def names(self, targets_N: NDArray[np.int64]) -> list[str]:
        """Return the class names of indices."""
        return [self._labels[index] for index in targets_N]

    def outcomes(self, targets_N: NDArray[np.int64]) -> list[str]:
        """Return what answers are counted by: their label."""
        return self.names(targets_N)

    def decode(self, outputs: Mapping[str, NDArray[Any]], columns: Columns) -> list[dict[str, Any]]:
        """Turn scores of shape (N, K) into `{"label": …, "scores": {…}}` for each row."""
        return [
            {
                "label": self._labels[int(scores_K.argmax())],
                "scores": {label: round(float(score), 6) for label, score in zip(self._labels, scores_K)},
            }
            for scores_K in outputs["scores"]
        ]


def _is_list(target: Any) -> bool:
    """Whether a label is a list of names, as it comes out of a file: as JSON."""
    if not (isinstance(target, str) and target.startswith("[") and target.endswith("]")):
        return False
    try:
        found = json.loads(target)
    except ValueError:
        return False  # a name in brackets
    return isinstance(found, list) and all(isinstance(part, str) for part in found)


def _is_number(label: str) -> bool:
    try:
        float(label)
    except ValueError:
        return False
    return True
