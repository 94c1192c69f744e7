"""Sources: files, folders, globs, tables of every library; ids that say where a row is from."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Iterator
from pathlib import Path

import datasets
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from oreline import registry
from oreline.api.plan import plan
from oreline.data.input.compressed import CutOffError
from oreline.data.profile import profile
from oreline.data.refine import refine
from oreline.data.sources import frames, given_splits, reader_of, sources
from oreline.errors import DataError, OrelineError, ResourceError, UsageError

ROWS = {"text": ["good", "bad"], "label": ["1", "0"]}


def read(source: object) -> pl.DataFrame:
    return pl.concat(frames(source), how="diagonal_relaxed")


def ids(source: object) -> list[str]:
    return [row_id for frame in frames(source) for row_id in frame["row_id"]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, line in (("a.csv", "text,label\ngood,1\nbad,0\n"), ("sub/b.jsonl", '{"text": "fine", "label": "1"}\n')):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(line, encoding="utf-8")
    (tmp_path / "README.md").write_text("not data", encoding="utf-8")
    (tmp_path / ".hidden.csv").write_text("text\nnot data\n", encoding="utf-8")
    return tmp_path


def test_a_path_a_list_a_glob_and_a_folder(folder: Path) -> None:
    assert ids(folder / "a.csv") == ["a.csv:1", "a.csv:2"]
    assert ids(str(folder / "*.csv")) == ["a.csv:1", "a.csv:2"]
    both = ["a.csv:1", "a.csv:2", "sub/b.jsonl:1"]
    assert ids(folder) == both
    assert ids([folder / "a.csv", str(folder / "sub" / "b.jsonl")]) == both


def test_ids_do_not_depend_on_the_size_of_frames(reviews_csv: Path) -> None:
    small = pl.concat(frames(reviews_csv, rows=7))
    assert max(frame.height for frame in frames(reviews_csv, rows=7)) == 7
    assert small.equals(pl.concat(frames(reviews_csv)))
    assert small["row_id"][399] == "reviews.csv:400"


@pytest.mark.parametrize(
    "table",
    [
        ROWS,
        [{"text": "good", "label": "1"}, {"text": "bad", "label": "0"}],
        pl.DataFrame(ROWS),
        pl.LazyFrame(ROWS),
        pd.DataFrame(ROWS, index=[7, 8]),
        pa.table(ROWS),
        datasets.Dataset.from_dict(ROWS),
    ],
    ids=["lists", "records", "polars", "lazy", "pandas", "arrow", "datasets"],
)
def test_tables_in_memory(table: object) -> None:
    assert read(table).to_dict(as_series=False) == {"row_id": ["data:1", "data:2"], **ROWS}


def test_class_labels_of_datasets_are_named() -> None:
    features = datasets.Features({"text": datasets.Value("string"), "label": datasets.ClassLabel(names=["neg", "pos"])})
    table = datasets.Dataset.from_dict({"text": ["good", "bad"], "label": [1, 0]}, features=features)
    assert read(table)["label"].to_list() == ["pos", "neg"]


def test_a_row_id_of_the_source_itself_is_kept_beside_ours() -> None:
    assert read({"row_id": ["x"], "text": ["a"]}).row(0) == ("data:1", "x", "a")


def test_catalog_names_are_read_from_the_catalog(monkeypatch: pytest.MonkeyPatch) -> None:
    class Entry:
        def frames(self, *, rows: int) -> Iterator[pl.DataFrame]:
            yield pl.DataFrame(ROWS)

    create = registry.create
    monkeypatch.setattr(
        registry,
        "create",
        lambda kind, name, **options: Entry() if kind == "catalog" else create(kind, name, **options),
    )
    assert ids("catalog:quotes") == ["quotes:1", "quotes:2"]


def test_given_splits_are_told_from_columns(folder: Path) -> None:
    file = str(folder / "a.csv")
    assert given_splits({"train": file, "test": [file]}) == {"train": file, "test": [file]}
    assert set(given_splits({"train": pl.DataFrame(ROWS), "test": ROWS}) or {}) == {"train", "test"}
    assert set(given_splits(datasets.DatasetDict({"train": datasets.Dataset.from_dict(ROWS)})) or {}) == {"train"}
    assert given_splits(ROWS) is None
    assert given_splits(file) is None
    assert given_splits([file]) is None


def test_a_dataset_is_read_by_its_splits_and_keeps_its_ids(reviews_csv: Path, tmp_path: Path) -> None:
    made = refine(reviews_csv, operators=[], split={"train": 0.5, "test": 0.5}, out=tmp_path / "made")
    for source in (made, tmp_path / "made", str(tmp_path / "made")):
        given = given_splits(source)
        assert list(given or {}) == ["train", "test"]
        assert sorted(ids(source)) == sorted(f"reviews.csv:{number}" for number in range(1, 401))
    again = refine(made, operators=[], split={}, out=tmp_path / "again")
    assert again.frame("train").equals(made.frame("train"))


def test_suffixes_name_readers() -> None:
    assert reader_of(Path("a.TSV")) == "csv"
    with pytest.raises(UsageError, match=r"no reader for 'a\.docx'") as caught:
        reader_of(Path("a.docx"))
    assert ".parquet" in caught.value.allowed


@pytest.mark.parametrize(
    ("source", "error", "says"),
    [
        (3, UsageError, "cannot read data from a int"),
        ({"text": ["a"], "label": ["x", "y"]}, DataError, "cannot be made a table"),
        ({"text": ["a \ud800"]}, DataError, "half of a surrogate"),
        ({"text": []}, DataError, "no rows"),
        ("no-such-file.csv", DataError, "there is no file"),
    ],
)
def test_what_cannot_be_read_is_refused(source: object, error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        list(frames(source))


def test_a_wrong_name_gets_the_nearest(folder: Path) -> None:
    with pytest.raises(DataError) as caught:
        sources(folder / "aa.csv")
    assert "did you mean 'a.csv'" in caught.value.allowed


def test_a_folder_without_data_and_a_file_named_twice(tmp_path: Path, folder: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="no file that can be read"):
        sources(tmp_path / "empty")
    with pytest.raises(UsageError, match="named twice"):
        sources([folder, folder / "a.csv"])


@pytest.mark.parametrize(
    ("given", "says", "helps"),
    [
        ("", "the source is an empty text", "name a file"),
        (["", "a.csv"], "the source is an empty text", "name a file"),
        ("s3://bucket/a.csv", "no reader takes an address that begins with 's3://'", "sqlite:"),
        ("ann/reviews", "there is no file 'ann/reviews'", "hf://datasets/ann/reviews"),
        ({"pth": "a.csv", "columns": {"text": "a"}}, "the source with the keys pth, columns does not say", "path"),
        ([{"pth": "a.csv", "columns": {"text": "a"}}], "the source with the keys pth, columns does not say", "path"),
    ],
)
def test_what_is_meant_as_a_source_and_is_none(given: object, says: str, helps: str) -> None:
    with pytest.raises(OrelineError, match=says) as caught:
        sources(given)
    assert helps in str(caught.value)


def test_a_header_alone_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("text,label\n", encoding="utf-8")
    with pytest.raises(DataError, match="no rows") as caught:
        list(frames(tmp_path / "a.csv"))
    assert caught.value.where.endswith("a.csv")


def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    """Root may read everything, so it becomes nobody for a moment."""
    file = tmp_path / "secret.csv"
    file.write_text("text,label\na,b\n", encoding="utf-8")
    file.chmod(0)
    source = sources(file)[0]
    reader_of(file)  # imported while all may be read
    was = os.geteuid()
    if was == 0:
        os.seteuid(65534)
    try:
        with pytest.raises(ResourceError, match="no permission"):
            list(source.frames())
    finally:
        os.seteuid(was)


def test_a_wrong_file_name_names_those_beside_it_but_hidden_ones(tmp_path: Path) -> None:
    (tmp_path / "reviews.csv").write_text("text\na\n", encoding="utf-8")
    (tmp_path / ".secret.csv").write_text("text\na\n", encoding="utf-8")
    with pytest.raises(DataError, match="there is no file") as caught:
        list(frames(str(tmp_path / "reviws.csv")))
    assert caught.value.allowed == "did you mean 'reviews.csv'? known: reviews.csv"


def test_a_file_that_breaks_off_is_reported_wherever_it_is_read(tmp_path: Path) -> None:
    file = tmp_path / "a.csv.gz"
    lines = "".join(f"a fine film {number},{number % 2}\n" for number in range(60))
    file.write_bytes(gzip.compress(f"text,label\n{lines}".encode()) + gzip.compress(b"the last,1\n")[:-4])
    seen: list[str] = []
    made = refine(file, operators=[], split={}, out=tmp_path / "out", on_event=lambda e: seen.append(e.message))
    report = made.report().to_json()
    assert made.num_rows("all") in (60, 61)
    assert "breaks off" in report["facts"]["notes"][0] == report["warnings"][0]
    assert any("warning" in message and "breaks off" in message for message in seen)
    assert "breaks off" in profile(file).notes[0]
    assert (
        "breaks off"
        in plan("refine", {"data": str(file)}, out=None, seed=0, force=False).to_json()["tables"][0]["rows"][0][-1]
    )
    with pytest.raises(CutOffError, match="breaks off") as caught:
        list(frames(file))
    assert caught.value.where.startswith(f"{file}, after row 6")


def test_fused_sources_are_reported(tmp_path: Path) -> None:
    texts = [f"一部很好看的电影 number {number}" for number in range(40)]
    first = {"rows": {"text": texts[:30], "label": ["x"] * 30}, "name": "first", "quota": 10}
    second = {
        "rows": {"body": texts[20:], "mark": ["y"] * 20},
        "name": "second",
        "columns": {"text": "body", "label": "mark"},
    }
    made = refine([first, second], operators=[], split={}, out=tmp_path / "out")
    assert made.frame("all")["source"].value_counts(sort=True).rows() == [("second", 20), ("first", 10)]
    assert set(made.ledger()["operator"]) == {"quota"}
    assert set(made.ledger()["reason"]) == {"over_quota"}
    report = made.report().to_json()
    assert "10 of 10 texts that are in first and in second have different labels" in report["warnings"]
    again = refine([first, second], operators=[], split={}, out=tmp_path / "again")
    assert again.fingerprint == made.fingerprint


def test_lists_of_mappings_may_stand_beside_other_forms() -> None:
    answers = [[{"text": "北京", "start": 0}], [], "plain", None, ["x"]]
    expected = ['[{"text": "北京", "start": 0}]', "[]", "plain", None, '["x"]']
    assert read({"text": [*"abcde"], "answers": answers})["answers"].to_list() == expected
    rows = [{"text": "a", "answers": answer} for answer in answers]
    found = read(rows)["answers"].to_list()
    assert [json.loads(cell) if cell and cell[0] == "[" else cell for cell in found] == [*answers[:4], ["x"]]
    assert read({"text": ["a"], "tags": [["O", "B"]]})["tags"].to_list() == [["O", "B"]]


@pytest.mark.parametrize("as_rows", [True, False])
def test_a_row_above_16_mb_is_refused_in_memory_too(*, as_rows: bool) -> None:
    frame = pl.DataFrame({"text": ["a", "b", "好" * (6 << 20)], "label": ["x", "y", "x"]})
    with pytest.raises(DataError, match="longer than 16 MB") as caught:
        list(frames(frame.to_dicts() if as_rows else frame))
    assert caught.value.where == "data, row 3"
