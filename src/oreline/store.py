"""Artifacts: immutable model folders, written atomically, verified when opened; versions and their aliases.

How a folder or file is written whole stands in `oreline.outputs`, whose names are offered here too. The manifest
`oreline.json` lists the size and SHA-256 of every file and carries the artifact's id, a hash of the manifest's own
content. `measurements.json` (timings, sizes) lies outside of it: measuring changes no identity.
"""

from __future__ import annotations

import contextlib
import hashlib
import html
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from typing_extensions import TypedDict  # pydantic needs this one below Python 3.12

from oreline import atomic
from oreline.errors import ArtifactError, UsageError, did_you_mean
from oreline.outputs import refuse_existing, translating, write_json, write_text, writing

__all__ = [
    "EVENTS", "FORMAT_VERSION", "MANIFEST", "MEASUREMENTS", "SAMPLES", "TASK_ARRAYS", "TRAIN_ROWS", "Artifact",
    "FileEntry", "Manifest", "add_version", "aliases", "file_sha256", "is_home", "read_manifest", "refuse_existing",
    "refuse_newer", "resolve", "seal", "set_aliases", "translating", "verify_files", "write_json", "write_text",
    "writing",
]  # fmt: skip

FORMAT_VERSION = 1
MANIFEST = "oreline.json"
MEASUREMENTS = "measurements.json"
SAMPLES = "samples.parquet"
TRAIN_ROWS = "train_rows.bin"
TASK_ARRAYS = "task.safetensors"
EVENTS = "events.jsonl"
_UNHASHED = {MANIFEST, MEASUREMENTS, EVENTS, "report.json", "report.html"}
"""Files that hold timings: they describe a run, not the model."""
_FORBIDDEN_SUFFIXES = {".bin", ".pkl", ".pickle", ".pt", ".pth", ".joblib", ".ckpt", ".py"}
"""Pickles and code have no place in a model folder (`train_rows.bin` is a plain array of hashes)."""
_REMAKE = "restore the folder from a copy, or make it again: oreline rerun"


class FileEntry(TypedDict):
    """What the manifest knows of one file."""

    size_bytes: int
    sha256: str


class Manifest(BaseModel):
    """The content of `oreline.json`."""

    model_config = ConfigDict(extra="forbid")

    format_version: int = FORMAT_VERSION
    id: str = ""
    """SHA-256 of everything else in this manifest; the first 12 digits name the version."""
    runtime: str
    """Name of the runtime plug that predicts with it: `torch`, `onnx`, `linear`."""
    task: str
    """Name of the task plug, or `none` for a pretrained encoder."""
    task_options: dict[str, Any] = Field(default_factory=dict)
    columns: dict[str, list[str]] = Field(default_factory=dict)
    """The data's own column names for each role, as trained."""
    max_tokens: int = 512
    recipe: dict[str, Any] = Field(default_factory=dict)
    """`{"verb": …, "options": {…}, "resolved": {…}}`: all that is needed to run the step again."""
    lineage: list[dict[str, Any]] = Field(default_factory=list)
    """Ancestors, nearest first: `{"verb", "id"}` of the artifact each step started from."""
    data: dict[str, Any] = Field(default_factory=dict)
    """Training data: `{"fingerprint", "rows", "path"}`."""
    metrics: dict[str, Any] = Field(default_factory=dict)
    """Estimates on the dev split at the time of writing."""
    golden: list[dict[str, Any]] = Field(default_factory=list)
    """A few rows with the answers this model gave: `{"inputs": {role: value}, "scores": […]}`, each row alone; where
    a runtime has a second graph, its answers as `fallback_scores`."""
    extra: dict[str, Any] = Field(default_factory=dict)
    """What a runtime needs besides (an ONNX file's processor flags, its fallback)."""
    files: dict[str, FileEntry] = Field(default_factory=dict)
    """`{"name": {"size_bytes": …, "sha256": …}}`."""
    oreline: str = ""


