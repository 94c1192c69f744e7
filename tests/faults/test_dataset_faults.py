"""Faults of the disk and of hostile hands: a dataset is there and whole, or an error says what is wrong with it."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from oreline.api.run import run
from oreline.data.dataset import DATASET, Dataset
from oreline.data.refine import refine
from oreline.errors import ArtifactError, ResourceError

DRIVER = Path(__file__).with_name("crash_driver.py")


def frame(num_rows: int, width: int = 3) -> pl.DataFrame:
    """Rows that do not compress away."""
    texts = [" ".join(hashlib.sha256(f"{n} {w}".encode()).hexdigest() for w in range(width)) for n in range(num_rows)]
    return pl.DataFrame({"text": texts, "label": ["fresh" if n % 2 else "rotten" for n in range(num_rows)]})


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """A dataset with three splits."""
    shares = {"train": 0.8, "dev": 0.1, "test": 0.1}
    return refine(frame(300), operators=[], split=shares, out=tmp_path_factory.mktemp("data") / "dataset")


@pytest.fixture
def folder(written: Dataset, tmp_path: Path) -> Path:
    """A copy of it to damage."""
    return Path(shutil.copytree(written.path, tmp_path / "dataset"))


def change(folder: Path, **changes: Any) -> None:
    """Change the manifest as an attacker would, with a fingerprint that fits."""
    raw = {**json.loads((folder / DATASET).read_text()), **changes}
    content = {"columns": raw["columns"], "roles": raw["roles"], "shards": raw["shards"]}
    raw["fingerprint"] = hashlib.sha256(json.dumps(content, sort_keys=True, ensure_ascii=False).encode()).hexdigest()
    (folder / DATASET).write_text(json.dumps(raw))


def test_killed_anywhere_leaves_a_whole_dataset_or_none(tmp_path: Path) -> None:
    """SIGKILL before steps of refine on the disk and at random moments; the same command then gets through."""
    done = subprocess.run(
        [sys.executable, str(DRIVER), "dataset", str(tmp_path), "3", "2"], capture_output=True, text=True, check=True
    )
    outcome = json.loads(done.stdout)
    assert outcome["faults"] == [], done.stderr
    assert outcome["killed"] >= 4
    assert outcome["finished"] >= 1


def test_full_disk_leaves_nothing_half_written(small_disk: Path) -> None:
    with pytest.raises(ResourceError, match="the disk is full") as caught:
        refine(frame(9000, width=6), operators=[], split={}, out=small_disk / "data")
    assert "free some space" in caught.value.remedy
    assert list(small_disk.iterdir()) == []


def test_full_disk_keeps_the_dataset_that_was_to_be_replaced(small_disk: Path) -> None:
    before = refine(frame(500), operators=[], split={}, out=small_disk / "data")
    with pytest.raises(ResourceError, match="the disk is full"):
        refine(frame(9000, width=6), operators=[], split={}, out=small_disk / "data", force=True)
    assert Dataset.open(small_disk / "data").fingerprint == before.fingerprint
    assert [path.name for path in small_disk.iterdir()] == ["data"]


def test_read_only_file_system(small_disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    with pytest.raises(ResourceError, match="read-only"):
        refine(frame(10), operators=[], split={}, out=small_disk / "data")


def test_an_altered_byte_is_found_by_verify(folder: Path) -> None:
    shard = folder / "train" / "00000.parquet"
    content = bytearray(shard.read_bytes())
    content[len(content) // 2] ^= 1
    shard.write_bytes(content)
    assert Dataset.open(folder).verify() == ["train/00000.parquet was altered: its SHA-256 differs from the manifest's"]


def test_a_truncated_shard_is_named_when_it_is_read(folder: Path) -> None:
    shard = folder / "train" / "00000.parquet"
    shard.write_bytes(shard.read_bytes()[:-20])
    data = Dataset.open(folder)
    with pytest.raises(ArtifactError, match=r"train/00000\.parquet"):
        data.frame("train")
    with pytest.raises(ArtifactError, match=r"train/00000\.parquet"):
        list(data.batches("train"))


def test_a_lost_shard_is_named(folder: Path) -> None:
    (folder / "dev" / "00000.parquet").unlink()
    with pytest.raises(ArtifactError, match=r"dev/00000\.parquet"):
        Dataset.open(folder)


def test_a_symlink_is_not_followed(folder: Path, tmp_path: Path) -> None:
    shutil.move(folder / "dev" / "00000.parquet", tmp_path / "elsewhere.parquet")
    (folder / "dev" / "00000.parquet").symlink_to(tmp_path / "elsewhere.parquet")
    with pytest.raises(ArtifactError, match=r"dev/00000\.parquet"):
        Dataset.open(folder)


def test_a_file_that_the_manifest_does_not_list_is_not_read(folder: Path, written: Dataset) -> None:
    shutil.copyfile(folder / "train" / "00000.parquet", folder / "train" / "00001.parquet")
    data = Dataset.open(folder)
    assert data.frame("train").height == written.num_rows("train")
    assert sum(part.height for part in data.batches("train")) == written.num_rows("train")


@pytest.mark.parametrize("split", ["../outside", "/tmp", "..", "train/../../outside"])
def test_a_split_may_not_lie_outside(split: str, folder: Path) -> None:
    outside = folder.parent / "outside"
    outside.mkdir()
    frame(3).write_parquet(outside / "00000.parquet")
    change(folder, splits={split: 3}, shards={})
    with pytest.raises(ArtifactError, match="outside of the folder"):
        Dataset.open(folder)


@pytest.mark.parametrize("shard", ["../outside.parquet", "/etc/passwd", "train/../../outside.parquet"])
def test_a_shard_may_not_lie_outside(shard: str, folder: Path) -> None:
    frame(3).write_parquet(folder.parent / "outside.parquet")
    raw = json.loads((folder / DATASET).read_text())
    change(folder, shards={**raw["shards"], shard: "0" * 64})
    with pytest.raises(ArtifactError, match="outside of the folder"):
        Dataset.open(folder)


def test_a_manifest_that_was_altered(folder: Path) -> None:
    raw = json.loads((folder / DATASET).read_text())
    raw["columns"]["text"] = "Int64"
    (folder / DATASET).write_text(json.dumps(raw))
    with pytest.raises(ArtifactError, match="altered"):
        Dataset.open(folder)


def test_a_newer_format_says_so(folder: Path) -> None:
    change(folder, format_version=99)
    with pytest.raises(ArtifactError, match="written by a newer Oreline") as caught:
        Dataset.open(folder)
    assert "upgrade" in caught.value.remedy


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b'{"splits": 3}', b"\x80\x04K\x01.", b"PAR1"])
def test_a_manifest_that_is_none(content: bytes, folder: Path) -> None:
    (folder / DATASET).write_bytes(content)
    with pytest.raises(ArtifactError, match="cannot be read"):
        Dataset.open(folder)


def test_a_folder_or_file_that_is_no_dataset(tmp_path: Path) -> None:
    (tmp_path / "data.pkl").write_bytes(b"\x80\x04K\x01.")
    for path in (tmp_path, tmp_path / "data.pkl", tmp_path / "nothing"):
        with pytest.raises(ArtifactError, match="not a dataset folder"):
            Dataset.open(path)


def test_a_run_on_a_full_disk_leaves_no_folder(small_disk: Path) -> None:
    filler = small_disk / "filler"
    filler.write_bytes(b"x" * (shutil.disk_usage(small_disk).free - 4096))  # room for the folder and nothing in it
    with pytest.raises(ResourceError, match="the disk is full"):
        run({"out": str(small_disk / "run"), "steps": [{"refine": {"data": {"text": ["a", "b"] * 400}}}]})
    assert [path.name for path in small_disk.iterdir()] == ["filler"]
