"""Signatures that a run remembers are those that would be worked out again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pytest

from oreline import registry
from oreline.data.columnar import ParquetFile
from oreline.data.running.clock import Clock
from oreline.data.running.engine import Here, Item, Job
from oreline.data.running.signed import Prints, Signed, watched
from oreline.data.running.signing import Signing
from oreline.data.running.steps import Step

TEXTS = [
    f"row {n} of some rows, 第{n}行，whose words are many enough to be cut in two ways {'x y ' * n}" for n in range(90)
]
ROWS = pl.DataFrame({"row_id": [f"a:{n}" for n in range(90)], "text": TEXTS, "label": ["a", "b", None] * 30})


class Counting(Here):
    """Counts the rows that were worked on."""

    num_rows = 0

    def map(self, items, job: Job):
        def counted():
            for frame, notes in items:
                self.num_rows += frame.height
                yield frame, notes

        return super().map(counted(), job)


def remembered(folder: Path, plug: str, rows: pl.DataFrame, **settings: object) -> Signed:
    """Return what is remembered of rows; the file of the signatures is gone."""
    step = Step(plug, registry.create("operator", plug, **settings), "whole")
    file, prints = folder / "signatures.parquet", []
    writer = None
    for frame in watched(rows.iter_slices(40), prints.append):
        signatures = step.operator.signatures(frame)
        writer = writer or ParquetFile(file, signatures.to_arrow().schema, compression="lz4", is_passing=True)
        writer.write(signatures)
    writer.close()
    signed = Signed(max_bytes=1 << 20)
    signed.remember(step, np.concatenate(prints), file)
    file.unlink()
    return signed


def asked(plug: str, rows: pl.DataFrame, engine: Counting, signed: Signed | None = None) -> list[Item]:
    return list(Signing(engine, Clock(), "split", signed)(plug, rows.iter_slices(25)))


CHANGED = pl.when(pl.int_range(pl.len()) % 11 == 3).then(pl.lit("masked ") + pl.col("text")).otherwise("text")


@pytest.mark.parametrize("plug", ["dedup_exact", "dedup_near"])
@pytest.mark.parametrize(
    ("name", "rows", "most"),
    [
        ("the same", ROWS, 0),
        ("some, in another order", ROWS.sample(fraction=0.4, shuffle=True, seed=1), 0),
        ("a few changed since", ROWS.with_columns(text=CHANGED), 0),
        ("all changed since", ROWS.with_columns(text=pl.col("text") + "!"), 90),
        ("none at all", ROWS.clear(), 0),
    ],
)
def test_what_is_remembered_is_what_would_be_worked_out(
    tmp_path: Path, plug: str, name: str, rows: pl.DataFrame, most: int
) -> None:
    engine = Counting()
    found = asked(plug, rows, engine, remembered(tmp_path, plug, ROWS))
    wanted = asked(plug, rows, Counting())
    assert engine.num_rows == most, name
    assert len(found) == len(wanted)
    for (frame, signatures), (other, others) in zip(found, wanted):
        assert frame.equals(other)
        assert signatures.equals(others)


def test_signatures_by_other_options_are_not_taken(tmp_path: Path) -> None:
    signed = remembered(tmp_path, "dedup_near", ROWS, threshold=0.5)
    assert not signed.find("dedup_near", ROWS)[0].any()


def test_no_more_is_held_than_may_be(tmp_path: Path) -> None:
    step = Step("dedup_exact", registry.create("operator", "dedup_exact"), "whole")
    prints: list = []
    list(watched([ROWS], prints.append))
    signed = Signed(max_bytes=20 * 89)
    signed.remember(step, np.concatenate(prints), tmp_path / "is not looked at")
    assert not signed.find("dedup_exact", ROWS)[0].any()


def test_rows_that_lie_apart_are_read_a_group_at_a_time(tmp_path: Path) -> None:
    """Every tenth row of a file, as a small split has them: what is held is a group and these rows, not the file."""
    texts = [" ".join(f"w{n * 100 + word}" for word in range(100)) for n in range(1000)]
    rows = pl.DataFrame({"row_id": [f"a:{n}" for n in range(1000)], "text": texts})
    before = pa.default_memory_pool()
    pool = pa.proxy_memory_pool(before)
    pa.set_memory_pool(pool)
    try:
        signed = remembered(tmp_path, "dedup_near", rows)
        asked_rows = rows.gather_every(10).sample(fraction=1.0, shuffle=True, seed=1)
        is_known_N, found = signed.find("dedup_near", asked_rows)
    finally:
        pa.set_memory_pool(before)
    assert is_known_N.all()
    assert found is not None
    step = Step("dedup_near", registry.create("operator", "dedup_near"), "whole")
    assert found.equals(step.operator.signatures(asked_rows).select(step.operator.by_text))
    assert pool.max_memory() < step.operator.signatures(rows).estimated_size() / 4


def test_rows_of_two_files_are_found_in_both(tmp_path: Path) -> None:
    step = Step("dedup_exact", registry.create("operator", "dedup_exact"), "whole")
    signed = Signed(max_bytes=1 << 20)
    for number, part in enumerate((ROWS[:50], ROWS[50:])):
        file, prints = tmp_path / f"{number}.parquet", []
        list(watched([part], prints.append))
        step.operator.signatures(part).write_parquet(file)
        signed.remember(step, np.concatenate(prints), file)
    is_known_N, found = signed.find("dedup_exact", ROWS.reverse())
    assert is_known_N.all()
    assert found is not None
    assert found.equals(step.operator.signatures(ROWS.reverse()).select(step.operator.by_text))


@pytest.mark.parametrize("num_rows", [0, 1, 100_003])
def test_fingerprints_are_written_as_they_come(tmp_path: Path, num_rows: int) -> None:
    wanted = np.random.default_rng(0).integers(0, 1 << 63, (num_rows, 2)).astype(np.uint64)
    with Prints(tmp_path / "prints.npy") as prints:
        for low in range(0, num_rows, 1000):
            prints.append(wanted[low : low + 1000])
    found = np.load(tmp_path / "prints.npy", mmap_mode="r")
    assert found.shape == wanted.shape
    assert np.array_equal(found, wanted)


def test_half_written_fingerprints_name_no_rows(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), Prints(tmp_path / "prints.npy") as prints:
        list(watched([ROWS], prints.append))
        raise RuntimeError
    assert np.load(tmp_path / "prints.npy").shape == (0, 2)
