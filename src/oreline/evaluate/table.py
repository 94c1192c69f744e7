"""The one table that every figure is computed from: what is true of each row, and what the model says.

Shape suffixes: N rows, K outputs of the model.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from oreline.data.fold import row_hashes
from oreline.data.targets import labelled_frame
from oreline.dialogue import is_dialogue, transcript
from oreline.errors import DataError, amount, did_you_mean
from oreline.runtime.windows import by_row
from oreline.store import TRAIN_ROWS
from oreline.tasks.reading import reading, refuse_unreadable
from oreline.types import Judged, Written
from oreline.values import naming
from oreline.words import words_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from oreline.data.dataset import Dataset
    from oreline.store import Artifact
    from oreline.types import Columns, Runtime, Task

MISSING = "(missing)"
"""The slice of the rows whose slice column is empty."""


@dataclass(frozen=True)
class Table:
    """Targets and scores of some rows.

    Raises `DataError` when the parts have different lengths, or a score is not a finite number.
    """

    task: Task
    targets: NDArray[Any]
    """As the task encodes them: a class index, a number, or a row of marks for each row."""
    scores: NDArray[Any]
    """What the model says, (N, K), probabilities for a task of classes; where words are answered, N arrays (W, K);
    where texts are, N `Written`."""
    row_ids: list[str]
    texts: list[str]
    """What the reader of a report is shown of each row."""
    slices: dict[str, list[str]] = field(default_factory=dict)
    answers: list[str] | None = None
    """The model's answers in words, where the task cannot tell them from the scores alone: what a query found."""
    groups: list[str] | None = None
    """The group of each row (movie, customer, …), where the data have one: rows of a group are not independent."""
    num_refused: int = 0
    """Rows left out because the model was trained on them."""
    num_unlabeled: int = 0
    """Rows left out because nobody knows their label."""
    num_truncated: int = 0
    """Rows longer than the model reads."""
    seconds: float = 0.0
    """Time that predicting took."""
    costs: tuple[NDArray[np.float64], NDArray[np.int64]] | None = None
    """What the true text of each row costs a model that writes, in nats, (N,), and its tokens, (N,)."""
    columns: Columns | None = None
    """The rows' inputs, where a task's answers point into them; a task that was bound to the rows needs none."""

    def __post_init__(self) -> None:
        num_rows = len(self.targets)
        lengths = {len(self.scores), len(self.row_ids), len(self.texts), *map(len, self.slices.values())}
        is_written = any(isinstance(row, Written) for row in self.scores[:1])
        scores = by_row(self.scores, 1) if is_written else self.scores
        shapes = {row.shape[1:] for row in scores} if scores.dtype == object else {scores.shape[1:]}
        if lengths != {num_rows} or shapes - {(len(self.labels),)}:
            raise DataError(
                f"the parts of a table differ: {num_rows} targets, scores of shape {self.scores.shape}, "
                f"{len(self.row_ids)} row ids, {len(self.texts)} texts, {len(self.labels)} labels"
            )
        if scores.dtype == object:
            self._check_words()
        finite_N = np.asarray([bool(np.isfinite(row).all()) for row in scores], dtype=bool)
        if not finite_N.all():
            row = int(np.flatnonzero(~finite_N)[0])
            raise DataError(
                "the model gives a probability that is not a number",
                where=self.row_ids[row],
                remedy="its weights are damaged, or training diverged: train again with a lower learning rate",
            )

    def _check_words(self) -> None:
        """Raise `DataError` for a row that has more or fewer targets than words."""
        for row_id, target_W, scores_WK in zip(self.row_ids, self.targets, self.scores):
            if isinstance(target_W, np.ndarray) and len(target_W) != len(scores_WK):
                raise DataError(
                    f"the row has {amount(len(scores_WK), 'word')} and {amount(len(target_W), 'tag')}",
                    where=row_id,
                    allowed="one tag for each word",
                )

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the model's outputs, in their order."""
        return self.task.labels

    @cached_property
    def predicted(self) -> NDArray[Any]:
        """The model's answers, in the form of the targets."""
        return reading(self.task, self.columns).predicted(self.scores)

    @cached_property
    def credit_N(self) -> NDArray[np.float64]:  # noqa: N802  an array, named by its shape
        """How right each row is, from 0 to 1."""
        return self.task.credit(self.targets, self.predicted)

    @cached_property
    def right_N(self) -> NDArray[np.bool_]:  # noqa: N802  an array, named by its shape
        """Whether each row is altogether right."""
        return np.asarray(self.credit_N == 1.0)

    @property
    def num_rows(self) -> int:
        """Number of rows."""
        return len(self.targets)

    def take(self, rows: NDArray[np.int64]) -> Table:
        """Return some rows, in the given order."""
        return Table(
            self.task,
            self.targets[rows],
            self.scores[rows],
            [self.row_ids[row] for row in rows],
            [self.texts[row] for row in rows],
            {name: [values[row] for row in rows] for name, values in self.slices.items()},
            [self.answers[row] for row in rows] if self.answers is not None else None,
            [self.groups[row] for row in rows] if self.groups is not None else None,
            costs=(self.costs[0][rows], self.costs[1][rows]) if self.costs is not None else None,
            columns={role: [values[row] for row in rows] for role, values in self.columns.items()}
            if self.columns is not None
            else None,
        )


