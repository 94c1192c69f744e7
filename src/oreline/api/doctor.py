"""`oreline doctor`: what this machine and installation can do, and which file of a folder was altered."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import platform
import sys
from pathlib import Path
from typing import Any

from oreline import store
from oreline.api import extras, names
from oreline.api.machine import Machine, machine
from oreline.catalog.fetch import cache_folder
from oreline.errors import ArtifactError
from oreline.models.base import base_folder
from oreline.report.report import Report, Table

PROBED_WIDTH, PROBED_INNER = 384, 1536
"""The shapes of all-MiniLM-L6-v2's feed-forward layers."""
LITTLE_DISK_BYTES = 2 << 30
LITTLE_MEMORY_BYTES = 2 << 30


def examine() -> Report:
    """Look at processor, memory, disk, versions and extras, and measure matrix products."""
    found = machine(names.runs_folder())
    missing = {extra: extras.missing(extra) for extra in extras.PURPOSES}
    return Report(
        verb="doctor",
        title="This machine and installation",
        facts={
            "processor": found.processor,
            "flags": " ".join(found.flags) or "none of those that matter",
            "cores": found.num_cores,
            "memory": f"{found.free_memory_bytes / 2**30:.1f} of {found.memory_bytes / 2**30:.1f} GiB free",
            "disk": f"{found.free_disk_bytes / 2**30:.1f} GiB free at {names.runs_folder().absolute()}",
            "python": f"{platform.python_version()} at {sys.executable}",
            "system": platform.platform(),
            "cache": f"{cache_folder()} ({'writable' if _is_writable(cache_folder()) else 'NOT writable'})",
            "token": "set" if os.environ.get("ORELINE_TOKEN") else "not set: the server asks for none",
        },
        tables=[_extras(missing), _speeds(found), _versions()],
        warnings=_warnings(found, missing),
    )


def check_folder(path: str | Path) -> Report:
    """Compare every file of a model, a home or a dataset with its manifest, and name the altered ones.

    `facts["damaged"]` counts them.
    """
    place = Path(path)
    if (place / "dataset.json").is_file():
        from oreline.data.dataset import Dataset

        data = Dataset.open(place)
        return _checked(f"dataset {data.fingerprint[:12]}", place, data.verify(), len(data.manifest.shards))
    versions = sorted((place / "versions").glob("*")) if store.is_home(place) else [store.resolve(path)]
    faults: list[str] = []
    files = 0
    for folder in versions:
        prefix = f"{folder.name}: " if len(versions) > 1 else ""
        try:
            manifest = store.read_manifest(folder)
        except ArtifactError as error:
            faults.append(prefix + f"{store.MANIFEST}: {error.what}")
            continue
        files += len(manifest.files)
        faults += [prefix + fault for fault in store.verify_files(folder, manifest)]
        faults += [prefix + f"{name} is not in the manifest" for name in _strangers(folder, manifest)]
        faults += [prefix + fault for fault in _base_faults(folder)]
    return _checked("model", place, faults, files)


def _checked(what: str, place: Path, faults: list[str], files: int) -> Report:
    sound = f"every one of {files} files is as it was written"
    return Report(
        verb="doctor",
        title=f"{what}: " + (f"{len(faults)} damaged" if faults else sound),
        subject={"path": str(place)},
        facts={"files": files, "damaged": len(faults)},
        tables=[Table("Damaged", ("what",), [(fault,) for fault in faults])] if faults else [],
        warnings=["restore the folder from a copy, or make it again: oreline rerun"] if faults else [],
    )


def _base_faults(folder: Path) -> list[str]:
    """Return why an adapter's base cannot be opened; nothing for a whole model."""
    try:
        base_folder(folder)
    except ArtifactError as error:
        return [f"{error.what} ({error.where})"]
    return []


def _strangers(folder: Path, manifest: store.Manifest) -> list[str]:
    known = {*manifest.files, store.MANIFEST, store.MEASUREMENTS, store.EVENTS, "report.json", "report.html"}
    files = (file for file in folder.rglob("*") if file.is_file() or file.is_symlink())
    return sorted(name for file in files if (name := file.relative_to(folder).as_posix()) not in known)


def _extras(missing: dict[str, list[str]]) -> Table:
    rows = [
        (
            extra,
            "installed" if not packages else "missing " + ", ".join(packages),
            extras.PURPOSES[extra],
            "" if not packages else f"pip install 'oreline[{extra}]'",
        )
        for extra, packages in missing.items()
    ]
    return Table("Extras", ("extra", "state", "gives", "get it with"), rows)


def _speeds(found: Machine) -> Table:
    columns = ("product", "GFLOP/s", "threads")
    if importlib.util.find_spec("torch") is None:
        return Table("Matrix products", columns, [], note="not measured: torch is not installed")
    from oreline.train.precision import best_device, probe, using_threads

    rows: list[tuple[Any, ...]] = []
    with using_threads(found.num_cores) as threads:
        speeds = probe(PROBED_WIDTH, PROBED_INNER, threads=threads, device=best_device())
    rows = [
        (f"fp32 on {speeds.device}", round(speeds.fp32_gflops, 1), speeds.threads),
        (f"bf16 on {speeds.device}", round(speeds.bf16_gflops, 1), speeds.threads),
    ]
    note = f"measured once and cached, with all-MiniLM-L6-v2's shapes; training uses {speeds.best_precision} here"
    return Table("Matrix products", columns, rows, note=note)


def _versions() -> Table:
    requirements = importlib.metadata.requires("oreline") or []
    wanted = sorted({_distribution(requirement) for requirement in requirements} - {"oreline"})
    rows = [("oreline", importlib.metadata.version("oreline"))]
    for name in wanted:
        try:
            rows.append((name, importlib.metadata.version(name)))
        except importlib.metadata.PackageNotFoundError:
            continue  # the table of extras says what is missing
    return Table("Versions", ("package", "version"), rows)


def _distribution(requirement: str) -> str:
    name = requirement
    for sign in "[;<>=!~ ":
        name = name.split(sign, 1)[0]
    return name


def _warnings(found: Machine, missing: dict[str, list[str]]) -> list[str]:
    said = []
    if found.free_disk_bytes < LITTLE_DISK_BYTES:
        said.append(f"only {found.free_disk_bytes / 2**30:.1f} GiB of disk are free: set ORELINE_RUNS to another disk")
    if 0 < found.free_memory_bytes < LITTLE_MEMORY_BYTES:
        said.append(f"only {found.free_memory_bytes / 2**30:.1f} GiB of memory are free: use --method head or linear")
    if importlib.util.find_spec("pip") is None:
        said.append(f"the catalog needs pip, which this Python lacks: {sys.executable} -m ensurepip")
    if all(missing.values()):
        said.append("no extra is installed: pip install 'oreline[all]' gives every verb")
    return said


def _is_writable(folder: Path) -> bool:
    absolute = folder.absolute()
    return os.access(next(place for place in (absolute, *absolute.parents) if place.exists()), os.W_OK)
