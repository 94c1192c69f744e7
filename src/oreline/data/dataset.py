"""Datasets: immutable folders of Parquet shards, with their schema, ledger and report."""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from oreline.errors import ArtifactError, DataError, did_you_mean
from oreline.report.report import Report
from oreline.store import file_sha256, refuse_newer, write_json

DATASET = "dataset.json"
LEDGER = "ledger.parquet"
FORMAT_VERSION = 1
UNSPLIT = "all"
UNLABELLED = "unlabelled"
"""Split of the rows without a label, where they are kept; no figure is measured on it."""
"""Name of the only split of a dataset that was not split."""


class DatasetManifest(BaseModel):
    """The content of `dataset.json`."""

    model_config = ConfigDict(extra="forbid")

    format_version: int = FORMAT_VERSION
    fingerprint: str = ""
    """SHA-256 over the schema and the content of every shard."""
    columns: dict[str, str]
    """Name and type of each column."""
    roles: dict[str, str]
    """Source column of each role. In the shards, columns that have a role are named by the role."""
    splits: dict[str, int]
    """Number of rows in each split."""
    split_order: list[str] = Field(default_factory=list)
    """Names of the splits as they were made; JSON objects are stored sorted."""
    counts: dict[str, int] = Field(default_factory=dict)
    """`rows_in`, `rows_added`, `rows_dropped`, `rows_out`: they balance."""
    lineage: list[dict[str, Any]] = Field(default_factory=list)
    """Sources: `{"source": …, "rows": …, "sha256": …}`, and the recipe that made it."""
    shards: dict[str, str] = Field(default_factory=dict)
    """SHA-256 of each Parquet file, by its path in the folder."""


@dataclass(frozen=True, slots=True)
class Dataset:
    """An opened dataset folder."""

    path: Path
    manifest: DatasetManifest

    @classmethod
    def open(cls, path: str | Path) -> Dataset:
        """Open a dataset folder. Raises `ArtifactError` when it is none or cannot be read."""
        folder = Path(path)
        file = folder / DATASET
        if not file.is_file():
            raise ArtifactError(
                f"not a dataset folder: it has no {DATASET}",
                where=str(folder),
                remedy="make one with `oreline refine SOURCE --out DIR`",
            )
        manifest = _read(file)
        # A link or a file that appeared later is not what was written; neither is ever read.
        lost = [name for name in manifest.shards if not (folder / name).is_file() or (folder / name).is_symlink()]
        if lost:
            raise ArtifactError(f"the dataset has lost {lost[0]}", where=str(folder), remedy="refine it again")
        return cls(folder, manifest)

    @property
    def fingerprint(self) -> str:
        """Content hash: 64 hexadecimal digits."""
        return self.manifest.fingerprint

    @property
    def splits(self) -> tuple[str, ...]:
        """Names of the splits, in the order they were made."""
        ordered = [name for name in self.manifest.split_order if name in self.manifest.splits]
        return tuple(dict.fromkeys([*ordered, *self.manifest.splits]))

    def num_rows(self, split: str) -> int:
        """Return the number of rows of a split. Raises `DataError` for an unknown one."""
        return self.manifest.splits[self._known(split)]

    def shards(self) -> dict[str, list[Path]]:
        """Return the Parquet files of each split."""
        return {name: self._shards(name) for name in self.splits}

    def scan(self, split: str, columns: Sequence[str] | None = None) -> pl.LazyFrame:
        """Return a split as a lazy frame: `row_id`, columns by role, the file's other columns."""
        frame = pl.scan_parquet(self._shards(self._known(split)))
        return frame.select(columns) if columns is not None else frame

    def frame(self, split: str, columns: Sequence[str] | None = None) -> pl.DataFrame:
        """Return a split in memory."""
        with self._naming_damage():
            return self.scan(split, columns).collect()

    def batches(self, split: str, rows: int = 8192, columns: Sequence[str] | None = None) -> Iterator[pl.DataFrame]:
        """Yield a split in frames of at most `rows` rows, one shard in memory at a time."""
        for shard in self._shards(self._known(split)):
            with self._naming_damage():
                frame = pl.read_parquet(shard, columns=list(columns) if columns is not None else None)
            yield from frame.iter_slices(rows)

    def ledger(self) -> pl.DataFrame:
        """Return the ledger: `row_id`, `operator`, `action`, `reason`, `kept_id`."""
        return pl.read_parquet(self.path / LEDGER)

    def report(self) -> Report:
        """Return the report that refine wrote."""
        return Report.open(self.path / "report.json")

    def verify(self) -> list[str]:
        """Compare every shard with the manifest and return one sentence for each fault."""
        return [
            f"{name} was altered: its SHA-256 differs from the manifest's"
            for name, sha256 in sorted(self.manifest.shards.items())
            if file_sha256(self.path / name) != sha256
        ]

    def __str__(self) -> str:
        counts = ", ".join(f"{name} {self.manifest.splits[name]:,}" for name in self.splits)
        return f"Dataset {self.fingerprint[:12]} at {self.path}: {counts}"

    def __repr__(self) -> str:
        return f"<{self}>"

    def _repr_html_(self) -> str:
        return self.report()._repr_html_()

    def _shards(self, split: str) -> list[Path]:
        return [self.path / name for name in sorted(self.manifest.shards) if name.startswith(f"{split}/")]

    @contextlib.contextmanager
    def _naming_damage(self) -> Iterator[None]:
        """Say which shard was altered where reading fails for that."""
        try:
            yield
        except (pl.exceptions.PolarsError, OSError) as error:
            faults = self.verify()
            if not faults:
                raise
            raise ArtifactError(faults[0], where=str(self.path), remedy="refine it again") from error

    def _known(self, split: str) -> str:
        if split not in self.manifest.splits:
            raise DataError(
                f"the dataset has no split {split!r}",
                where=str(self.path),
                allowed=did_you_mean(split, self.manifest.splits),
            )
        return split


