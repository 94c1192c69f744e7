"""Vectors for search: texts that belong together lie near one another.

Shape suffixes: N rows, Q queries, C texts, D width, W relevant texts of one query, K sizes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from oreline.errors import DataError, UsageError
from oreline.metrics.retrieval import ndcg, rank_relevant, unit
from oreline.tasks.numbers import OneNumber
from oreline.tasks.texts import encode_texts
from oreline.types import Columns, Encoded, Explained, Judged, Runtime
from oreline.words import alike, string_list

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from tokenizers import Tokenizer

_SHOWN = 200
"""Characters of a text that a report is given."""
Embed = Callable[[Sequence[str]], "NDArray[np.floating]"]
"""Returns one vector for each text, (N, D)."""


@dataclass(frozen=True, slots=True)
class Sought:
    """What one row says of the text that its query should find."""

    text: str
    score: float | None = None
    """How well both fit together where somebody judged them: 1 or 0, or a grade; None means that they do."""
    negatives: tuple[str, ...] = ()
    """Texts that the query should not find."""

    @property
    def fits(self) -> bool:
        """Whether the text is relevant to the query."""
        return self.score is None or self.score > 0


class Task:
    """Embedding: one vector for each text, so that a query lies nearest to the texts that belong to it (a bi-encoder).

    Rows are pairs, a query `text` and a text that belongs to it, `text_pair`. Beside them may stand `negative`, a text
    that does not belong to it (or a list of some), and `label`: 1 or 0, or a grade, where pairs were judged. Answers
    are judged by what they find among all texts of a split; by the order of their cosines where pairs have grades.

    Args:
        sizes: widths, the largest first, that vectors can be cut to (Matryoshka); none: the model's own width alone.
        graded: whether pairs have grades instead of belonging together or not.
        range: the lowest and the highest grade.
    """

    inputs: ClassVar[tuple[str, ...]] = ("text",)
    target: ClassVar[str] = "text_pair"
    beside: ClassVar[tuple[str, ...]] = ("label", "negative")
    head: ClassVar[str] = "embedding"
    metrics: ClassVar[tuple[str, ...]] = ("ndcg_at_10", "recall", "mrr_at_10", "map")
    view: ClassVar[str] = "retrieval"
    method: ClassVar[str] = "pairs"
    several: ClassVar[bool] = True
    occluded: ClassVar[tuple[str, ...]] = ("text", "text_pair")

    def __init__(self, *, sizes: Sequence[int] = (), graded: bool = False, range: Sequence[float] = (0.0, 1.0)) -> None:
        self.sizes, self.graded, self.range = tuple(sizes), graded, tuple(map(float, range))
        if any(isinstance(size, bool) or not isinstance(size, int) or size < 1 for size in self.sizes) or sorted(
            set(self.sizes), reverse=True
        ) != list(self.sizes):
            raise UsageError(f"sizes are {list(self.sizes)}", allowed="whole numbers above 0, the largest first")

    @classmethod
    def options_from(cls, targets: Sequence[Any]) -> dict[str, Any]:
        """Return whether pairs have grades, and from where to where.

        Raises `DataError` for a row without a second text, or a label that is no number; when all pairs are judged not
        to belong together; when all have the same second text.
        """
        rows = [parse(target, number) for number, target in enumerate(targets) if target is not None]
        grades = {row.score for row in rows if row.score is not None}
        graded = bool(grades - {0.0, 1.0})
        if not graded and len({row.text for row in rows if row.fits}) < 2:
            fitting = sum(row.fits for row in rows)
            raise DataError(
                f"{fitting:,} of {len(rows):,} pairs belong together, and their second texts are "
                f"{'all the same' if fitting else 'none'}",
                allowed="two different second texts or more: each query's is told apart from the others'",
                remedy="check the column of the second texts, and the label (1: they belong together, 0: they do not)",
            )
        if graded and len(grades) < 2:
            raise DataError(f"all pairs have the grade {grades.pop():g}", remedy="leave the label column out")
        ends = [min(grades), max(grades)] if graded else [0.0, 1.0]
        return {"sizes": [], "graded": graded, "range": ends}

    @property
    def options(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {"sizes": list(self.sizes), "graded": self.graded, "range": list(self.range)}

    @property
    def labels(self) -> tuple[str, ...]:
        """Return the sizes that answers are judged at."""
        return tuple(map(str, self.sizes)) or ("all",)

    def encode(self, columns: Columns, tokenizer: Tokenizer, max_tokens: int) -> Encoded:
        """Turn texts into ids, special tokens included, cut to `max_tokens`."""
        return encode_texts(columns, self.inputs, tokenizer, max_tokens)

    def knows(self, target: Any) -> bool:
        """Whether a target has a text."""
        try:
            parse(target, 0)
        except DataError:
            return False
        return True

    def encode_target(self, targets: Sequence[Any]) -> NDArray[Any]:
        """Turn targets into N `Sought`. Raises `DataError` for one without a text, or a label that is no number."""
        return _objects([parse(target, number) for number, target in enumerate(targets)])

    def activate(self, logits_ND: NDArray[np.floating]) -> NDArray[np.float32]:
        """Return vectors of length 1."""
        return unit(logits_ND)

    def tuned(self, targets: NDArray[Any], scores: NDArray[Any]) -> Task:
        """Return this task: nothing in it is chosen on dev."""
        return self

    def predicted(self, scores: NDArray[Any]) -> NDArray[Any]:
        """Return the ranks of the relevant texts by the first size; nothing for vectors, which found nothing yet."""
        if scores.dtype != object:
            return _objects([()] * len(scores))
        return _objects([ranks_WK[:, 0] for ranks_WK in scores])

    def credit(self, targets: NDArray[Any], predicted: NDArray[Any]) -> NDArray[np.float64]:
        """Return nDCG@10 of each query."""
        return np.asarray([_credit(target, answer) for target, answer in zip(targets, predicted)], dtype=np.float64)

    def names(self, targets: NDArray[Any]) -> list[str]:
        """Return the texts that are sought, or the ranks of found ones."""
        return [_name(target) for target in targets]

    def outcomes(self, targets: NDArray[Any]) -> list[str]:
        """Return what answers are counted by: there is one kind."""
        return ["vector"] * len(targets)

    def decode(self, outputs: Mapping[str, NDArray[Any]], columns: Columns) -> list[dict[str, Any]]:
        """Turn vectors (N, D) into `{"embedding": […]}` for each row; a shorter one is its beginning, scaled again."""
        return [{"embedding": [round(float(value), 7) for value in row_D]} for row_D in outputs["scores"]]

    def explained(self, runtime: Runtime, columns: Columns, label: str | None) -> Explained:
        """Explain the cosine of two texts: the second is `text_pair`, or the text that is named as the label."""
        others = columns.get("text_pair")
        if (others is None) == (label is None):
            raise UsageError(
                "a vector alone cannot be explained: nothing is answered until two texts are compared"
                if others is None
                else "two texts are named to compare with, as text_pair and as label",
                remedy='name one text to compare with: --text-pair "…" to weigh its words too, or --label "…"',
            )
        num_rows = len(columns["text"])
        others = [label] * num_rows if others is None else others
        # Most variants share a text with another one: each is read once.
        texts = list(dict.fromkeys([*columns["text"], *others]))
        place_of = {text: place for place, text in enumerate(texts)}
        predictions = runtime.predict({"text": texts})
        first_VD, second_VD = (
            predictions.outputs["scores"][[place_of[text] for text in side]] for side in (columns["text"], others)
        )
        cosine_V = (first_VD * second_VD).sum(axis=1, dtype=np.float64)  # of vectors of length 1
        cut = predictions.truncated_N[[place_of[columns["text"][0]], place_of[others[0]]]]
        return Explained(str(others[0]), cosine_V, bool(cut.any()), number="cosine")

    def judged(self, columns: Columns, targets: NDArray[Any], embed: Embed) -> Judged:
        """Judge by what is found: each query is a row, once; all second texts and negatives are looked through.

        Texts that differ in case, width and white space only are one.

        Args:
            columns: the rows' inputs.
            targets: encoded, one each.
            embed: the model.
        """
        queries = [str(text) for text in columns["text"]]
        if self.graded:
            return self._judged_by_grade(queries, targets, embed)
        first_text: dict[str, str] = {}
        for row in targets:
            for text in (row.text, *row.negatives):
                first_text.setdefault(alike(text), text)
        texts, number_of = list(first_text.values()), {key: number for number, key in enumerate(first_text)}
        rows_of, relevant = dict[str, int](), dict[str, list[int]]()
        for place, (query, row) in enumerate(zip(queries, targets)):
            rows_of.setdefault(alike(query), place)
            if row.fits:
                relevant.setdefault(alike(query), []).append(number_of[alike(row.text)])
        rows_Q = np.asarray([rows_of[query] for query in relevant], dtype=np.int64)
        wanted = [np.asarray(list(dict.fromkeys(numbers)), dtype=np.int64) for numbers in relevant.values()]
        ranks, first_Q = rank_relevant(
            embed([queries[row] for row in rows_Q]), embed(texts), wanted, self.sizes or (None,)
        )
        return Judged(
            self,
            rows_Q,
            _objects([tuple(texts[number] for number in found_W) for found_W in wanted]),
            _objects([ranks_WK.astype(np.float64) for ranks_WK in ranks]),
            [f"{_at(ranks_WK)}: {texts[first][:_SHOWN]}" for ranks_WK, first in zip(ranks, first_Q)],
        )

    def _judged_by_grade(self, queries: Sequence[str], targets: NDArray[Any], embed: Embed) -> Judged:
        """Judge cosines by the grades of pairs, both from 0 to 1."""
        rows = np.asarray([row for row, target in enumerate(targets) if target.score is not None], dtype=np.int64)
        first_ND, second_ND = (
            unit(embed(texts), self.sizes[0] if self.sizes else None)
            for texts in ([queries[row] for row in rows], [targets[row].text for row in rows])
        )
        low, high = self.range
        grades_N = np.asarray([(targets[row].score - low) / (high - low) for row in rows], dtype=np.float64)
        cosine_N = (first_ND * second_ND).sum(axis=1, dtype=np.float64)
        cuts = sorted({float(cut) for cut in np.quantile(grades_N, (0.25, 0.5, 0.75))}) if len(rows) else []
        task = Cosine(mean=0.0, spread=1.0, cuts=cuts)
        return Judged(task, rows, grades_N, cosine_N[:, None], [f"{cosine:.4f}" for cosine in cosine_N])


class Cosine(OneNumber):
    """Cosines beside grades: how pairs that were judged by grades are measured."""

    metrics: ClassVar[tuple[str, ...]] = ("spearman", "pearson")


def parse(target: Any, row: int) -> Sought:
    """Return what a target says: a text, or a JSON object with `text_pair`, `label` and `negative`.

    Raises `DataError` for a target without a text, or with a label that is no number.

    >>> parse('{"text_pair": "a", "label": "1", "negative": "b"}', 0)
    Sought(text='a', score=1.0, negatives=('b',))
    """
    given = _as_object(target)
    text = given.get("text_pair")
    if not isinstance(text, str) or not text.strip():
        raise DataError(
            "the row has no second text",
            row=row,
            allowed="a text that belongs to the first",
            remedy="leave the row out, or name the column: --role text_pair=COLUMN",
        )
    label, negatives = given.get("label"), given.get("negative")
    listed = string_list(negatives) if isinstance(negatives, str) else negatives
    others = [negatives] if listed is None and negatives else listed or []
    return Sought(text, None if label is None else _grade(label, row), tuple(str(other) for other in others if other))


def _as_object(target: Any) -> Mapping[str, Any]:
    if isinstance(target, str) and target.startswith('{"text_pair"'):
        try:
            found = json.loads(target)
        except ValueError:
            found = None
        if isinstance(found, dict):
            return found
    return target if isinstance(target, Mapping) else {"text_pair": target}


def _grade(label: Any, row: int) -> float:
    try:
        grade = float(label)
    except (TypeError, ValueError):
        grade = np.nan
    if not np.isfinite(grade):
        raise DataError(
            f"the label {str(label)[:80]!r} is not a number",
            row=row,
            allowed="1 (both belong together), 0 (they do not), or a grade",
            remedy="write labels as numbers, or give the column another name if it is about something else",
        )
    return grade


def _credit(target: Any, answer: Any) -> float:
    if isinstance(answer, np.ndarray):
        return ndcg(answer, 10) if len(answer) else 1.0
    return float(_texts(target) == _texts(answer))


def _texts(target: Any) -> set[str]:
    return {target.text} if isinstance(target, Sought) else set(target)


def _name(target: Any) -> str:
    if isinstance(target, np.ndarray):
        return _at(target)
    texts = [target.text] if isinstance(target, Sought) else list(target)
    more = f" (and {len(texts) - 1} more)" if len(texts) > 1 else ""
    return f"{texts[0][:_SHOWN]}{more}" if texts else ""


def _at(ranks: NDArray[Any]) -> str:
    first = ranks if ranks.ndim == 1 else ranks[:, 0]
    return f"rank {', '.join(str(int(rank)) for rank in sorted(first)[:3])}{', …' if len(first) > 3 else ''}"


def _objects(rows: Sequence[Any]) -> NDArray[Any]:
    array = np.empty(len(rows), dtype=object)
    for place, row in enumerate(rows):
        array[place] = row
    return array