@dataclass(frozen=True, slots=True)
class Artifact:
    """An opened, verified model folder."""

    path: Path
    manifest: Manifest

    @classmethod
    def open(cls, path: str | Path, *, verify: bool = True) -> Artifact:
        """Open a model folder, or a model home (its champion), or `HOME@alias`.

        Raises `ArtifactError` when it is not a model folder, is of a newer format, or a byte has changed.
        """
        folder = resolve(path)
        manifest = read_manifest(folder)
        if verify and (faults := verify_files(folder, manifest)):
            raise ArtifactError(
                f"the model folder is damaged: {faults[0]}",
                where=str(folder),
                remedy=f"{_REMAKE}; `oreline doctor {folder}` lists every damaged file",
            )
        return cls(folder, manifest)

    @property
    def id(self) -> str:
        """Content hash: 64 hexadecimal digits."""
        return self.manifest.id

    @property
    def version(self) -> str:
        """The first 12 digits of the id."""
        return self.manifest.id[:12]

    def file(self, name: str) -> Path:
        """Return the path of a file that the manifest lists. Raises `ArtifactError` when it lists none."""
        if name not in self.manifest.files and name not in _UNHASHED:
            raise ArtifactError(
                f"the model folder has no file {name!r}",
                where=str(self.path),
                allowed=", ".join(sorted(self.manifest.files)),
            )
        return self.path / name

    def has(self, name: str) -> bool:
        """Whether the manifest lists a file of this name."""
        return name in self.manifest.files

    def size_bytes(self) -> int:
        """Total size of the files that the manifest lists."""
        return sum(entry["size_bytes"] for entry in self.manifest.files.values())

    def measurements(self) -> dict[str, Any]:
        """Return what was measured of this artifact (timings, sizes); empty when nothing was."""
        file = self.path / MEASUREMENTS
        return json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}

    def __str__(self) -> str:
        figures = ", ".join(f"{name} {_rounded(value)}" for name, value in self.manifest.metrics.items())
        size = f"{self.size_bytes() / 1e6:.1f} MB"
        line = f"{self.manifest.runtime} model {self.version} ({size}) at {self.path}"
        split = self.manifest.recipe.get("options", {}).get("split") or "dev"
        return f"{line}\n  {split}: {figures}" if figures else line

    def __repr__(self) -> str:
        return f"<{str(self).splitlines()[0]}>"

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(str(self))}</pre>"


def read_manifest(folder: Path) -> Manifest:
    """Read and validate `oreline.json`. Raises `ArtifactError`."""
    file = folder / MANIFEST
    if not file.is_file():
        is_dataset = (folder / "dataset.json").is_file()
        raise ArtifactError(
            f"not a model folder: it {'is a dataset' if is_dataset else f'has no {MANIFEST}'}",
            where=str(folder),
            remedy="give a folder written by `oreline finetune`, `pretrain`, `compress` or `update`",
        )
    try:
        raw = json.loads(file.read_text(encoding="utf-8"))
        refuse_newer(raw.get("format_version"), FORMAT_VERSION, file)
        manifest = Manifest.model_validate(raw)
    except (ValueError, AttributeError, ValidationError) as error:
        raise ArtifactError(
            f"{MANIFEST} cannot be read: {_first_line(error)}", where=str(file), remedy=_REMAKE
        ) from error
    for name in manifest.files:
        _check_member(name, folder)
    if manifest.id != _content_id(manifest):
        raise ArtifactError(
            f"{MANIFEST} was altered: its id is not the hash of its content", where=str(file), remedy=_REMAKE
        )
    return manifest


def refuse_newer(version: Any, newest: int, file: Path) -> None:
    """Raise `ArtifactError` for a file of a format newer than the newest that is known here."""
    if isinstance(version, int) and version > newest:
        said, known = f"written by a newer Oreline: format {version}", f"up to format {newest}"
        raise ArtifactError(said, where=str(file), allowed=known, remedy="pip install --upgrade oreline")


def verify_files(folder: Path, manifest: Manifest) -> list[str]:
    """Compare every file with the manifest and return one sentence for each fault."""
    faults = []
    for name, entry in sorted(manifest.files.items()):
        file = folder / name
        if not file.is_file() or file.is_symlink():
            faults.append(f"{name} is missing")
        elif file.stat().st_size != entry["size_bytes"]:
            faults.append(f"{name} has {file.stat().st_size} bytes, not {entry['size_bytes']}")
        elif file_sha256(file) != entry["sha256"]:
            faults.append(f"{name} was altered: its SHA-256 differs from the manifest's")
    return faults


