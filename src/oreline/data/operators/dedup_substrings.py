"""Cut stretches of text that stand in the data before already."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Literal

import numpy as np
import polars as pl

from oreline.data.columnar import frames_of
from oreline.data.duplicates.substrings import Spans, repeated, snapped
from oreline.data.duplicates.tokens import tokens
from oreline.data.external.keys import Keys
from oreline.data.external.spool import Spool
from oreline.data.external.texts import Texts
from oreline.data.ledger import CHANGE_REASON
from oreline.errors import UsageError

_FRAME_ROWS = 2048
_MAX_BYTES = 64 << 20
"""What the places of what is cut take in memory."""


class Operator:
    """Cut out of texts what repeats an earlier text or part of one, word for word; the first stays.

    A stretch is looked for by its bytes (a suffix array over UTF-8) and cut inwards to whole sentences, so that no
    sentence, word or character is ever torn. What then stands on both sides is joined as it is. A text can become
    empty: let `drop_empty` or `keep_length` follow.

    Memory is bounded: the data are searched in portions of `portion_mb`, in the order of the rows, and what repeats
    only across two portions is not found. A portion takes about 20 times its size, and the places of what is cut up to
    64 MB; beyond that they lie on disk.

    Args:
        min_bytes: bytes of UTF-8 in a stretch, at least: 100 are some 100 English letters or 33 Chinese characters.
        min_tokens: words (Chinese: characters) in what is cut, at least; no limit when not set. Lee et al. use 50.
        boundary: cut between `sentence`s, or between `word`s (Chinese: characters).
        portion_mb: megabytes of text that are searched together.
        column: the text column.
    """

    stays = True

    def __init__(
        self,
        *,
        min_bytes: int = 100,
        min_tokens: int | None = None,
        boundary: Literal["sentence", "word"] = "sentence",
        portion_mb: int = 32,
        column: str = "text",
    ) -> None:
        if min_bytes < 8:
            raise UsageError(f"dedup_substrings: min_bytes is {min_bytes}", allowed="8 or more")
        if not 1 <= portion_mb <= 1024:
            raise UsageError(f"dedup_substrings: portion_mb is {portion_mb}", allowed="1 to 1024")
        self._min_bytes, self._min_tokens, self._boundary = min_bytes, min_tokens, boundary
        self._portion_bytes, self._column = portion_mb << 20, column
        self._cuts = _Cuts()

    def fit(self, scan: pl.LazyFrame) -> dict[str, Any]:
        """Find what is to be cut of which rows; return how many rows that are."""
        self._cuts = _Cuts()
        if self._column in scan.collect_schema().names():
            for portion in self._portions(scan):
                texts = portion[self._column].to_list()
                for row_id, text, spans in zip(portion["row_id"], texts, repeated(texts, self._min_bytes), strict=True):
                    found = [cut for span in spans if (cut := self._cut(text, span)) is not None]
                    if found:
                        self._cuts.add(row_id, found)
        self._cuts.end()
        return {"rows": len(self._cuts)}

    def learnt(self, found: Mapping[str, Any]) -> None:
        """Nothing more is to be taken: what `fit` found lies here."""

    def edit(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Return the rows without what was found to be repeated."""
        if not len(self._cuts) or self._column not in frame.columns:
            return frame
        is_cut, cuts = self._cuts.of(frame["row_id"])
        rows = is_cut.arg_true()
        texts = frame[self._column]
        kept = [_without(texts[row], spans) for row, spans in zip(rows.to_list(), cuts)]
        reason = pl.when(is_cut).then(pl.lit("repeated_substring"))
        return frame.with_columns(
            texts.clone().scatter(rows, pl.Series(kept, dtype=pl.String)) if kept else texts,
            reason.alias(CHANGE_REASON),
        )

    def _portions(self, scan: pl.LazyFrame) -> Iterator[pl.DataFrame]:
        waiting: list[pl.DataFrame] = []
        num_bytes = 0
        rows = scan.select("row_id", pl.col(self._column).fill_null(""))
        for frame in frames_of(rows, _FRAME_ROWS):
            size = int(frame[self._column].str.len_bytes().sum())
            if waiting and num_bytes + size > self._portion_bytes:
                yield pl.concat(waiting)
                waiting, num_bytes = [], 0
            waiting.append(frame)
            num_bytes += size
        if waiting:
            yield pl.concat(waiting)

    def _cut(self, text: str, span: tuple[int, int]) -> tuple[int, int] | None:
        cut = snapped(text, span, self._boundary)
        if cut is None or self._min_tokens is None:
            return cut
        num_tokens = tokens(pl.Series([text[slice(*cut)]])).counts_N[0]
        return cut if num_tokens >= self._min_tokens else None


class _Cuts:
    """The stretches that are cut of rows, found by the ids of the rows; beyond a bound they lie on disk."""

    def __init__(self) -> None:
        self._marks, self._spans = Spool(np.uint64, max_bytes=_MAX_BYTES // 4), Texts(max_bytes=_MAX_BYTES // 2)
        self._waiting: list[tuple[str, str]] = []
        self._places = Keys(self._marks, max_bytes=_MAX_BYTES // 4)

    def __len__(self) -> int:
        return len(self._marks)

    def add(self, row_id: str, spans: Spans) -> None:
        """Note the stretches of a row."""
        self._waiting.append((row_id, json.dumps(spans)))
        if len(self._waiting) >= _FRAME_ROWS:
            self._write()

    def end(self) -> None:
        """Note that no more come; rows are looked up from now on."""
        self._write()
        self._places = Keys(self._marks, max_bytes=_MAX_BYTES // 4)

    def of(self, row_ids: pl.Series) -> tuple[pl.Series, list[Spans]]:
        """Return which of some rows are cut, and the stretches of these, in order."""
        places_N = self._places.places(row_ids.hash().to_numpy())
        spans = self._spans.at(places_N[places_N >= 0]).to_list()
        return pl.Series(places_N >= 0), [[(start, end) for start, end in json.loads(text)] for text in spans]

    def _write(self) -> None:
        if self._waiting:
            row_ids, spans = (pl.Series(part, dtype=pl.String) for part in zip(*self._waiting))
            self._marks.append(row_ids.hash().to_numpy())
            self._spans.append(spans)
            self._waiting = []


def _without(text: str, cuts: Spans) -> str:
    kept, at = [], 0
    for start, end in cuts:
        kept.append(text[at:start])
        at = end
    return "".join([*kept, text[at:]])
