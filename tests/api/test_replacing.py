"""What lies in the place of an output is replaced only where Oreline wrote it, and never where it is to be read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import oreline as ore
from oreline.api.replacing import is_written, refuse_loss
from oreline.errors import UsageError

ROWS = {"text": ["a fine film", "a dull plot", "a warm story"], "label": ["good", "bad", "good"]}


def test_a_file_is_never_replaced_by_a_folder(tmp_path: Path) -> None:
    raw = tmp_path / "raw.csv"
    raw.write_text("text,label\na fine film,good\na dull plot,bad\n", encoding="utf-8")
    for force in (False, True):
        with pytest.raises(UsageError, match=r"raw\.csv is a file") as caught:
            ore.refine(raw, out=raw, force=force)
        assert "--force" not in str(caught.value.remedy)
    assert raw.read_text(encoding="utf-8").startswith("text,label")


def test_foreign_files_stay(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(UsageError, match="did not write: notes"):
        ore.refine(ROWS, out=tmp_path, force=True)
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_what_was_written_before_is_replaced(tmp_path: Path) -> None:
    out = tmp_path / "data"
    ore.refine(ROWS, out=out, split={})
    assert is_written(out)
    again = ore.refine({"text": ["another text"]}, out=out, split={}, force=True)
    assert again.frame("all")["text"].to_list() == ["another text"]


def test_an_input_is_not_replaced(tmp_path: Path) -> None:
    data = ore.refine(ROWS, out=tmp_path / "runs" / "data", split={})
    for read in (data, str(data.path), f"{data.path}#all", {"train": [str(data.path)]}):
        with pytest.raises(UsageError, match="what is to be read"):
            refuse_loss(data.path, [read], force=True)
    (tmp_path / "runs" / "report.json").write_text("{}")
    with pytest.raises(UsageError, match="what is to be read"):
        ore.finetune(None, data, method="linear", out=tmp_path / "runs", force=True)
    refuse_loss(tmp_path / "runs", ["a text that is no name " * 50, "other\0", None, 7], force=True)
    refuse_loss(tmp_path / "new", [str(data.path)], force=True)


@pytest.mark.parametrize("place", ["", "unmerged", "member"])
def test_the_base_of_an_adapter_is_not_replaced(place: str, tmp_path: Path) -> None:
    """With `--force` and the base's folder for `--out`, a model would be written that is none without its base."""
    base, model = tmp_path / "base", tmp_path / "model"
    for folder in (base, model):
        folder.mkdir()
        (folder / "oreline.json").write_text("{}")
    (model / place).mkdir(exist_ok=True)
    record = {"adapter": "lora", "options": {}, "pooling": None}
    record |= {"base": {"path": str(base), "files": {"model.safetensors": ""}}}
    (model / place / "adapter.json").write_text(json.dumps(record))
    with pytest.raises(UsageError, match=f"it holds what is to be read: {base}"):
        refuse_loss(base, [str(model)], force=True)
    (model / place / "adapter.json").write_text("{}")
    refuse_loss(base, [str(model)], force=True)


def test_rows_that_were_restored_are_ours_and_other_lines_are_not(tmp_path: Path) -> None:
    (tmp_path / "train.jsonl").write_text('{"row_id":"a:1","text":"x"}\n')
    (tmp_path / "dev.jsonl").write_text("")
    assert is_written(tmp_path)
    (tmp_path / "more.jsonl").write_text('{"text": "x"}\n')
    assert not is_written(tmp_path)


def test_the_base_is_found_through_homes_and_where_it_lies_now(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    base, home = tmp_path / "base", tmp_path / "home"
    model = home / "versions" / "abc"
    for folder in (base, model):
        folder.mkdir(parents=True)
        (folder / "oreline.json").write_text("{}")
    (home / "aliases.json").write_text('{"champion": "abc"}')
    record = {"adapter": "lora", "options": {}, "pooling": None}
    for path in (base, tmp_path / "gone"):
        described = {"path": str(path), "files": {"model.safetensors": ""}}
        (model / "adapter.json").write_text(json.dumps({**record, "base": described}))
        for read in (str(home), f"{home}@champion", home):
            with pytest.raises(UsageError, match=f"it holds what is to be read: {base}"):
                refuse_loss(base, [read], force=True)
        monkeypatch.setenv("ORELINE_BASES", str(base))
    (model / "adapter.json").write_text(json.dumps({**record, "base": {"files": {"model.safetensors": ""}}}))
    refuse_loss(base, [str(home)], force=True)
