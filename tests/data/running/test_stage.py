"""Rows on disk between two passes."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oreline.data.external.table import Bits
from oreline.data.running.stage import Stage, conform, unified
from oreline.errors import DataError, OrelineError


def filled(folder: Path, *frames: pl.DataFrame) -> Stage:
    stage = Stage(folder / "stage")
    for frame in frames:
        stage.append(frame)
    stage.close()
    return stage


def rows(first: int, last: int) -> pl.DataFrame:
    return pl.DataFrame({"row_id": [f"a:{number}" for number in range(first, last)], "n": range(first, last)})


def by_ids(ids: list[str]) -> list[pl.DataFrame]:
    return [pl.DataFrame({"row_id": ids, "position": [None] * len(ids)}, {"row_id": pl.String, "position": pl.UInt32})]


def by_places(places: list[int]) -> list[pl.DataFrame]:
    return [pl.DataFrame({"row_id": ["any"] * len(places), "position": places})]


def test_rows_come_back_in_order(tmp_path: Path) -> None:
    stage = filled(tmp_path, rows(0, 10_000), rows(10_000, 30_000))
    assert pl.concat(stage.frames()).equals(rows(0, 30_000))
    assert stage.scan().collect().equals(rows(0, 30_000))
    assert stage.num_alive == 30_000


@given(st.sets(st.integers(0, 99)), st.sets(st.integers(0, 99)))
def test_dropped_rows_are_gone(tmp_path_factory: pytest.TempPathFactory, first: set[int], second: set[int]) -> None:
    stage = filled(tmp_path_factory.mktemp("stage"), rows(0, 50), rows(50, 100))
    for numbers in (first, second - first):
        stage.drop(by_ids([f"a:{n}" for n in sorted(numbers)]), operator="x")
    left = [number for number in range(100) if number not in first | second]
    assert [number for frame in stage.frames() for number in frame["n"]] == left
    assert stage.scan().collect()["n"].to_list() == left
    assert stage.num_alive == len(left)


def test_only_rows_that_are_there_can_be_dropped_and_once(tmp_path: Path) -> None:
    stage = filled(tmp_path, rows(0, 5))
    with pytest.raises(OrelineError, match="the operator 'cheat'"):
        stage.drop(by_places([5]), operator="cheat")
    stage.drop(by_ids(["a:1"]), operator="x")
    for wrong in (["a:9"], ["a:1"], ["a:2", "a:2"]):
        with pytest.raises(OrelineError, match="the operator 'cheat'"):
            stage.drop(by_ids(wrong), operator="cheat")
    for places in ([4], [70_000], [1, 1]):
        with pytest.raises(OrelineError, match="the operator 'cheat'"):
            stage.drop(by_places(places), operator="cheat")
    assert stage.num_alive == 4


@given(st.lists(st.sets(st.integers(0, 99), max_size=40), max_size=4), st.integers(1, 9))
def test_rows_are_dropped_by_their_places_among_those_that_are_left(
    tmp_path_factory: pytest.TempPathFactory, all_numbers: list[set[int]], size: int
) -> None:
    stage = filled(tmp_path_factory.mktemp("stage"), rows(0, 37), rows(37, 100))
    left = list(range(100))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("oreline.data.running.stage._BLOCK", 8)
        for numbers in all_numbers:
            places = sorted(place for place, number in enumerate(left) if number in numbers)
            parts = [places[low : low + size] for low in range(0, len(places), size)]
            stage.drop([frame for part in parts for frame in by_places(part)], operator="x")
            left = [number for number in left if number not in numbers]
            assert stage.scan().collect()["n"].to_list() == left
    assert [number for frame in stage.frames() for number in frame["n"]] == left
    assert stage.num_alive == len(left)


def test_all_bits_are_counted_once_however_many_frames_name_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = filled(tmp_path, rows(0, 100))
    stage.drop(by_places([3]), operator="x")
    counted, counts = [], Bits.counts
    monkeypatch.setattr(Bits, "counts", lambda *given: counted.append(1) or counts(*given))
    stage.drop((by_places([place])[0] for place in range(20)), operator="x")
    assert (stage.num_alive, len(counted)) == (79, 1)


def test_frames_of_different_columns_get_the_union(tmp_path: Path) -> None:
    stage = filled(
        tmp_path,
        pl.DataFrame({"row_id": ["a:1"], "n": [1]}),
        pl.DataFrame({"row_id": ["a:2"], "n": ["x"], "late": [2.5]}),
        pl.DataFrame({"row_id": ["a:3"], "n": [3]}),
    )
    expected = [("a:1", "1", None), ("a:2", "x", 2.5), ("a:3", "3", None)]
    assert pl.concat(stage.frames()).rows() == expected
    assert stage.scan().collect().rows() == expected


def test_more_rows_than_have_places_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("oreline.data.running.stage.MAX_ROWS", 3)
    stage = Stage(tmp_path / "rows")
    stage.append(pl.DataFrame({"text": ["a", "b"]}))
    with pytest.raises(DataError, match="more than 3 rows"):
        stage.append(pl.DataFrame({"text": ["c", "d"]}))
    stage.abandon()


def test_schemas_unite() -> None:
    first = {"a": pl.Int64(), "b": pl.Null(), "c": pl.Int64(), "d": pl.String(), "e": pl.Boolean()}
    second = {"a": pl.Int32(), "b": pl.Int64(), "c": pl.Float64(), "d": pl.Int64(), "e": pl.Null(), "f": pl.Date()}
    assert unified(first, second) == {
        "a": pl.Int64(),
        "b": pl.Int64(),
        "c": pl.Float64(),
        "d": pl.String(),
        "e": pl.Boolean(),
        "f": pl.Date(),
    }


def test_conform_gives_a_frame_the_whole_schema() -> None:
    frame = pl.DataFrame({"a": [1]})
    assert conform(frame, {"b": pl.String(), "a": pl.Float64()}).to_dicts() == [{"b": None, "a": 1.0}]
