"""Put values that `mask_pii` replaced back, for the holder of the key."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence

import polars as pl

from oreline.data.dataset import Dataset
from oreline.data.pii.actions import hash_of
from oreline.data.pii.files import FILE
from oreline.data.pii.keyed import Key
from oreline.data.pii.kinds import KIND_NAMES, kinds_of
from oreline.data.pii.pseudonyms import pseudonym
from oreline.data.pii.rewrite import Cell, Edit, Rewritten, dialogue_cell, marked_cell, moved_answers
from oreline.errors import DataError

_REMEDY = "restore a dataset for which mask_pii was the last operator that changed texts, with `reversible: true`"


def restored(data: Dataset, split: str, key: Key) -> Iterator[pl.DataFrame]:
    """Yield the rows of a split with the sealed values in their places again.

    Raises `DataError` where nothing is sealed, where the key is another, or where a text was changed afterwards.
    """
    file = data.path / FILE
    if not file.is_file():
        raise DataError(f"the dataset has no {FILE}", where=str(data.path), remedy=_REMEDY)
    lines = pl.scan_parquet(file).filter((pl.col("split") == split) & pl.col("sealed").is_not_null()).collect()
    places = lines.partition_by("row_id", as_dict=True)
    for frame in data.batches(split):
        rows = [number for number, row_id in enumerate(frame["row_id"]) if (row_id,) in places]
        for number in rows:
            row_id = frame["row_id"][number]
            for column in dict.fromkeys(places[row_id,]["column"]):
                own = places[row_id,].filter(pl.col("column") == column)
                frame = _with_values(frame, number, column, own, key)
        yield frame


def _with_values(frame: pl.DataFrame, number: int, column: str, places: pl.DataFrame, key: Key) -> pl.DataFrame:
    row_id = frame["row_id"][number]
    if column == "text" and "tags" in frame.columns:
        raise DataError(
            "words with tags were replaced one by one", where=row_id, remedy="take such rows from their source"
        )
    cell = frame[column][number]
    special = (dialogue_cell(cell) if "target_text" in frame.columns else None) or marked_cell(cell)
    view = special if column == "text" and special is not None else Cell([cell], lambda parts: parts[0].text)
    parts = []
    for part, text in enumerate(view.texts):
        own = places.filter(pl.col("part").fill_null(0) == part).sort("new_start")
        parts.append(_with_part(text, own.rows(named=True), key, row_id))
    if column == "text_pair" and "answers" in frame.columns and frame["answers"][number] is not None:
        answers = moved_answers(frame["answers"][number], parts[0])
        frame = frame.with_columns(frame["answers"].clone().scatter(number, answers))
    return frame.with_columns(frame[column].clone().scatter(number, view.rebuilt(parts)))


def _with_part(text: str, places: Sequence[dict[str, object]], key: Key, row_id: str) -> Rewritten:
    pieces: list[str] = []
    edits: list[Edit] = []
    done, length = 0, 0
    for place in places:
        start, end, kind = int(str(place["new_start"])), int(str(place["new_end"])), str(place["kind"])
        value = key.unseal(str(place["sealed"]), kind)
        if text[start:end] not in _substitutes(kind, value, key):
            raise DataError("the text was changed after mask_pii", where=row_id, remedy=_REMEDY)
        length += start - done
        pieces += [text[done:start], value]
        edits.append(Edit(kind, "restore", start, end, length, length + len(value)))
        length, done = length + len(value), end
    return Rewritten("".join([*pieces, text[done:]]), edits)


def _substitutes(kind: str, value: str, key: Key) -> set[str]:
    """Return all that may stand in the place of a value."""
    digest = hash_of(kind, value, key)
    masks = {form for label in _labels()[kind] for form in (f"[{label}]", f"[{label}:{digest}]")}
    return masks | {pseudonym(kind, value, key, is_chinese=chinese) for chinese in (True, False)}


@functools.cache
def _labels() -> dict[str, tuple[str, str]]:
    return {kind.name: (kind.zh, kind.en) for kind in kinds_of(KIND_NAMES)}