def seal(
    folder: Path, manifest: Manifest, measurements: dict[str, Any] | None = None, seen: Mapping[str, Any] | None = None
) -> Manifest:
    """Write a manifest (and `measurements.json`) for the files of a folder, the `seen` not hashed anew; return it."""
    files, known = dict[str, FileEntry](), dict[str, FileEntry](seen or {})
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        name = file.relative_to(folder).as_posix()
        if name not in _UNHASHED:
            _check_member(name, folder)
            files[name] = known.get(name) or {"size_bytes": file.stat().st_size, "sha256": file_sha256(file)}
    # Through JSON, so that what is hashed is what a reader will parse.
    sealed = Manifest.model_validate_json(manifest.model_copy(update={"files": files}).model_dump_json())
    sealed.id = _content_id(sealed)
    write_json(folder / MANIFEST, sealed.model_dump())
    if measurements:
        write_json(folder / MEASUREMENTS, measurements)
    return sealed


# --- versions and aliases -----------------------------------------------------------------------------------


def is_home(path: str | Path) -> bool:
    """Whether a folder is a model home: `versions/` and `aliases.json`."""
    return (Path(path) / "aliases.json").is_file()


def aliases(home: str | Path) -> dict[str, str]:
    """Return the aliases of a model home: `{"champion": "0123456789ab", …}`."""
    file = Path(home) / "aliases.json"
    if not file.is_file():
        return {}
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ArtifactError("aliases.json cannot be read", where=str(file)) from error
    if not isinstance(found, dict):
        raise ArtifactError("aliases.json is not a mapping of names to versions", where=str(file))
    return {str(name): str(version) for name, version in found.items()}


def resolve(path: str | Path) -> Path:
    """Return the folder of one artifact, from its own path, its home (the champion) or `HOME@alias`.

    Raises `ArtifactError` when there is nothing there, `UsageError` for an unknown alias.
    """
    home, separator, alias = str(path).rpartition("@")
    if not separator or Path(path).exists():
        home, alias = str(path), "champion"
    folder = Path(home)
    if not folder.is_dir():
        raise ArtifactError(f"there is no model folder {home!r}", remedy="check the path")
    if not is_home(folder):
        if separator and not Path(path).exists():
            raise UsageError(f"{home} is one model, not a home with versions", remedy=f"use {home}")
        return folder
    known = aliases(folder)
    if alias not in known:
        raise UsageError(f"{home} has no alias {alias!r}", allowed=did_you_mean(alias, known))
    version = known[alias]
    if not version.isalnum():
        raise ArtifactError(f"aliases.json names the version {version!r}", where=str(folder))
    return folder / "versions" / version


def add_version(home: str | Path, artifact: Artifact) -> Artifact:
    """Copy an artifact into `HOME/versions/<version>` and return the copy; the same content is stored once."""
    destination = Path(home) / "versions" / artifact.version
    # Another process may have stored the same content in the meantime: then there is nothing left to do.
    with contextlib.suppress(UsageError), writing(destination) as folder:
        atomic.copy_files(artifact.path, folder)
    return Artifact.open(destination)


def set_aliases(home: str | Path, changes: dict[str, str]) -> dict[str, str]:
    """Point aliases at versions, all in one atomic replacement; returns the new aliases.

    Raises `UsageError` for a version that is not there.
    """
    for alias, version in changes.items():
        if not (Path(home) / "versions" / version / MANIFEST).is_file():
            raise UsageError(f"{home} has no version {version!r} to name {alias!r}")
    updated = {**aliases(home), **changes}
    write_json(Path(home) / "aliases.json", updated)
    return updated


def file_sha256(file: Path) -> str:
    """Return the SHA-256 of a file as 64 hexadecimal digits."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _content_id(manifest: Manifest) -> str:
    content = manifest.model_dump(exclude={"id"})
    return hashlib.sha256(json.dumps(content, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def _check_member(name: str, folder: Path) -> None:
    path = Path(name)
    if path.is_absolute() or ".." in path.parts or not name:
        raise ArtifactError(f"the manifest names {name!r}, which is outside of the folder", where=str(folder))
    if path.suffix in _FORBIDDEN_SUFFIXES and name != TRAIN_ROWS:
        raise ArtifactError(
            f"{name} is a pickle or code, which is never opened",
            where=str(folder),
            allowed="safetensors, ONNX, JSON, Parquet",
            remedy="save the weights as safetensors",
        )


def _rounded(value: Any) -> str:
    value = value.get("value") if isinstance(value, dict) else value
    return f"{value:.4f}" if isinstance(value, float) else str(value)


def _first_line(error: Exception) -> str:
    return str(error).split("\n", 1)[0]
