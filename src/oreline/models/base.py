"""Find the model that an adapter was trained on: where it lay, where the user says, by name, and always by content.

An adapter's folder holds `adapter.json` and `adapter.safetensors`, and names its base by the SHA-256 of the base's
weights, configuration and tokenizer. Wherever a base is found, it is used only if all of them are the same. Nothing
here needs torch.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from oreline import registry, store
from oreline.errors import ArtifactError, OrelineError, UsageError

ADAPTER = "adapter.json"
"""What the adapter is and which base it belongs to."""
FIRST, OTHERS = "member", "members.safetensors"
"""Of an ensemble: the folder of its first model, and the weights in which the others differ from it."""
BASES = "ORELINE_BASES"
"""Environment variable: folders in which bases that have moved lie now, with `:` between them."""
_CATALOG = "catalog:"
_WEIGHTS = "model.safetensors"
_SMALL = ("config.json", "tokenizer.json")


def is_adapted(folder: str | Path) -> bool:
    """Whether a folder holds an adapter instead of a whole model."""
    return (Path(folder) / ADAPTER).is_file()


def is_ensemble(folder: str | Path) -> bool:
    """Whether a folder holds several models whose probabilities are averaged."""
    return (Path(folder) / OTHERS).is_file()


TRAIN_ENSEMBLE = "train an ensemble on by the method k_fold with output=averaged; it predicts and serves as it is"
ONE_OF_ENSEMBLE = "train it again as one model: --method k_fold --set method_options.output=distilled"


def refuse_ensemble(folder: str | Path, remedy: str = TRAIN_ENSEMBLE) -> None:
    """Raise `UsageError` for a folder that holds several models, where one is needed; the remedy is the caller's."""
    if is_ensemble(folder):
        raise UsageError(
            "this is an ensemble: several models whose probabilities are averaged",
            where=str(folder),
            allowed="one model, such as k_fold writes with output=distilled",
            remedy=remedy,
        )


def read_record(folder: str | Path) -> dict[str, Any]:
    """Return the content of `adapter.json`. Raises `ArtifactError` when it cannot be read."""
    file = Path(folder) / ADAPTER
    try:
        record: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        base = record["base"]
        wanted = (record["adapter"], record["options"], record["pooling"], base["path"], base["files"][_WEIGHTS])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ArtifactError(
            f"{ADAPTER} cannot be read", where=str(file), remedy="restore the folder from a copy, or train it again"
        ) from error
    return record if wanted else {}


def base_places(folder: str | Path) -> list[Path]:
    """Return the local folders in which the base of an adapter may lie. Raises `ArtifactError` for no adapter."""
    return [Path(read_record(folder)["base"]["path"]), *_moved()]


def describe_base(folder: Path, origin: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Return what finds a base again: its place, its name, its artifact id, and the hashes that prove it."""
    is_artifact = (folder / store.MANIFEST).is_file()
    return {
        "path": str(folder.absolute()),
        "name": (origin or {}).get("name", ""),
        "artifact": store.read_manifest(folder).id if is_artifact else "",
        "files": hashes(folder),
    }


def hashes(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of a model's weights (of several files: of their hashes), configuration and tokenizer."""
    found = {name: _sha256(folder / name) for name in _SMALL if (folder / name).is_file()}
    parts = sorted(file for file in folder.glob("model*.safetensors"))
    if len(parts) == 1:
        return {**found, _WEIGHTS: _sha256(parts[0])}
    joined = "\n".join(f"{file.name} {_sha256(file)}" for file in parts)
    return {**found, _WEIGHTS: hashlib.sha256(joined.encode()).hexdigest()}


def base_folder(folder: str | Path) -> Path:
    """Return the folder of an adapter's base model; a folder that holds a whole model is its own.

    An ensemble's is its first member's, whose configuration and tokenizer are those of all.

    Raises `ArtifactError` when the base is nowhere, or what lies there is another model.
    """
    if is_ensemble(folder):
        return base_folder(Path(folder) / FIRST)
    if not is_adapted(folder):
        return Path(folder)
    base = read_record(folder)["base"]
    seen = []
    for place, found in _candidates(base):
        if found is None or not found.is_dir():
            seen.append(f"{place}: nothing there")
            continue
        differing = [name for name, sha256 in base["files"].items() if hashes(found).get(name) != sha256]
        if not differing:
            return found
        seen.append(f"{place}: another {differing[0]}")
    is_elsewhere = any("another" in sentence for sentence in seen)
    raise ArtifactError(
        f"the base model of this adapter is {'another one by now' if is_elsewhere else 'not there'}",
        where=f"{folder}; looked at " + "; ".join(seen),
        allowed=f"a model whose {_WEIGHTS} has the SHA-256 {base['files'][_WEIGHTS]}",
        remedy=f"put {base['name'] or 'that model'} back at {base['path']}, or say where it lies now: {BASES}=FOLDER; "
        f"then `oreline merge {folder}` writes a model that needs no base any more",
    )


def weights_bytes(folder: Path) -> int:
    """Return the size of a model's weights on disk, with those of the base that an adapter needs."""
    folders = {folder, base_folder(folder), *([folder / FIRST] if is_ensemble(folder) else [])}
    files = [file for place in folders for file in place.glob("*.safetensors")]
    return sum(file.stat().st_size for file in files if file.name != "head.safetensors")


def _candidates(base: Mapping[str, Any]) -> Iterator[tuple[str, Path | None]]:
    """Yield the places where a base may lie, the recorded one first; a name is looked up only when those fail."""
    yield base["path"], Path(base["path"])
    for given in _moved():
        yield f"{given} ({BASES})", given
    name = str(base.get("name") or "")
    if name.startswith(_CATALOG):
        try:
            yield name, registry.create("catalog", name.removeprefix(_CATALOG)).folder()
        except OrelineError as error:
            yield f"{name} ({error.what})", None
    elif "/" in name:
        yield f"{name} in the hub's cache", _from_hub_cache(name)


def _moved() -> list[Path]:
    return [Path(given) for given in os.environ.get(BASES, "").split(os.pathsep) if given]


def _from_hub_cache(name: str) -> Path | None:
    """Return a hub model's folder, when it was fetched before; nothing is fetched here."""
    try:
        from huggingface_hub import snapshot_download

        return Path(snapshot_download(name, local_files_only=True))
    except Exception:  # not installed, not cached, or no name of a hub model: its errors have no common base
        return None


def _sha256(file: Path) -> str:
    facts = file.stat()
    return _sha256_of(file.absolute(), facts.st_size, facts.st_mtime_ns)


@functools.lru_cache(maxsize=64)
def _sha256_of(file: Path, size_bytes: int, changed_ns: int) -> str:
    """Hash a file once in a process, for as long as its size and time are the same."""
    return store.file_sha256(file)
