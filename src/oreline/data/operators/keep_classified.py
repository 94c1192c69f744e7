"""Keep rows that a classifier calls good: one trained on your own good and bad rows, or any classifier artifact."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import polars as pl

from oreline.data.fold import row_hashes
from oreline.data.quality.answers_of_models import probability_of
from oreline.data.quality.classifier import Fitted, fit
from oreline.data.quality.example_texts import example_texts
from oreline.data.quality.rules import Bound, Calibration
from oreline.errors import UsageError
from oreline.report.report import Table

_CLASSIFIER = "classifier"
_Files = str | Path | Sequence[str | Path]


class Operator:
    """Drop rows that a classifier does not call good.

    Either it is trained here, on files of good and of bad rows: a linear model over hashed character n-grams, the same
    for English and Chinese, with cross-validated figures in the report. Or it is any classifier artifact.

    Memory: the texts of your files are held while it is trained; of the data's rows nothing is.

    Args:
        good: files with rows to keep, of any kind that refine reads.
        bad: files with rows to drop.
        examples_column: the column with the text in these files.
        precision: wanted share of good ones among the rows that are kept, 0 to 1, in the mixture of your files; the
            threshold keeps as many as this allows.
        model: a classifier's folder, in place of files.
        labels: classes of the model that are kept.
        min_score: probability of these classes that a row needs.
        drop: false only notes the rows in the ledger.
        column: the column with the text.

    Reasons are `classified: below 0.3` and so on, by tenths of the probability.
    """

    def __init__(
        self,
        *,
        good: _Files | None = None,
        bad: _Files | None = None,
        examples_column: str = "text",
        precision: float = 0.9,
        model: str | None = None,
        labels: Sequence[str] = (),
        min_score: float = 0.5,
        drop: bool = True,
        column: str = "text",
    ) -> None:
        if (model is None) == (good is None) or (good is None) != (bad is None) or (model is None) != (not labels):
            raise UsageError(
                "keep_classified needs good and bad rows, or a model",
                allowed="good: FILE, bad: FILE; or model: FOLDER, labels: [CLASS]",
            )
        if not (0 < precision <= 1 and 0 <= min_score <= 1):
            raise UsageError(f"keep_classified: precision {precision}, min_score {min_score}", allowed="0 to 1")
        self._good, self._bad, self._examples_column, self._precision = good, bad, examples_column, precision
        self._labels, self._min_score, self._column = tuple(labels), min_score, column
        self.models = {_CLASSIFIER: model} if model is not None else {}
        self.reports_only = not drop
        self._model: Any = None
        self._fitted: Fitted | None = None
        self._tables: list[Table] = []

    def bind(self, models: Mapping[str, Any]) -> None:
        """Take the classifier."""
        self._model = models[_CLASSIFIER]

    def fit(self, scan: pl.LazyFrame) -> dict[str, Any]:
        """Train on the files; the data's own rows teach nothing."""
        if self._good is None or self._bad is None:
            return {}
        good, bad = self._examples(self._good), self._examples(self._bad)
        both = good.keys() & bad.keys()
        kept = [[text for key, text in rows.items() if key not in both] for rows in (good, bad)]
        fitted = fit(kept[0], kept[1], precision=self._precision)
        return {**fitted.to_json(), "in_both": len(both)}

    def learnt(self, learnt: Mapping[str, Any]) -> None:
        """Take what `fit` returned."""
        if not learnt:
            return
        self._fitted = Fitted.from_json(learnt)
        figures = self._fitted.figures
        row = [self._fitted.threshold, *(figures[name] for name in ("precision", "recall", "accuracy", "auc"))]
        counts = [int(figures["good"]), int(figures["bad"]), learnt["in_both"]]
        columns = ["threshold", "precision", "recall", "accuracy", "AUC", "good rows", "bad rows", "in both, left out"]
        reached = figures["precision"] >= self._precision
        note = f"Held-out rows of five folds; wanted precision {self._precision}{'' if reached else ', not reached'}."
        self._tables = [Table("The quality classifier", columns, [[*row, *counts]], note)]

    def findings(self) -> dict[str, Any]:
        """Return the table of what was found."""
        return {"counts": {}, "alarms": [], "tables": [asdict(table) for table in self._tables]}

    def calibration(self, frame: pl.DataFrame) -> Calibration:
        """Return each row's probability of being good, with the threshold."""
        if self._fitted is None and not self.models:
            self.learnt(self.fit(frame.lazy()))
        scores, threshold = self._scores(frame[self._column])
        every = pl.Series("language", ["all"], dtype=pl.String).new_from_index(0, frame.height)
        bounds = {"all": (Bound("min_score", "probability", "low", threshold),)}
        return Calibration(pl.DataFrame({"probability": scores}, schema={"probability": pl.Float64}), every, bounds)

    def keep(self, frame: pl.DataFrame) -> pl.Series:
        """Return the tenth below which a row's probability of being good lies, null for each row that stays."""
        if self._column not in frame.columns or not frame.height:
            return pl.Series("reason", [None] * frame.height, dtype=pl.String)
        if self._fitted is None and not self.models:
            self.learnt(self.fit(frame.lazy()))
        scores, bound = self._scores(frame[self._column])
        return pl.Series(
            "reason",
            [None if score >= bound else f"classified: below {int(score * 10 + 1) / 10}" for score in scores],
            dtype=pl.String,
        )

    def _scores(self, texts: pl.Series) -> tuple[list[float], float]:
        plain = texts.fill_null("").to_list()
        if self._fitted is not None:
            return self._fitted.probabilities(plain).tolist(), self._fitted.threshold
        if self._model is None:
            raise UsageError(
                "keep_classified has no model bound", remedy="refine through oreline.refine or the command line"
            )
        found = probability_of(self._model.predict(plain), self._labels, self.models[_CLASSIFIER])
        return found.to_list(), self._min_score

    def _examples(self, files: _Files) -> dict[int, str]:
        """Return texts by the hash of their folded form, each once."""
        found: dict[int, str] = {}
        for texts in example_texts(files, self._examples_column):
            hashes = row_hashes(pl.DataFrame({"text": texts}, schema={"text": pl.String}), ["text"])
            for key, text in zip(hashes.tolist(), texts):
                found.setdefault(key, text)
        return found