def predict_table(
    runtime: Runtime, data: Dataset, split: str, *, slices: Sequence[str] = (), refuse_trained: bool = True
) -> Table:
    """Predict a split and set the answers beside the truth.

    Args:
        runtime: the model.
        data: a dataset with the model's input and target columns.
        split: its split.
        slices: names of columns whose values the table keeps, to look at groups of rows.
        refuse_trained: leave out the rows that the model was trained on (same inputs after folding of case, width and
            white space). They are counted in `Table.num_refused`.

    Raises:
        DataError: an unknown split or column, a label that the model was not trained on, or no row is left.
    """
    task = runtime.task
    frame = labelled_frame(data, split, task, _columns(data, task, slices))
    num_all = frame.height
    frame = frame.filter(pl.col(task.target).is_not_null())
    num_unlabeled = num_all - frame.height
    labelled, num_refused = frame, 0
    if refuse_trained:
        trained_N = _was_trained(runtime.artifact, frame, task.inputs)
        num_refused = int(trained_N.sum())
        frame = frame.filter(pl.Series(~trained_N))
    if not frame.height:
        raise _none_left(data, split, num_all, num_unlabeled, num_refused)
    columns = {role: frame[role].to_list() for role in task.inputs}
    targets = _encode_targets(runtime, frame, columns)
    started = time.perf_counter()
    answers = None
    if hasattr(task, "judged"):
        judged, frame, num_truncated = _judged(runtime, labelled, frame)
        task, targets, scores, answers = judged.task, judged.targets, judged.scores, judged.found
    else:
        predictions = runtime.predict(columns)
        scores, num_truncated = predictions.outputs["scores"], int(predictions.truncated_N.sum())
    seconds = time.perf_counter() - started
    costs = runtime.costs(columns, targets.tolist()) if task.view == "texts" and hasattr(runtime, "costs") else None
    return Table(
        task,
        targets,
        scores,
        frame["row_id"].to_list(),
        [" | ".join(_readable(str(value)) for value in values) for values in frame.select(task.inputs).iter_rows()],
        {name: [MISSING if value is None else str(value) for value in frame[name].to_list()] for name in slices},
        answers=answers,
        groups=frame["group"].cast(pl.String).fill_null(MISSING).to_list() if "group" in frame.columns else None,
        num_refused=num_refused,
        num_unlabeled=num_unlabeled,
        num_truncated=num_truncated,
        seconds=seconds,
        costs=costs,
        columns=columns,
    )


def _judged(runtime: Runtime, labelled: pl.DataFrame, frame: pl.DataFrame) -> tuple[Judged, pl.DataFrame, int]:
    """Judge by what is found among all labelled rows; of the rows judged, those that `frame` has are returned.

    Rows that the model was trained on are asked nothing, but what they could find lies there as for everybody else.
    The number is that of texts that were cut.
    """
    task: Any = runtime.task
    num_cut = 0

    def embed(texts: Sequence[str]) -> NDArray[Any]:
        nonlocal num_cut
        predictions = runtime.predict({task.inputs[0]: texts})
        num_cut += int(predictions.truncated_N.sum())
        return predictions.outputs["scores"]

    columns = {role: labelled[role].to_list() for role in task.inputs}
    judged: Judged = task.judged(columns, _encode_targets(runtime, labelled, columns), embed)
    rows = labelled[judged.rows_N]
    kept = np.flatnonzero(rows["row_id"].is_in(frame["row_id"].to_list()).to_numpy())
    of_rows = {"targets": judged.targets[kept], "scores": judged.scores[kept], "rows_N": judged.rows_N[kept]}
    return judged._replace(found=[judged.found[row] for row in kept], **of_rows), rows[kept], num_cut


