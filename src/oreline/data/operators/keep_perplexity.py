"""Drop rows that read unlike the others: perplexity under an n-gram model of the data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

import numpy as np
import polars as pl

from oreline.data.columnar import frames_of
from oreline.data.external.sorting import Sorted
from oreline.data.external.spool import Spool
from oreline.data.quality.example_texts import example_texts
from oreline.data.quality.languages import CHINESE, ENGLISH, OTHER, row_languages
from oreline.data.quality.ngram_model import NgramModel, units_of
from oreline.data.quality.rules import Bound, Calibration
from oreline.errors import UsageError
from oreline.report.report import Table

_ORDERS = {"words": 3, "characters": 5}
_CHINESE_ORDER = 3
_BATCH = 4096
_LANGUAGES = (ENGLISH, CHINESE, OTHER)
_SCORES = {"row_id": pl.String, "language": pl.String, "perplexity": pl.Float64}
_SHOWN_SHARES = (0.02, 0.25, 0.5, 0.75, 0.98)
_LOW, _HIGH = "perplexity: low", "perplexity: high"


class Operator:
    """Drop the rows that an n-gram model of the data finds most surprising, or least.

    The model is fitted on the rows themselves, each judged without its own n-grams, or on rows that you call good.
    English, Chinese and other scripts have a model and percentiles of their own. Very surprising is what reads like
    nothing else (noise, other languages, tables); hardly surprising is boilerplate that comes again and again.
    Interpolated Kneser–Ney over hashed counts (`quality/ngram_model.py`); CCNet cuts by percentile too (Wenzek et al.
    2019, arXiv 1911.00359).

    Memory: the tables of counts, see `bits`; perplexities of rows lie on disk beyond a bound, 17 bytes each.

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
    memory_bytes = 1 << 30
    """What may be held beside the model; a refinery sets it."""

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

    def whole(self, scan: pl.LazyFrame) -> Iterator[pl.DataFrame]:
        """Yield the rows to drop, in order, with `perplexity: high` or `perplexity: low`."""
        self._tables = []
        if self._column not in scan.collect_schema().names():
            return
        models = self._fitted(scan)
        perplexities = _Perplexities(self.memory_bytes // 32)
        for scores in self._scores(scan, models):
            perplexities.append(scores)
        if models:
            self._tables = [self._found(perplexities)]
        shares = (self._low or 0.0, 1.0 if self._high is None else self._high)
        bounds = [perplexities.quantiles(language, shares) or (0.0, 0.0) for language in _LANGUAGES]
        low_L, high_L = (np.array([np.nan, *bound]) for bound in zip(*bounds))  # of no language: nothing is beyond it
        done = 0
        for rows in scan.select("row_id").collect_batches(chunk_size=_BATCH):
            language_N, value_N = perplexities.part(done, rows.height)
            position = pl.int_range(done, done + rows.height, dtype=pl.Int64).alias("position")
            done += rows.height
            is_low = pl.lit(pl.Series(value_N < low_L[language_N])) & (self._low is not None)
            is_high = pl.lit(pl.Series(value_N > high_L[language_N])) & (self._high is not None)
            reason = pl.when(is_high).then(pl.lit(_HIGH)).when(is_low).then(pl.lit(_LOW))
            kept = pl.lit(None, dtype=pl.String).alias("kept_id")
            named = rows.select("row_id", position, reason.alias("reason"), kept)
            yield named.filter(pl.col("reason").is_not_null())

    def findings(self) -> dict[str, Any]:
        """Return the table of what was found."""
        return {"counts": {}, "alarms": [], "tables": [asdict(table) for table in self._tables]}

    def perplexities(self, scan: pl.LazyFrame) -> pl.DataFrame:
        """Return `row_id`, `language` and `perplexity` of each row that is judged."""
        scores = pl.concat([pl.DataFrame(schema=_SCORES), *self._scores(scan, self._fitted(scan))])
        return scores.drop_nulls("language")

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

    def _scores(self, scan: pl.LazyFrame, models: dict[str, NgramModel]) -> Iterator[pl.DataFrame]:
        """Yield `row_id`, `language` and `perplexity` of all rows, in order; null of those that are not judged."""
        for frame in self._batches(scan):
            numbered = frame.with_row_index("place")
            places, languages, values = [], [], []
            for language, part in self._by_language(numbered):
                if language not in models:
                    continue
                order, words = self._manner(language)
                for _, units in units_of(part[self._column].to_list(), order, words=words):
                    nats_N, count_N = models[language].costs(units, left_out=self._good is None)
                    values.append(np.exp(nats_N / np.maximum(count_N, 1)))
                places.append(part["place"])
                languages.append(pl.Series([language]).new_from_index(0, part.height))
            scores = numbered.select("row_id", language=pl.lit(None, pl.String), perplexity=pl.lit(None, pl.Float64))
            if places:
                where = pl.concat(places)
                scores = scores.with_columns(
                    scores["language"].scatter(where, pl.concat(languages)),
                    scores["perplexity"].scatter(where, np.concatenate(values)),
                )
            yield scores

    def _manner(self, language: str) -> tuple[int, bool]:
        words = self._words and language != CHINESE
        usual = _CHINESE_ORDER if language == CHINESE else _ORDERS["words" if words else "characters"]
        return self._order or usual, words

    def _batches(self, scan: pl.LazyFrame) -> Iterator[pl.DataFrame]:
        names = [name for name in ("row_id", self._column, "language") if name in scan.collect_schema().names()]
        yield from frames_of(scan.select(names), _BATCH)

    def _by_language(self, frame: pl.DataFrame) -> Iterator[tuple[str, pl.DataFrame]]:
        frame = frame.filter(pl.col(self._column).str.len_chars() >= self._min_characters)
        languages = row_languages(frame, self._column)
        for language in _LANGUAGES:
            part = frame.filter(languages == language)
            if part.height:
                yield language, part

    def _found(self, perplexities: _Perplexities) -> Table:
        rows = [
            [language, num_rows, *perplexities.quantiles(language, _SHOWN_SHARES)]
            for language in _LANGUAGES
            if (num_rows := perplexities.num_rows(language))
        ]
        columns = ["language", "rows", *(f"{share:.0%}" for share in _SHOWN_SHARES)]
        return Table("Perplexity of the rows", columns, rows, "A unit's; English and Chinese ones do not compare.")


class _Perplexities:
    """Of all rows in order, and of each language by size.

    Args:
        max_bytes: held in memory, about; beyond that they lie on disk.
    """

    def __init__(self, max_bytes: int) -> None:
        self._codes, self._values = (Spool(dtype, max_bytes=max_bytes // 8) for dtype in (np.uint8, np.float64))
        self._sorted = {language: Sorted(max_bytes=max_bytes // 4) for language in _LANGUAGES}

    def append(self, scores: pl.DataFrame) -> None:
        """Take in rows of `Operator._scores`."""
        codes = scores["language"].replace_strict(_LANGUAGES, range(1, 4), default=0, return_dtype=pl.UInt8).to_numpy()
        values = scores["perplexity"].fill_null(0.0).to_numpy()
        self._codes.append(codes)
        self._values.append(values)
        for code, own in enumerate(self._sorted.values(), start=1):
            own.append(values[codes == code].view(np.uint64))  # positive numbers are ordered as their bits are

    def part(self, start: int, count: int) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
        """Return the languages (numbered from 1, 0 for none) and perplexities of some rows."""
        return self._codes.part(start, count), self._values.part(start, count)

    def num_rows(self, language: str) -> int:
        """Return how many rows of a language there are."""
        return len(self._sorted[language])

    def quantiles(self, language: str, shares: Sequence[float]) -> list[float]:
        """Return what such shares of a language's rows, in rising order, lie below: the nearest row's; empty for none.

        >>> perplexities = _Perplexities(0)
        >>> perplexities.append(pl.DataFrame({"language": ["en"] * 4, "perplexity": [4.0, 2.0, 3.0, 9.0]}))
        >>> perplexities.quantiles("en", [0.0, 0.6, 1.0]), perplexities.quantiles("zh", [0.5])
        ([2.0, 4.0, 9.0], [])
        """
        num_rows = self.num_rows(language)
        places = [int((num_rows - 1) * share + 0.5) for share in shares] if num_rows else []
        found, done = dict[int, float](), 0
        for block in self._sorted[language].blocks():
            values = block.view(np.float64)
            inside = [place for place in places if done <= place < done + len(block)]
            found |= {place: float(values[place - done]) for place in inside}
            done += len(block)
        return [found[place] for place in places]
