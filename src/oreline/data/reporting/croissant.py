"""A dataset as Croissant JSON-LD: what catalogues and loaders of machine-learning data read.

Croissant 1.0, http://mlcommons.org/croissant/1.0 (Akhtar et al. 2024). Files are named relative to `croissant.json`,
with their hashes; each split is a record set over its shards. What is known of bias stands in a property of its
vocabulary for responsible use, http://mlcommons.org/croissant/RAI/1.0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from oreline.data.dataset import DatasetManifest

FILE = "croissant.json"
_CONFORMS_TO = "http://mlcommons.org/croissant/1.0"
_RESPONSIBLE = "http://mlcommons.org/croissant/RAI/1.0"
_PARQUET = "application/x-parquet"
_TERMS = (
    "citeAs", "column", "equivalentProperty", "extract", "field", "fileProperty", "fileObject", "fileSet", "format",
    "includes", "isLiveDataset", "jsonPath", "key", "md5", "parentField", "path", "recordSet", "references", "regex",
    "repeated", "replace", "samplingRate", "separator", "source", "subField", "transform",
)  # fmt: skip
_TYPES = (
    ("Int", "sc:Integer"), ("UInt", "sc:Integer"), ("Float", "sc:Float"), ("Bool", "sc:Boolean"),
    ("Datetime", "sc:DateTime"), ("Date", "sc:Date"), ("String", "sc:Text"),
)  # fmt: skip


def croissant(
    folder: Path,
    manifest: DatasetManifest,
    *,
    name: str,
    description: str,
    languages: Sequence[str],
    biases: Sequence[str] = (),
) -> dict[str, Any]:
    """Return the document for a dataset whose shards lie in a folder."""
    return {
        "@context": _context(),
        "@type": "sc:Dataset",
        "name": name,
        "description": description,
        "conformsTo": [_CONFORMS_TO, _RESPONSIBLE] if biases else _CONFORMS_TO,
        "version": "1.0.0",
        "inLanguage": list(languages),
        "identifier": manifest.fingerprint,
        "isBasedOn": [_source(entry) for entry in manifest.lineage if "source" in entry],
        **({"rai:dataBiases": list(biases)} if biases else {}),
        "distribution": [*_files(folder, manifest), *(_file_set(split) for split in in_order(manifest))],
        "recordSet": [_record_set(split, manifest) for split in in_order(manifest)],
    }


def in_order(manifest: DatasetManifest) -> dict[str, int]:
    """Return the rows of each split, in the order in which the splits were made."""
    return {split: manifest.splits[split] for split in manifest.split_order or manifest.splits}


def _context() -> dict[str, Any]:
    return {
        "@language": "en",
        "@vocab": "https://schema.org/",
        "cr": "http://mlcommons.org/croissant/",
        "dct": "http://purl.org/dc/terms/",
        "rai": "http://mlcommons.org/croissant/RAI/",
        "sc": "https://schema.org/",
        "conformsTo": "dct:conformsTo",
        "data": {"@id": "cr:data", "@type": "@json"},
        "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
        "examples": {"@id": "cr:examples", "@type": "@json"},
        **{term: f"cr:{term}" for term in _TERMS},
    }


def _source(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return where rows came from: the file's name in its folder, never a path of this machine."""
    found = {"@type": "sc:CreativeWork", "name": str(entry["source"])}
    return {**found, "identifier": f"sha256:{entry['sha256']}"} if "sha256" in entry else found


def _files(folder: Path, manifest: DatasetManifest) -> list[dict[str, Any]]:
    return [
        {
            "@type": "cr:FileObject",
            "@id": shard,
            "name": shard,
            "contentUrl": shard,
            "contentSize": f"{(folder / shard).stat().st_size} B",
            "encodingFormat": _PARQUET,
            "sha256": sha256,
        }
        for shard, sha256 in sorted(manifest.shards.items())
    ]


def _file_set(split: str) -> dict[str, Any]:
    return {
        "@type": "cr:FileSet",
        "@id": f"{split}-files",
        "name": f"{split}-files",
        "includes": f"{split}/*.parquet",
        "encodingFormat": _PARQUET,
    }


def _record_set(split: str, manifest: DatasetManifest) -> dict[str, Any]:
    return {
        "@type": "cr:RecordSet",
        "@id": split,
        "name": split,
        "description": f"{manifest.splits[split]} rows",
        "key": {"@id": f"{split}/row_id"},
        "field": [_field(split, column, dtype) for column, dtype in manifest.columns.items()],
    }


def _field(split: str, column: str, dtype: str) -> dict[str, Any]:
    kind = next((known for prefix, known in _TYPES if dtype.startswith(prefix)), "sc:Text")
    source = {"fileSet": {"@id": f"{split}-files"}, "extract": {"column": column}}
    return {
        "@type": "cr:Field",
        "@id": f"{split}/{column}",
        "name": f"{split}/{column}",
        "dataType": kind,
        "source": source,
    }