def aligned(before: Table, after: Table) -> tuple[Table, Table]:
    """Return both tables with the rows that both have, in the order of the first.

    Two models leave out different rows where they were trained on different rows, and only rows that both predicted can
    be compared in pairs.

    Raises `DataError` when they have no row in common, or disagree about the true label of one.
    """
    place = {row_id: row for row, row_id in enumerate(after.row_ids)}
    pairs = [(row, place[row_id]) for row, row_id in enumerate(before.row_ids) if row_id in place]
    if not pairs:
        raise DataError(
            "the two models have no row in common to be compared on",
            remedy="give both the same split, of rows that neither was trained on",
        )
    rows_before, rows_after = (np.asarray(rows, dtype=np.int64) for rows in zip(*pairs))
    first, second = before.take(rows_before), after.take(rows_after)
    true_first, true_second = true_labels(first), true_labels(second)
    for row_id, one, other in zip(first.row_ids, true_first, true_second):
        if one != other:
            raise DataError(
                f"the two tables give the row different true labels: {one!r} and {other!r}",
                where=row_id,
                remedy="compare the models on one and the same dataset",
            )
    return first, second


def true_labels(table: Table) -> list[str]:
    """Return the true answer of each row in words."""
    return table.task.names(table.targets)


def predicted_labels(table: Table) -> list[str]:
    """Return the model's answer to each row in words."""
    return table.answers if table.answers is not None else table.task.names(table.predicted)


def _readable(cell: str) -> str:
    """Return a cell as people read it: a list of words, or of messages, as a text."""
    return transcript(cell) if is_dialogue(cell) else words_of(cell)[0]


def _columns(data: Dataset, task: Task, slices: Sequence[str]) -> list[str]:
    known: Mapping[str, str] = data.manifest.columns
    for role in (*task.inputs, task.target):
        if role not in known:
            raise DataError(
                f"the dataset has no column with the role {role!r}",
                where=str(data.path),
                allowed=did_you_mean(role, known),
                remedy=f"refine it again and name the column: oreline refine SOURCE {naming(role)}",
            )
    for name in slices:
        if name not in known:
            raise DataError(
                f"there is no column {name!r} to slice by", where=str(data.path), allowed=did_you_mean(name, known)
            )
    return list(dict.fromkeys(("row_id", *task.inputs, task.target, *slices, *(["group"] if "group" in known else []))))


def _was_trained(artifact: Artifact, frame: pl.DataFrame, inputs: Sequence[str]) -> NDArray[np.bool_]:
    if not artifact.has(TRAIN_ROWS):
        return np.zeros(frame.height, dtype=bool)
    trained = np.fromfile(artifact.file(TRAIN_ROWS), dtype="<u8")
    return np.isin(row_hashes(frame, list(inputs)), trained)


def _encode_targets(runtime: Runtime, frame: pl.DataFrame, columns: Columns) -> NDArray[Any]:
    task = reading(runtime.task, columns)
    targets, judged = frame[task.target], getattr(task, "encode_judged", None)
    try:
        refuse_unreadable(task, columns)
        if judged and hasattr(task, "refuse_malformed"):  # an unseen tag is judged, one that cannot be right is not
            task.refuse_malformed(targets.to_list())
    except DataError as error:
        error.where = f"row {frame['row_id'][error.row or 0]}"
        raise
    if judged:
        encoded: NDArray[Any] = judged(targets.to_list())
        return encoded
    try:
        return task.encode_target(targets.to_list())
    except DataError as wrong:
        if wrong.row is not None and task is not runtime.task:  # a row that does not fit its own inputs
            wrong.where = f"row {frame['row_id'][wrong.row]}"
            raise
        # The task knows the labels but not the rows: find the first row, so that the message can name it.
        for value in targets.unique(maintain_order=True).to_list():
            try:
                task.encode_target([value])
            except DataError as error:
                same = frame.filter(targets == value)
                raise DataError(
                    f"{error.what} ({same.height:,} of {frame.height:,} rows)",
                    where=f"row {same['row_id'][0]}, by the model {runtime.artifact.path}",
                    allowed=error.allowed,
                    remedy=error.remedy,
                ) from error
        raise


def _none_left(data: Dataset, split: str, num_all: int, num_unlabeled: int, num_refused: int) -> DataError:
    where = f"{data.path}, split {split!r}"
    if not num_all:
        return DataError("the split has no rows", where=where, allowed=f"splits: {', '.join(data.splits)}")
    if not num_refused:
        return DataError(f"none of the {num_all:,} rows has a label", where=where, remedy="label some rows")
    return DataError(
        f"nothing to evaluate: the model was trained on all {num_refused:,} labelled rows",
        where=where,
        allowed="rows that the model was not trained on",
        remedy="choose another split (--split test), or data that the model has not seen",
    )
