"""Any number of labels for each text.

Shape suffixes: N rows, K labels.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from oreline.errors import DataError, did_you_mean
from oreline.tasks.surprise import nats
from oreline.tasks.texts import encode_texts
from oreline.types import Columns, Encoded

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from tokenizers import Tokenizer

SEPARATORS = ("|", ";", ",")
"""What may stand between the labels of a row that is one string; the first of them that occurs anywhere is taken."""
NO_LABEL = "(none)"
MIN_POSITIVES = 10
"""Dev rows that must have a label for it to get a threshold of its own."""


class Task:
    """Multi-label classification: any number of K labels for each text, each with a threshold of its own.

    A target is a list of labels, a JSON list, or one string with `|`, `;` or `,` between them; an empty one means none.

    Args:
        labels: names in index order, each once.
        separator: what stands between labels in a target that is a string; nothing does when empty.
        thresholds: probability from which a label is given, for each; tuned on dev after training.
    """

    inputs: ClassVar[tuple[str, ...]] = ("text",)
    target: ClassVar[str] = "label"
    head: ClassVar[str] = "multilabel"
    metrics: ClassVar[tuple[str, ...]] = ("micro_f1", "subset_accuracy", "ranking")
    view: ClassVar[str] = "labels"

    def __init__(
        self, *, labels: Sequence[str], separator: str = "", thresholds: Sequence[float] | None = None
    ) -> None:
        self._labels = tuple(labels)
        if not self._labels or len(set(self._labels)) < len(self._labels):
            raise DataError(
                f"the labels are {', '.join(map(repr, self._labels)) or 'none'}", allowed="one label or more, each once"
            )
        self.separator = separator
        self.thresholds_K = np.full(len(self._labels), 0.5) if thresholds is None else np.asarray(thresholds, float)
        if self.thresholds_K.shape != (len(self._labels),):
            raise DataError(f"{self.thresholds_K.size} thresholds for {len(self._labels)} labels")
        self._index = {label: index for index, label in enumerate(self._labels)}

    @classmethod
    def options_from(cls, targets: Sequence[Any]) -> dict[str, Any]:
        """Return labels, sorted, and the separator.

        Raises `DataError` when no row has a label, all rows have the same, there are far too many labels, or they only
        say yes and no.
        """
        texts = [target for target in targets if isinstance(target, str) and not target.lstrip().startswith("[")]
        separator = next((mark for mark in SEPARATORS if any(mark in text for text in texts)), "")
        counts: Counter[str] = Counter()
        for row, target in enumerate(targets):
            try:
                counts.update(parse(target, separator))
            except DataError as error:
                error.row = row
                raise
        if not counts:
            raise DataError(
                f"none of the {len(targets):,} training rows has a label",
                allowed='lists of labels, or strings such as "a|b", in some of the rows at least',
                remedy="check the label column (--label COLUMN): in this row, the first, it names none",
                row=0,
            )
        if all(count == len(targets) for count in counts.values()):
            raise DataError(
                f"all {len(targets):,} training rows have the same labels: {', '.join(sorted(counts))}",
                allowed="labels that some rows have and others lack",
                remedy='check the label column; a row that has none of the labels is written as "[]"',
            )
        if counts.keys() == {"0", "1"} and counts.total() == len(targets):
            raise DataError(
                f"each of the {len(targets):,} training rows has one of the labels 0 and 1",
                allowed="names of labels",
                remedy="join columns of 0 and 1 into one list of names; or --task text_classification for one of them",
            )
        if len(counts) > 20 and len(counts) > 0.5 * len(targets):
            raise DataError(
                f"the label column has {len(counts):,} labels in {len(targets):,} rows",
                remedy="it looks like ids or free text; name the label column with --label",
            )
        return {"labels": sorted(counts), "separator": separator}

    @property
    def options(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        thresholds = [round(float(threshold), 6) for threshold in self.thresholds_K]
        return {"labels": list(self._labels), "separator": self.separator, "thresholds": thresholds}

    @property
    def labels(self) -> tuple[str, ...]:
        """Return the labels in index order."""
        return self._labels

    def encode(self, columns: Columns, tokenizer: Tokenizer, max_tokens: int) -> Encoded:
        """Turn texts into ids, special tokens included, cut to `max_tokens`."""
        return encode_texts(columns, self.inputs, tokenizer, max_tokens)

    def knows(self, target: Any) -> bool:
        """Whether all labels of a target were seen in training."""
        return all(label in self._index for label in parse(target, self.separator))

    def encode_target(self, targets: Sequence[Any]) -> NDArray[np.float32]:
        """Turn targets into marks of shape (N, K). Raises `DataError` for a label never seen in training."""
        marks_NK = np.zeros((len(targets), len(self._labels)), np.float32)
        for row, target in enumerate(targets):
            for label in parse(target, self.separator):
                if label not in self._index:
                    raise DataError(
                        f"the label {label!r} was never seen in training",
                        row=row,
                        allowed=did_you_mean(label, self._labels),
                        remedy="correct the label, or train again with rows that have it",
                    )
                marks_NK[row, self._index[label]] = 1.0
        return marks_NK

    def refuse_malformed(self, targets: Sequence[Any]) -> None:
        """Raise `DataError` for a row whose labels are no names."""
        for row, target in enumerate(targets):
            try:
                parse(target, self.separator)
            except DataError as error:
                error.row = row
                raise

    def absent(self, targets_NK: NDArray[np.floating]) -> list[str]:
        """Return the labels that no row has: nothing can be learnt of them, and no threshold chosen."""
        return [label for label, count in zip(self._labels, targets_NK.sum(axis=0)) if not count]

    def tuned(self, targets_NK: NDArray[Any], scores_NK: NDArray[np.floating]) -> Task:
        """Return this task with the threshold of each label that gives the highest F1 on these rows.

        A label that fewer than ten of them have, or none, gets the threshold that is best for all labels together: one
        of its own would follow the chance score of a row or two, and give the label to every other row.

        Source: Yang, A Study of Thresholding Strategies for Text Categorization, SIGIR 2001 (SCut and its fallback).
        """
        common = best_threshold(targets_NK.ravel(), scores_NK.ravel())
        chosen = [
            best_threshold(targets_NK[:, k], scores_NK[:, k]) if targets_NK[:, k].sum() >= MIN_POSITIVES else common
            for k in range(len(self._labels))
        ]
        return Task(labels=self._labels, separator=self.separator, thresholds=chosen)

    def activate(self, logits_NK: NDArray[np.floating]) -> NDArray[np.float32]:
        """Turn logits into probabilities, each on its own: the logistic function."""
        # exp of a negative number only: no overflow on either side.
        small_NK = np.exp(-np.abs(logits_NK))
        scores_NK: NDArray[np.float32] = np.where(logits_NK >= 0, 1.0, small_NK) / (1.0 + small_NK)
        return scores_NK.astype(np.float32)

    def predicted(self, scores_NK: NDArray[np.floating]) -> NDArray[np.float32]:
        """Return marks of shape (N, K): 1 where the probability reaches the label's threshold."""
        return (scores_NK >= self.thresholds_K).astype(np.float32)

    def credit(self, targets_NK: NDArray[np.floating], predicted_NK: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return the Jaccard index of each row: labels in both over labels in either; 1 where both are empty."""
        both_N = np.minimum(targets_NK, predicted_NK).sum(axis=1)
        either_N = np.maximum(targets_NK, predicted_NK).sum(axis=1)
        return np.where(either_N > 0, both_N / np.maximum(either_N, 1), 1.0)

    def surprise(self, targets_NK: NDArray[np.floating], scores_NK: NDArray[np.floating]) -> float:
        """Return the mean over labels and rows of how improbable the truth is, in nats."""
        return nats(np.where(targets_NK > 0, scores_NK, 1.0 - scores_NK))

    def names(self, targets_NK: NDArray[np.floating]) -> list[str]:
        """Return the labels of each row, with `, ` between them."""
        return [", ".join(self._labels[k] for k in np.flatnonzero(row_K)) or NO_LABEL for row_K in targets_NK]

    def outcomes(self, targets_NK: NDArray[np.floating]) -> list[str]:
        """Return what answers are counted by: the first label in index order, with ` and more` where there are more."""
        return [
            f"{self._labels[int(row_K.argmax())]}{' and more' if row_K.sum() > 1 else ''}" if row_K.any() else NO_LABEL
            for row_K in targets_NK
        ]

    def decode(self, outputs: Mapping[str, NDArray[Any]], columns: Columns) -> list[dict[str, Any]]:
        """Turn scores of shape (N, K) into `{"labels": […], "scores": {…}}` for each row."""
        scores_NK = outputs["scores"]
        return [
            {
                "labels": [self._labels[k] for k in np.flatnonzero(given_K)],
                "scores": {label: round(float(score), 6) for label, score in zip(self._labels, scores_K)},
            }
            for scores_K, given_K in zip(scores_NK, self.predicted(scores_NK))
        ]


def parse(target: Any, separator: str) -> list[str]:
    """Return the labels of a target, each once, in their order.

    >>> parse("a| b|a", "|"), parse('["x, y", "z"]', ""), parse(["a"], ""), parse("", "|"), parse(None, "|")
    (['a', 'b'], ['x, y', 'z'], ['a'], [], [])

    Raises `DataError` for a list in the list, a mapping, or names that are all empty.
    """
    if target is None:
        return []
    if isinstance(target, str):
        text = target.strip()
        if not text:
            return []
        if text.startswith(("[", "{")):
            try:
                found = json.loads(text)
            except ValueError:
                pass  # a label that begins with a bracket
            else:
                return parse(found, separator)
        parts: Sequence[Any] = text.split(separator) if separator else [text]
    else:
        _refuse_nested([target] if isinstance(target, Mapping) else [])
        parts = list(target) if isinstance(target, Sequence) or hasattr(target, "__iter__") else [target]
    _refuse_nested(parts)
    names = list(dict.fromkeys(name for part in parts if part is not None and (name := str(part).strip())))
    if parts and not names:
        raise DataError(
            f"the labels are {target!r}, which are all empty",
            allowed='names of labels; "[]" where the row has none of them',
            remedy='write "[]" if that is meant, or give the row its labels',
        )
    return names


def _refuse_nested(parts: Sequence[Any]) -> None:
    for part in parts:
        if isinstance(part, list | tuple | Mapping):
            raise DataError(
                f"{str(part)[:80]} stands where a label is expected",
                allowed='a list of names such as ["a", "b"], or a string such as "a|b"',
                remedy="write the row's labels as one list of names",
            )


def best_threshold(marks_N: NDArray[np.floating], scores_N: NDArray[np.floating]) -> float:
    """Return the threshold with the highest F1, halfway to the next score below; 0.5 where no row has the label.

    Of several that are equally good, the one nearest to 0.5.

    >>> best_threshold(np.array([0, 0, 1, 1]), np.array([0.1, 0.2, 0.3, 0.9]))
    0.25
    """
    num_true = float(marks_N.sum())
    if not num_true:
        return 0.5
    order_N = np.argsort(-scores_N, kind="stable")
    sorted_N = scores_N[order_N].astype(np.float64)
    right_N = np.cumsum(marks_N[order_N])
    f1_N = 2 * right_N / (np.arange(1, len(order_N) + 1) + num_true)
    is_last_N = np.append(sorted_N[1:] < sorted_N[:-1], True)  # equal scores stand on one side
    cuts_N = (sorted_N + np.append(sorted_N[1:], 0.0)) / 2
    best = f1_N[is_last_N].max()
    good_N = cuts_N[is_last_N & (f1_N >= best - 1e-12)]
    return float(good_N[np.argmin(np.abs(good_N - 0.5))])
