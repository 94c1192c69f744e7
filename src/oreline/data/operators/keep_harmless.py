"""Find harmful text by the user's own word lists and by any classifier; say so first, drop only when asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from oreline.data.quality.answers_of_models import probability_of
from oreline.data.quality.rules import Bound, Calibration
from oreline.data.texts.keywords import Keywords, read_list
from oreline.errors import UsageError

_CLASSIFIER = "classifier"
_STEPS = (0.5, 0.2, 0.1, 0.05, 0.02, 0.01)
"""Shares that reasons are told apart by."""


class Operator:
    """Note rows with harmful words, or that a classifier calls harmful; `drop: true` drops them.

    The lists are yours; none comes with Oreline. Words are found in folded text (full width, case), Latin ones only
    where no letter or digit stands beside them, Chinese ones anywhere.

    Args:
        lists: text files with a word or phrase a line; or `{category: file}`; the category is in the reason.
        max_ratio: share of a text's characters that may be in such words, 0 to 1.
        min_hits: fewer words than this are let pass.
        separators: also find words with marks or spaces between their characters: `b.a.d`, `坏*人`.
        model: a classifier's folder; its classes in `harmful` count.
        harmful: classes of the model that are harmful.
        min_score: probability of these classes from which a row is noted.
        drop: drop what is found; otherwise it is noted in the ledger (`flagged`) and stays.
        column: the column with the text.

    Reasons are `harmful: CATEGORY, ratio from 0.05` and `harmful: model`.
    """

    def __init__(
        self,
        *,
        lists: Sequence[str | Path] | Mapping[str, str | Path] = (),
        max_ratio: float = 0.0,
        min_hits: int = 1,
        separators: bool = False,
        model: str | None = None,
        harmful: Sequence[str] = (),
        min_score: float = 0.5,
        drop: bool = False,
        column: str = "text",
    ) -> None:
        if not lists and model is None:
            raise UsageError("keep_harmless has neither lists nor a model", remedy="lists: {insults: insults.txt}")
        if (model is None) != (not harmful):
            raise UsageError(
                "keep_harmless: model and harmful belong together", allowed="model: FOLDER, harmful: [CLASS]"
            )
        if not (0 <= max_ratio <= 1 and 0 <= min_score <= 1 and min_hits >= 1):
            raise UsageError(
                f"keep_harmless: max_ratio {max_ratio}, min_score {min_score}, min_hits {min_hits}",
                allowed="ratio and score from 0 to 1, one hit or more",
            )
        files = [lists] if isinstance(lists, str | Path) else lists
        named = files if isinstance(files, Mapping) else {Path(file).stem: file for file in files}
        words = {category: read_list(file) for category, file in named.items()}
        self._keywords = Keywords(words, separators=separators) if words else None
        self._max_ratio, self._min_hits = max_ratio, min_hits
        self._harmful, self._min_score, self._column = tuple(harmful), min_score, column
        self.models = {_CLASSIFIER: model} if model is not None else {}
        self.reports_only = not drop
        self._model: Any = None

    def bind(self, models: Mapping[str, Any]) -> None:
        """Take the classifier."""
        self._model = models[_CLASSIFIER]

    def calibration(self, frame: pl.DataFrame) -> Calibration:
        """Return each row's share of harmful characters, and how sure the model is that it is harmful."""
        values, bounds = dict[str, list[float]](), list[Bound]()
        if self._keywords is not None:
            shares = self._keywords.shares(frame[self._column])
            values["ratio"] = [found[1] if found else 0.0 for found in shares]
            bounds.append(Bound("max_ratio", "ratio", "high", self._max_ratio))
        if self.models:
            values["probability"] = self._scores(frame[self._column]).to_list()
            bounds.append(Bound("min_score", "probability", "high", self._min_score))
        every = pl.Series("language", ["all"], dtype=pl.String).new_from_index(0, frame.height)
        return Calibration(
            pl.DataFrame(values, schema=dict.fromkeys(values, pl.Float64)), every, {"all": tuple(bounds)}
        )

    def keep(self, frame: pl.DataFrame) -> pl.Series:
        """Return what was found in each row, null where nothing was."""
        if self._column not in frame.columns or not frame.height:
            return pl.Series("reason", [None] * frame.height, dtype=pl.String)
        texts = frame[self._column]
        reasons: list[str | None] = [None] * frame.height
        if self._keywords is not None:
            reasons = [self._reason(found) for found in self._keywords.shares(texts)]
        if self.models:
            reasons = [own or said for own, said in zip(reasons, self._said(texts))]
        return pl.Series("reason", reasons, dtype=pl.String)

    def _reason(self, found: tuple[str, float, int] | None) -> str | None:
        if found is None or found[1] <= self._max_ratio or found[2] < self._min_hits:
            return None
        step = next((step for step in _STEPS if found[1] >= step), 0)
        return f"harmful: {found[0]}, ratio {f'from {step}' if step else f'below {_STEPS[-1]}'}"

    def _said(self, texts: pl.Series) -> list[str | None]:
        return ["harmful: model" if score >= self._min_score else None for score in self._scores(texts).to_list()]

    def _scores(self, texts: pl.Series) -> pl.Series:
        if self._model is None:
            raise UsageError(
                "keep_harmless has no model bound", remedy="refine through oreline.refine or the command line"
            )
        answers = self._model.predict(texts.fill_null("").to_list())
        return probability_of(answers, self._harmful, self.models[_CLASSIFIER])
