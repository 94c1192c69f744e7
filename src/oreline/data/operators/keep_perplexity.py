"""Drop rows that read unlike the others: perplexity under an n-gram model of the data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

import numpy as np
import polars as pl

from oreline.data.quality.example_texts import example_texts
from oreline.data.quality.languages import CHINESE, ENGLISH, OTHER, row_languages
from oreline.data.quality.ngram_model import NgramModel, units_of
from oreline.data.quality.rules import Bound, Calibration
from oreline.errors import UsageError
from oreline.report.report import Table

_ORDERS = {"words": 3, "characters": 5}
_CHINESE_ORDER = 3
_BATCH = 4096
_SCHEMA = {"row_id": pl.String, "reason": pl.String, "kept_id": pl.String}


class Operator:
    """Drop the rows that an n-gram model of the data finds most surprising, or least.

    The model is fitted on the rows themselves, each judged without its own n-grams, or on rows that you call good.
    English, Chinese and other scripts have a model and percentiles of their own. Very surprising is what reads like
    nothing else (noise, other languages, tables); hardly surprising is boilerplate that comes again and again.
    Interpolated Kneser–Ney over hashed counts (`quality/ngram_model.py`); CCNet cuts by percentile too (Wenzek et al.
    2019, arXiv 1911.00359).

    Args:
        max_percentile: rows above this percentile (0 to 1) of their language are dropped; null for none.
        min_percentile: rows below this percentile are dropped; null for none.
        units: English and other rows by `characters` or `words`; Chinese is read by character.
        order: units of the longest n-gram; 5 characters, 3 words, 3 Chinese characters when not set.
        good: files of good rows to fit on, instead of the data.
        good_column: the column with the text in these files.
        min_characters: shorter texts are not judged.
        bits: cells of each table of counts, as a power of two; 2^21 take 8 MB, and there are 3 order - 2 tables
            for each language.
        column: the column with the text.
    """

    costly = True

    def __init__(
        self,
        *,
        max_percentile: float | None = 0.98,
        min_percentile: float | None = None,
        units: Literal["characters", "words"] = "characters",
        order: int | None = None,
        good: str | Path | Sequence[str | Path] | None = None,
        good_column: str = "text",
        min_characters: int = 10,
        bits: int = 21,
        column: str = "text",
    ) -> None:
        low, high = min_percentile or 0.0, 1.0 if max_percentile is None else max_percentile
        if not 0 <= low < high <= 1:
            raise UsageError(
                f"keep_perplexity: min_percentile {min_percentile}, max_percentile {max_percentile}",
                allowed="0 <= min_percentile < max_percentile <= 1",
            )
        if not 8 <= bits <= 28 or (order is not None and not 1 <= order <= 10):
            raise UsageError(f"keep_perplexity: bits {bits}, order {order}", allowed="8 to 28 bits, order 1 to 10")
        self._low, self._high = min_percentile, max_percentile
        self._words, self._order, self._bits = units == "words", order, bits
        self._good, self._good_column = good, good_column
        self._min_characters, self._column = min_characters, column
        self._tables: list[Table] = []

    def whole(self, scan: pl.LazyFrame) -> pl.DataFrame:
        """Return the rows to drop, with `perplexity: high` or `perplexity: low`."""
        self._tables = []
        if self._column not in scan.collect_schema().names():
            return pl.DataFrame(schema=_SCHEMA)
        models = self._fitted(scan)
        scores = self._scores(scan, models)
        drops = [self._beyond(language, scores.filter(pl.col("language") == language)) for language in models]
        together = pl.concat([pl.DataFrame(schema={"row_id": pl.String, "reason": pl.String}), *drops])
        if drops:
            self._tables = [self._found(scores)]
        return together.with_columns(pl.lit(None, dtype=pl.String).alias("kept_id"))

    def findings(self) -> dict[str, Any]:
        """Return the table of what was found."""
        return {"counts": {}, "alarms": [], "tables": [asdict(table) for table in self._tables]}

    def perplexities(self, scan: pl.LazyFrame) -> pl.DataFrame:
        """Return `row_id`, `language` and `perplexity` of each row that is judged."""
        return self._scores(scan, self._fitted(scan))

    def calibration(self, frame: pl.DataFrame) -> Calibration:
        """Return each row's perplexity under a model of these rows, with the percentiles' values."""
        scores = self.perplexities(frame.lazy())
        rows = frame.select("row_id").join(scores, on="row_id", how="left", maintain_order="left")
        bounds = {}
        for language in scores["language"].unique(maintain_order=True).to_list():
            values = scores.filter(pl.col("language") == language)["perplexity"]
            found = []
            if self._low is not None:
                found.append(Bound("min_percentile", "perplexity", "low", float(values.quantile(self._low) or 0.0)))
            if self._high is not None:
                found.append(Bound("max_percentile", "perplexity", "high", float(values.quantile(self._high) or 0.0)))
            bounds[language] = tuple(found)
        return Calibration(rows.select("perplexity"), rows["language"].fill_null(""), bounds, apart=True)

    def _fitted(self, scan: pl.LazyFrame) -> dict[str, NgramModel]:
        models: dict[str, NgramModel] = {}
        frames = self._batches(scan)
        if self._good is not None:
            texts = example_texts(self._good, self._good_column)
            frames = (pl.DataFrame({self._column: some}, schema={self._column: pl.String}) for some in texts)
        for frame in frames:
            for language, part in self._by_language(frame):
                order, words = self._manner(language)
                model = models.setdefault(language, NgramModel(order, self._bits))
                for _, units in units_of(part[self._column].to_list(), order, words=words):
                    model.add(units)
        return models

    def _scores(self, scan: pl.LazyFrame, models: dict[str, NgramModel]) -> pl.DataFrame:
        schema = {"row_id": pl.String, "language": pl.String, "perplexity": pl.Float64}
        parts = [pl.DataFrame(schema=schema)]
        for frame in self._batches(scan):
            for language, part in self._by_language(frame):
                if language not in models:
                    continue
                order, words = self._manner(language)
                values = []
                for _, units in units_of(part[self._column].to_list(), order, words=words):
                    nats_N, count_N = models[language].costs(units, left_out=self._good is None)
                    values.append(np.exp(nats_N / np.maximum(count_N, 1)))
                named = {"row_id": part["row_id"], "perplexity": np.concatenate(values)}
                parts.append(pl.DataFrame(named).with_columns(pl.lit(language).alias("language")).select(list(schema)))
        return pl.concat(parts)

    def _manner(self, language: str) -> tuple[int, bool]:
        words = self._words and language != CHINESE
        usual = _CHINESE_ORDER if language == CHINESE else _ORDERS["words" if words else "characters"]
        return self._order or usual, words

    def _batches(self, scan: pl.LazyFrame) -> Iterator[pl.DataFrame]:
        names = [name for name in ("row_id", self._column, "language") if name in scan.collect_schema().names()]
        yield from scan.select(names).collect_batches(chunk_size=_BATCH)

    def _by_language(self, frame: pl.DataFrame) -> Iterator[tuple[str, pl.DataFrame]]:
        frame = frame.filter(pl.col(self._column).str.len_chars() >= self._min_characters)
        languages = row_languages(frame, self._column)
        for language in (ENGLISH, CHINESE, OTHER):
            part = frame.filter(languages == language)
            if part.height:
                yield language, part

    def _beyond(self, language: str, scores: pl.DataFrame) -> pl.DataFrame:
        value = pl.col("perplexity")
        reason = pl.lit(None, dtype=pl.String)
        if self._low is not None:
            reason = pl.when(value < value.quantile(self._low)).then(pl.lit("perplexity: low")).otherwise(reason)
        if self._high is not None:
            reason = pl.when(value > value.quantile(self._high)).then(pl.lit("perplexity: high")).otherwise(reason)
        return scores.select("row_id", reason.alias("reason")).filter(pl.col("reason").is_not_null())

    def _found(self, scores: pl.DataFrame) -> Table:
        marks = (0.02, 0.25, 0.5, 0.75, 0.98)
        rows = []
        for language in (ENGLISH, CHINESE, OTHER):
            values = scores.filter(pl.col("language") == language)["perplexity"]
            if len(values):
                rows.append([language, len(values), *(values.quantile(mark) for mark in marks)])
        columns = ["language", "rows", *(f"{mark:.0%}" for mark in marks)]
        return Table("Perplexity of the rows", columns, rows, "A unit's; English and Chinese ones do not compare.")