def seal(folder: Path, manifest: DatasetManifest) -> DatasetManifest:
    """Write `dataset.json` for the shards that lie in `folder`; return it with hashes and fingerprint."""
    shards = {
        file.relative_to(folder).as_posix(): file_sha256(file)
        for split in manifest.splits
        for file in sorted((folder / split).glob("*.parquet"))
    }
    sealed = manifest.model_copy(update={"shards": shards})
    sealed.fingerprint = _content_hash(sealed)
    write_json(folder / DATASET, sealed.model_dump())
    return sealed


def _read(file: Path) -> DatasetManifest:
    """Read and check `dataset.json`."""
    where = str(file)
    try:
        raw = json.loads(file.read_text(encoding="utf-8"))
        refuse_newer(raw.get("format_version"), FORMAT_VERSION, file)
        manifest = DatasetManifest.model_validate(raw)
    except (ValueError, AttributeError) as error:
        raise ArtifactError(f"{DATASET} cannot be read", where=where, remedy="refine it again") from error
    shard = re.compile(rf"({'|'.join(map(re.escape, manifest.splits))})/[\w-]+\.parquet")
    names = [name for name in manifest.splits if not re.fullmatch(r"[\w-]+", name)]
    if names := [*names, *(name for name in manifest.shards if not shard.fullmatch(name))]:
        raise ArtifactError(f"{DATASET} names {names[0]!r}, which is outside of the folder", where=where)
    if manifest.fingerprint != _content_hash(manifest):
        raise ArtifactError(
            f"{DATASET} was altered: its fingerprint is not the hash of its content",
            where=where,
            remedy="refine it again",
        )
    return manifest


def _content_hash(manifest: DatasetManifest) -> str:
    content = {"columns": manifest.columns, "roles": manifest.roles, "shards": manifest.shards}
    return hashlib.sha256(json.dumps(content, sort_keys=True, ensure_ascii=False).encode()).hexdigest()
