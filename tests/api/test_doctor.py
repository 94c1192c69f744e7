from __future__ import annotations

import importlib.util
import re
import shutil
from pathlib import Path

import pytest

from oreline import store
from oreline.api import doctor, extras

FIND = importlib.util.find_spec


def test_examine_lists_machine_extras_and_speeds() -> None:
    report = doctor.examine()
    assert report.facts["cores"] >= 1
    tables = {table.title: table for table in report.tables}
    assert [row[1] for row in tables["Extras"].rows] == ["installed"] * len(tables["Extras"].rows)
    assert [row[0][:4] for row in tables["Matrix products"].rows] == ["fp32", "bf16"]
    assert all(row[1] > 0 for row in tables["Matrix products"].rows)
    assert re.search(r"training uses (fp32|bf16) here", tables["Matrix products"].note)
    assert re.fullmatch(r"[\d.]+ of [\d.]+ GiB free", report.facts["memory"])
    assert re.match(r"[\d.]+ GiB free at /", report.facts["disk"])
    assert ("oreline", "0.1.0") in list(tables["Versions"].rows)


def test_a_missing_extra_says_what_it_would_give_and_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extras, "missing", lambda extra: ["torch", "safetensors"] if extra == "train" else [])
    monkeypatch.setattr(doctor.importlib.util, "find_spec", lambda name: None if name == "torch" else FIND(name))
    tables = {table.title: table for table in doctor.examine().tables}
    rows = {row[0]: row[1:] for row in tables["Extras"].rows}
    assert rows["train"] == (
        "missing torch, safetensors", "pretrain, finetune, update", "pip install 'oreline[train]'"
    )  # fmt: skip
    assert rows["data"][0] == "installed"
    assert "torch is not installed" in tables["Matrix products"].note


def test_little_disk_and_memory_are_warned_of(monkeypatch: pytest.MonkeyPatch) -> None:
    little = doctor.Machine("x", (), 2, 8 << 30, 1 << 30, 1 << 30)
    monkeypatch.setattr(doctor, "machine", lambda folder: little)
    monkeypatch.setattr(doctor, "_speeds", lambda found: doctor.Table("Matrix products", ("product",), []))
    said = " ".join(doctor.examine().warnings)
    assert "1.0 GiB of disk" in said
    assert "1.0 GiB of memory" in said


def test_a_sound_model(linear_model) -> None:
    report = doctor.check_folder(linear_model.path)
    assert report.facts["damaged"] == 0
    assert report.facts["files"] == len(linear_model.manifest.files)


def test_altered_missing_and_strange_files_are_named(linear_model, tmp_path: Path) -> None:
    copy = shutil.copytree(linear_model.path, tmp_path / "model")
    with (copy / "linear.safetensors").open("r+b") as stream:
        stream.seek(-1, 2)
        last = stream.read(1)
        stream.seek(-1, 2)
        stream.write(bytes([last[0] ^ 1]))
    (copy / "README.md").unlink()
    (copy / "model.pkl").write_bytes(b"\x80\x04.")
    report = doctor.check_folder(copy)
    faults = " | ".join(row[0] for row in report.tables[0].rows)
    assert "linear.safetensors was altered" in faults
    assert "README.md is missing" in faults
    assert "model.pkl is not in the manifest" in faults
    assert report.facts["damaged"] == 3


def test_an_altered_manifest_is_named(linear_model, tmp_path: Path) -> None:
    copy = shutil.copytree(linear_model.path, tmp_path / "model")
    manifest = copy / store.MANIFEST
    manifest.write_text(manifest.read_text().replace('"rotten"', '"fresher"'))
    assert "oreline.json" in doctor.check_folder(copy).tables[0].rows[0][0]


def test_every_version_of_a_home_is_checked(linear_model, tmp_path: Path) -> None:
    version = store.add_version(tmp_path / "home", linear_model)
    store.set_aliases(tmp_path / "home", {"champion": version.version})
    assert doctor.check_folder(tmp_path / "home").facts["damaged"] == 0
    (version.path / "linear.json").write_text("{}")
    assert "linear.json has 2 bytes" in doctor.check_folder(tmp_path / "home").tables[0].rows[0][0]


def test_a_datasets_shards_are_checked(dataset, tmp_path: Path) -> None:
    copy = shutil.copytree(dataset.path, tmp_path / "data")
    assert doctor.check_folder(copy).facts["damaged"] == 0
    shard = next((copy / "test").glob("*.parquet"))
    shard.write_bytes(shard.read_bytes()[:-1] + b"X")
    assert f"test/{shard.name} was altered" in doctor.check_folder(copy).tables[0].rows[0][0]
