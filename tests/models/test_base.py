"""An adapter finds its base by place or name, and takes no other for it."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from oreline import registry
from oreline.errors import ArtifactError
from oreline.models import base
from oreline.models.base import ADAPTER, base_folder, describe_base, hashes, is_adapted, read_record, weights_bytes


@pytest.fixture
def start(tiny_start: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_start, tmp_path / "start"))


def adapter_on(start: Path, folder: Path, **changes: str) -> Path:
    """Write the record of an adapter alone."""
    folder.mkdir()
    named = {**describe_base(start), **changes}
    (folder / ADAPTER).write_text(json.dumps({"adapter": "lora", "options": {}, "pooling": "mean", "base": named}))
    return folder


def test_a_whole_model_is_its_own_base(start: Path) -> None:
    assert not is_adapted(start)
    assert base_folder(start) == start
    assert weights_bytes(start) == (start / "model.safetensors").stat().st_size


def test_the_recorded_place_is_found_and_verified(start: Path, tmp_path: Path) -> None:
    folder = adapter_on(start, tmp_path / "adapter")
    assert is_adapted(folder)
    assert base_folder(folder) == start
    assert describe_base(start)["files"].keys() == {"model.safetensors", "config.json", "tokenizer.json"}
    assert weights_bytes(folder) == weights_bytes(start)


@pytest.mark.parametrize("name", ["model.safetensors", "config.json", "tokenizer.json"])
def test_a_changed_base_is_refused(name: str, start: Path, tmp_path: Path) -> None:
    folder = adapter_on(start, tmp_path / "adapter")
    sha256 = hashes(start)["model.safetensors"]
    with (start / name).open("ab") as stream:
        stream.write(b" ")
    with pytest.raises(ArtifactError, match="is another one by now") as caught:
        base_folder(folder)
    assert sha256 in caught.value.allowed
    assert f"{start}: another {name}" in caught.value.where
    assert str(start) in caught.value.remedy


def test_a_missing_base_is_named(start: Path, tmp_path: Path) -> None:
    folder = adapter_on(start, tmp_path / "adapter")
    start.rename(tmp_path / "elsewhere")
    with pytest.raises(ArtifactError, match="is not there") as caught:
        base_folder(folder)
    assert f"{start}: nothing there" in caught.value.where


def test_the_user_says_where_a_base_lies_now(start: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = adapter_on(start, tmp_path / "adapter")
    start.rename(tmp_path / "elsewhere")
    with pytest.raises(ArtifactError, match="is not there") as caught:
        base_folder(folder)
    assert "ORELINE_BASES=FOLDER" in caught.value.remedy
    monkeypatch.setenv("ORELINE_BASES", os.pathsep.join([str(tmp_path / "nothing"), str(tmp_path / "elsewhere")]))
    assert base_folder(folder) == tmp_path / "elsewhere"
    (tmp_path / "elsewhere" / "config.json").write_text("{}")  # another model: its content says so
    with pytest.raises(ArtifactError, match="is another one by now") as caught:
        base_folder(folder)
    assert f"{tmp_path / 'elsewhere'} (ORELINE_BASES): another config.json" in caught.value.where


def test_a_catalog_name_finds_a_base_that_moved(start: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = adapter_on(start, tmp_path / "adapter", name="catalog:minilm-l6-en", path=str(tmp_path / "gone"))
    monkeypatch.setattr(registry.get("catalog", "minilm-l6-en"), "folder", lambda _: start)
    assert base_folder(folder) == start


def test_a_hub_name_is_looked_up_in_the_cache_only(
    start: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = adapter_on(start, tmp_path / "adapter", name="maker/model", path=str(tmp_path / "gone"))
    with pytest.raises(ArtifactError, match="is not there") as caught:
        base_folder(folder)
    assert "maker/model in the hub's cache" in caught.value.where
    monkeypatch.setattr(base, "_from_hub_cache", lambda name: start if name == "maker/model" else None)
    assert base_folder(folder) == start


def test_weights_in_parts_are_hashed_together(start: Path) -> None:
    whole = hashes(start)["model.safetensors"]
    shutil.copyfile(start / "model.safetensors", start / "model-00002.safetensors")
    both = hashes(start)["model.safetensors"]
    assert both != whole
    (start / "model-00002.safetensors").write_bytes(b"other")
    assert hashes(start)["model.safetensors"] != both


@pytest.mark.parametrize("text", ["{", "[]", '{"adapter": "lora"}'])
def test_a_damaged_record_is_named(text: str, tmp_path: Path) -> None:
    (tmp_path / ADAPTER).write_text(text)
    with pytest.raises(ArtifactError, match=r"adapter\.json cannot be read"):
        read_record(tmp_path)
