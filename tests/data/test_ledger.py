"""The ledger: what is written, what is counted, and that it balances or says so."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pyarrow.parquet
import pytest

from oreline.data import ledger as module
from oreline.data.ledger import Ledger, Notes, source_of
from oreline.errors import OrelineError


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "ledger.parquet")


def test_entries_are_written_as_strings(ledger: Ledger, tmp_path: Path) -> None:
    ledger.write("dedup", "dropped", pl.DataFrame({"row_id": ["a:2"], "reason": ["duplicate"], "kept_id": ["a:1"]}))
    ledger.write("clean", "changed", pl.DataFrame({"row_id": ["a:1"], "reason": ["white_space"]}))
    ledger.write("clean", "changed", pl.DataFrame({"row_id": [], "reason": []}))
    near = {"row_id": ["a:3"], "reason": ["near_duplicate"], "kept_id": ["a:1"], "similarity": [0.9]}
    ledger.write("near", "dropped", pl.DataFrame(near))
    ledger.close()
    lines = pl.read_parquet(tmp_path / "ledger.parquet")
    assert lines.rows() == [
        ("a:2", "dedup", "dropped", "duplicate", "a:1", None),
        ("a:1", "clean", "changed", "white_space", None, None),
        ("a:3", "near", "dropped", "near_duplicate", "a:1", 0.9),
    ]
    assert lines.dtypes == [*[pl.String] * 5, pl.Float64]


def test_a_ledger_without_entries_opens(ledger: Ledger, tmp_path: Path) -> None:
    ledger.close()
    assert pl.read_parquet(tmp_path / "ledger.parquet").shape == (0, 6)


def test_counts_by_reason_and_source(ledger: Ledger) -> None:
    ledger.read(pl.Series(["a:1", "a:2", "b:c:1"]))
    ledger.write("x", "dropped", pl.DataFrame({"row_id": ["a:1", "b:c:1"], "reason": ["r", "r"]}))
    ledger.write("x", "changed", pl.DataFrame({"row_id": ["a:2"], "reason": ["s"]}))
    ledger.close()
    assert ledger.reasons == {("x", "dropped", "r"): 2, ("x", "changed", "s"): 1}
    assert ledger.rows_in == {"a": 2, "b:c": 1}
    assert ledger.dropped_of == {"a": 1, "b:c": 1}
    assert (ledger.total("dropped"), ledger.total("changed"), ledger.total("added")) == (2, 1, 0)


def test_the_balance_holds_or_raises(ledger: Ledger) -> None:
    ledger.read(pl.Series(["a:1", "a:2", "a:3"]))
    ledger.write("x", "dropped", pl.DataFrame({"row_id": ["a:1"], "reason": ["r"]}))
    ledger.write("y", "added", pl.DataFrame({"row_id": ["a:4", "a:5"], "reason": ["r", "r"]}))
    ledger.close()
    assert ledger.balance(4) == {"rows_in": 3, "rows_added": 2, "rows_dropped": 1, "rows_out": 4}
    with pytest.raises(OrelineError, match="1 rows vanished unrecorded") as caught:
        ledger.balance(3)
    assert caught.value.exit_code == 1
    with pytest.raises(OrelineError, match="1 rows appeared unrecorded"):
        ledger.balance(5)


def test_the_source_of_a_row() -> None:
    frame = pl.DataFrame({"row_id": ["reviews.csv:7", "a:b/c.csv:12", "a+b.csv:3+swap.1", "a.csv:3+swap2.11"]})
    found = frame.select(source_of()).to_series().to_list()
    assert found == ["reviews.csv", "a:b/c.csv", "a+b.csv", "a.csv"]


def test_notes_of_a_frame_are_what_the_ledger_says(tmp_path: Path, ledger: Ledger) -> None:
    notes, more = Notes(), Notes()
    notes.read(pl.Series(["a:1", "a:2"]))
    notes.write("x", "dropped", pl.DataFrame({"row_id": ["a:1"], "reason": ["r"]}))
    more.write("y", "flagged", pl.DataFrame({"row_id": ["a:2"], "reason": ["s"]}))
    more.write("y", "added", pl.DataFrame({"row_id": ["a:2+y.1"], "reason": ["s"], "kept_id": ["a:2"]}))
    notes.add(more)
    assert Notes(notes.lines()).lines().equals(notes.lines())
    ledger.take(notes)
    ledger.take(Notes())
    assert ledger.balance(2) == {"rows_in": 2, "rows_added": 1, "rows_dropped": 1, "rows_out": 2}
    assert (ledger.dropped_of, ledger.added_of, ledger.total("flagged")) == ({"a": 1}, {"a": 1}, 1)
    ledger.close()
    assert pl.read_parquet(tmp_path / "ledger.parquet").equals(notes.lines())


def test_what_was_found_beside_is_kept(ledger: Ledger) -> None:
    ledger.note("near", {"counts": {"clusters": 2}, "alarms": ["a large cluster"]})
    ledger.note("near", {"counts": {"clusters": 1}, "alarms": []})
    ledger.close()
    assert ledger.found == {"near": {"clusters": 3}}
    assert ledger.alarms == ["a large cluster"]


def test_few_lines_are_written_together(ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a file says of each group is held until its end, and each frame of rows made a group of a few lines."""
    monkeypatch.setattr(module, "_GROUP_LINES", 100)
    wanted = []
    for number in range(50):
        ids = [f"a:{number}.{row}" for row in range(150 if number == 20 else 7)]
        ledger.write("x", "dropped", pl.DataFrame({"row_id": ids, "reason": ["r"] * len(ids)}))
        wanted += ids
    ledger.close()
    file = tmp_path / "ledger.parquet"
    assert pl.read_parquet(file)["row_id"].to_list() == wanted
    assert pyarrow.parquet.read_metadata(file).num_row_groups == 4


