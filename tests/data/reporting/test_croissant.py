"""Croissant JSON-LD. `mlcroissant` 1.1.1 validated such a file and read its records by hand; it is no dependency."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from oreline.data.operators.drop_empty import Operator
from oreline.data.refine import refine


def test_files_fields_and_hashes(tmp_path: Path):
    texts = [f"this is the text that you have not read, {n}" for n in range(20)]
    rows = {"text": texts, "label": ["a", "b"] * 10, "score": [0.5] * 20, "count": [1] * 20}
    data = refine(rows, operators=[("drop_empty", Operator())], split={"train": 0.5, "test": 0.5}, out=tmp_path / "out")
    document = json.loads((data.path / "croissant.json").read_text(encoding="utf-8"))
    assert document["conformsTo"] == "http://mlcommons.org/croissant/1.0"
    files = [entry for entry in document["distribution"] if entry["@type"] == "cr:FileObject"]
    assert [entry["contentUrl"] for entry in files] == ["test/00000.parquet", "train/00000.parquet"]
    for entry in files:
        content = (data.path / entry["contentUrl"]).read_bytes()
        assert entry["sha256"] == hashlib.sha256(content).hexdigest()
        assert entry["contentSize"] == f"{len(content)} B"
    sets = {entry["@id"]: entry["includes"] for entry in document["distribution"] if entry["@type"] == "cr:FileSet"}
    assert sets == {"train-files": "train/*.parquet", "test-files": "test/*.parquet"}
    train = document["recordSet"][0]
    fields = {entry["@id"]: (entry["dataType"], entry["source"]["fileSet"]["@id"]) for entry in train["field"]}
    assert fields["train/score"] == ("sc:Float", "train-files")
    assert fields["train/count"][0] == "sc:Integer"
    assert fields["train/text"][0] == "sc:Text"
    assert document["@context"]["recordSet"] == "cr:recordSet"
    assert document["inLanguage"] == ["en"]
