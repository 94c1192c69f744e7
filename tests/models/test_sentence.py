"""The layout of sentence-transformers: written, read again, and opened by the library itself."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from oreline.models.sentence import read_pooling, write_modules


@pytest.mark.parametrize("pooling", ["mean", "first", "max"])
def test_what_is_written_is_read_again(pooling: str, tmp_path: Path):
    write_modules(tmp_path, pooling, 32, 128)
    assert read_pooling(tmp_path) == pooling
    listed = json.loads((tmp_path / "modules.json").read_text())
    assert [module["path"] for module in listed] == ["", "1_Pooling", "2_Normalize"]
    assert json.loads((tmp_path / "sentence_bert_config.json").read_text())["max_seq_length"] == 128


@pytest.mark.parametrize(
    ("settings", "pooling"),
    [
        ('{"pooling_mode": "cls"}', "first"),
        ('{"pooling_mode": "mean", "embedding_dimension": 32}', "mean"),
        ('{"pooling_mode_max_tokens": true}', "max"),
        ('{"pooling_mode_weightedmean_tokens": true}', None),
        ("{", None),
    ],
)
def test_newer_and_other_settings(settings: str, pooling: str | None, tmp_path: Path):
    (tmp_path / "1_Pooling").mkdir()
    (tmp_path / "1_Pooling" / "config.json").write_text(settings)
    assert read_pooling(tmp_path) == pooling


def test_a_folder_that_does_not_say(tmp_path: Path):
    assert read_pooling(tmp_path) is None


def test_a_text_is_read_as_the_folder_says(tmp_path: Path):
    import torch

    from oreline.models.pooling import pooled

    hidden_BTD, mask_BT = torch.tensor([[[1.0], [4.0], [9.0]]]), torch.tensor([[1, 1, 0]])
    found = {name: float(pooled(hidden_BTD, mask_BT, name)) for name in ("first", "mean", "max")}
    assert found == {"first": 1.0, "mean": 2.5, "max": 4.0}
