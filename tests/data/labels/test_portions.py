"""Portions: every row in one, what belongs together in the same, no matter how rows are framed."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from oreline.data.labels import portions as module
from oreline.data.labels.portions import Portions
from oreline.errors import DataError

NUM = 4000


def made(num: int = NUM) -> pl.DataFrame:
    """Rows of ten classes and a rare one; every fourth text is a copy of one before, every fifth row is in a group."""
    random = np.random.default_rng(0)
    of = [int(random.integers(0, n)) if n % 4 == 3 else n for n in range(num)]
    return pl.DataFrame(
        {
            "row_id": [f"a:{n}" for n in range(num)],
            "text": [f"Text {n}" if at % 2 else f"text  {n}" for at, n in enumerate(of)],
            "label": [None if n % 100 == 7 else "rare" if n % 200 == 9 else f"class {n % 10}" for n in range(num)],
            "group": [f"g{n // 40}" if n % 5 == 0 else None for n in range(num)],
        }
    )


def divided(
    rows: pl.LazyFrame, monkeypatch: pytest.MonkeyPatch, *, parts: int = 6, files: int = 2
) -> list[pl.DataFrame]:
    monkeypatch.setattr(module, "_FILES", files)
    monkeypatch.setattr(module.Portions, "_needed", lambda self, num_bytes: parts)
    portions = Portions(rows, ["text"], folds=5, width=0)
    assert portions.number == parts
    return list(portions.frames())


def test_what_fits_is_one_portion_in_its_order() -> None:
    rows = made()
    portions = Portions(rows.lazy(), ["text"], folds=5, width=0)
    (frame,) = portions.frames()
    assert frame.equals(rows.filter(pl.col("label").is_not_null()))
    assert portions.num_rows == frame.height


def test_each_row_is_in_one_portion_and_what_belongs_together_in_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_LARGE", 1)
    rows = made()
    frames = divided(rows.lazy(), monkeypatch)
    assert len(frames) == 6
    assert sum(frame.height for frame in frames) == rows["label"].count()
    numbered = pl.concat([frame.with_columns(portion=pl.lit(number)) for number, frame in enumerate(frames)])
    assert numbered["row_id"].n_unique() == numbered.height
    for frame in frames:
        places = frame["row_id"].str.slice(2).cast(pl.Int64)
        assert places.is_sorted(), "in the order of the scan"
    folded = numbered.with_columns(pl.col("text").str.to_lowercase().str.replace_all(" +", " "))
    for name in ("text", "group"):
        together = folded.drop_nulls(name).group_by(name).agg(pl.col("portion").n_unique(), pl.len())
        assert together["len"].max() > 1
        assert together["portion"].max() == 1, name


def test_classes_are_spread_as_far_as_they_have_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = made().drop("group").unique("text", maintain_order=True)
    frames = divided(plain.lazy(), monkeypatch, parts=3)
    counts = [Counter(frame["label"]) for frame in frames]
    sizes = [frame.height for frame in frames]
    assert sum(count["rare"] > 0 for count in counts) == 1, "twenty rows are judged together"
    assert all(count[f"class {n}"] >= 40 for count in counts for n in range(8) if n not in (7, 9))
    assert max(sizes) < 1.3 * min(sizes)


def test_portions_do_not_depend_on_frames(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    rows = made()
    ids = [frame["row_id"].to_list() for frame in divided(rows.lazy(), monkeypatch)]
    rows.write_parquet(tmp_path / "rows.parquet", row_group_size=77)
    monkeypatch.setattr(module, "_CHUNK", 31)
    again = divided(pl.scan_parquet(tmp_path / "rows.parquet"), monkeypatch, files=64)
    assert [frame["row_id"].to_list() for frame in again] == ids


def test_very_many_copies_are_divided(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else one portion would hold them all, however many they are."""
    rows = made().with_columns(text=pl.when(pl.int_range(pl.len()) % 2 == 0).then(pl.lit("ok")).otherwise("text"))
    frames = divided(rows.drop("group").lazy(), monkeypatch, parts=4)
    assert max(frame.height for frame in frames) < 0.35 * NUM
    assert all((frame["text"] == "ok").any() for frame in frames)


def test_the_number_of_portions_grows_with_all_that_takes_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = made().drop("group")
    monkeypatch.setattr(module, "PORTION_BYTES", 4 << 20)
    number = Portions(rows.lazy(), ["text"], folds=5, width=0).number
    assert number > 1
    assert Portions(pl.concat([rows] * 3).lazy(), ["text"], folds=5, width=0).number > 2 * number
    assert Portions(rows.lazy(), ["text"], folds=5, width=4096).number > number
    long = rows.with_columns(text=pl.concat_str([pl.col("text")] * 100))
    assert Portions(long.lazy(), ["text"], folds=5, width=0).number > number
    many = rows.with_columns(label=pl.format("c{}", pl.int_range(pl.len()) // 8))
    assert Portions(many.lazy(), ["text"], folds=5, width=0).number >= number


def test_of_long_texts_what_is_counted_is_held(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else some twenty documents of a megabyte would be judged among themselves."""
    monkeypatch.setattr(module, "PORTION_BYTES", 16 << 20)
    rows = made(400).with_columns(text=pl.col("text") + "." * 2000)
    portions = Portions(rows.lazy(), ["text"], folds=5, width=0)
    longer = Portions(rows.with_columns(text=pl.col("text") + "." * 20_000).lazy(), ["text"], folds=5, width=0)
    assert longer.number == portions.number > 1
    assert max(frame["text"].str.len_chars().max() for frame in longer.frames()) == 2000
    monkeypatch.setattr(module, "PORTION_BYTES", 600 << 20)
    (whole,) = Portions(
        rows.with_columns(text=pl.col("text") + "." * 20_000).lazy(), ["text"], folds=5, width=0
    ).frames()
    texts = whole["text"].rechunk().to_arrow(compat_level=pl.CompatLevel.newest())
    assert sum(part.size for part in texts.buffers() if part) < 400 * 2500, "the beginnings alone, not what they lay in"
    encoded = Portions(rows.lazy(), ["text"], folds=5, width=8)
    assert max(frame["text"].str.len_chars().max() for frame in encoded.frames()) > 2000


def test_labels_that_are_ids_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_CLASSES", 5)
    with pytest.raises(DataError, match="more than 5 classes"):
        Portions(made().lazy(), ["text"], folds=5, width=0)
    assert Portions(made().lazy(), ["text"], folds=3999, width=0).num_rows == made()["label"].count()


@pytest.mark.parametrize("label", [pl.format("{}", pl.int_range(pl.len())), pl.lit("one"), pl.lit(None, pl.String)])
def test_where_nothing_can_be_judged_nothing_is_held(label: pl.Expr, monkeypatch: pytest.MonkeyPatch) -> None:
    """Labels that are all different would not be few enough to lie in one portion, nor of a class to be drawn by."""
    rows = made().with_columns(label=label)
    monkeypatch.setattr(module, "PORTION_BYTES", 1 << 20)
    portions = Portions(rows.lazy(), ["text"], folds=5, width=0)
    assert (portions.number, list(portions.frames())) == (0, [])
    assert portions.num_rows == rows["label"].count()