def test_reasons_that_are_free_texts_are_counted_together(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_REASONS", 3)
    for first in range(0, 20, 4):
        ids = [f"a:{first + n}" for n in range(4)]
        reasons = [f"because {first + n}" for n in range(3)] + ["r"]
        ledger.write("x", "dropped", pl.DataFrame({"row_id": ids, "reason": reasons}))
    ledger.write("y", "changed", pl.DataFrame({"row_id": ["a:1"], "reason": ["s"]}))
    ledger.read(pl.Series([f"a:{n}" for n in range(20)]))
    assert list(ledger.reasons.items()) == [
        *((("x", "dropped", f"because {n}"), 1) for n in range(3)),
        (("x", "dropped", "(other reasons)"), 17),
        (("y", "changed", "(other reasons)"), 1),
    ]
    assert ledger.balance(0)["rows_dropped"] == 20
    ledger.close()


def test_the_file_is_closed_where_what_is_pending_cannot_be_written(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger.write("x", "dropped", pl.DataFrame({"row_id": ["a:1"], "reason": ["r"]}))
    opened = ledger._file._stream

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module.ParquetFile, "write", full)
    with pytest.raises(OSError, match="No space"):
        ledger.close()
    assert opened.closed


def test_documents_are_not_counted_one_by_one(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_SOURCES", 2)
    ledger.read(pl.Series(["a.txt:1", "b.txt:1", "c.txt:1", "d.txt:1"]))
    ledger.read(pl.Series(["b.txt:2", "e.txt:1"]))
    ledger.write("x", "dropped", pl.DataFrame({"row_id": ["d.txt:1", "e.txt:1", "b.txt:2"], "reason": ["r"] * 3}))
    ledger.close()
    assert ledger.rows_in == {"a.txt": 1, "b.txt": 2, "(other sources)": 3}
    assert ledger.dropped_of == {"b.txt": 1, "(other sources)": 2}
    assert ledger.balance(3)["rows_out"] == 3
