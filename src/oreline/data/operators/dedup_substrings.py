"""Cut stretches of text that stand in the data before already."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal

import polars as pl

from oreline.data.duplicates.substrings import Spans, repeated, snapped
from oreline.data.duplicates.tokens import tokens
from oreline.data.ledger import CHANGE_REASON
from oreline.errors import UsageError

_FRAME_ROWS = 2048


class Operator:
    """Cut out of texts what repeats an earlier text or part of one, word for word; the first stays.

    A stretch is looked for by its bytes (a suffix array over UTF-8) and cut inwards to whole sentences, so that no
    sentence, word or character is ever torn. What then stands on both sides is joined as it is. A text can become
    empty: let `drop_empty` or `keep_length` follow.

    Memory is bounded: the data are searched in portions of `portion_mb`, in the order of the rows, and what repeats
    only across two portions is not found. A portion takes about 20 times its size, and the places of what is cut are
    held of all rows: half a kilobyte for each row that is.

    Args:
        min_bytes: bytes of UTF-8 in a stretch, at least: 100 are some 100 English letters or 33 Chinese characters.
        min_tokens: words (Chinese: characters) in what is cut, at least; no limit when not set. Lee et al. use 50.
        boundary: cut between `sentence`s, or between `word`s (Chinese: characters).
        portion_mb: megabytes of text that are searched together.
        column: the text column.
    """

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
        self._cuts: dict[str, Spans] = {}

    def fit(self, scan: pl.LazyFrame) -> dict[str, Any]:
        """Return what is to be cut of which rows: `{"cuts": {row_id: [[start, end], …]}}`, in characters."""
        cuts: dict[str, list[list[int]]] = {}
        if self._column in scan.collect_schema().names():
            for portion in self._portions(scan):
                texts = portion[self._column].to_list()
                for row_id, text, spans in zip(portion["row_id"], texts, repeated(texts, self._min_bytes), strict=True):
                    found = [cut for span in spans if (cut := self._cut(text, span)) is not None]
                    if found:
                        cuts[row_id] = [list(cut) for cut in found]
        return {"cuts": cuts}

    def learnt(self, found: Mapping[str, Any]) -> None:
        """Take what `fit` returned."""
        self._cuts = {row_id: [(start, end) for start, end in cuts] for row_id, cuts in found["cuts"].items()}

    def edit(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Return the rows without what was found to be repeated."""
        if not self._cuts or self._column not in frame.columns:
            return frame
        is_cut = frame["row_id"].is_in(list(self._cuts))
        rows = is_cut.arg_true()
        texts = frame[self._column]
        kept = [_without(texts[row], self._cuts[frame["row_id"][row]]) for row in rows.to_list()]
        reason = pl.when(is_cut).then(pl.lit("repeated_substring"))
        return frame.with_columns(
            texts.clone().scatter(rows, pl.Series(kept, dtype=pl.String)) if kept else texts,
            reason.alias(CHANGE_REASON),
        )

    def _portions(self, scan: pl.LazyFrame) -> Iterator[pl.DataFrame]:
        waiting: list[pl.DataFrame] = []
        num_bytes = 0
        rows = scan.select("row_id", pl.col(self._column).fill_null(""))
        for frame in rows.collect_batches(chunk_size=_FRAME_ROWS):
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


def _without(text: str, cuts: Spans) -> str:
    kept, at = [], 0
    for start, end in cuts:
        kept.append(text[at:start])
        at = end
    return "".join([*kept, text[at:]])
