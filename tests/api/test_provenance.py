"""Where rows come from."""

from __future__ import annotations

from pathlib import Path

import pytest

import oreline as ore
from oreline import store
from oreline.api import provenance
from oreline.errors import DataError, UsageError


def test_training_data_is_found_again_and_only_if_unchanged(linear_model, dataset, tmp_path: Path) -> None:
    assert provenance.training_data(linear_model).fingerprint == dataset.fingerprint
    manifest = linear_model.manifest.model_copy(update={"data": {"path": str(tmp_path / "gone"), "fingerprint": "x"}})
    with pytest.raises(UsageError, match="not there any more") as caught:
        provenance.training_data(store.Artifact(linear_model.path, manifest))
    assert "--data" in caught.value.remedy


def test_a_task_that_was_forgotten_is_hinted_at(tmp_path: Path) -> None:
    rows = {"text": [f"q {n}" for n in range(40)], "text_pair": [f"c {n}" for n in range(40)], "answers": ["c"] * 40}
    refined = ore.refine(rows, out=tmp_path / "data")
    with (
        pytest.raises(DataError, match="no column has the role 'label'") as caught,
        provenance.naming_source("a.jsonl", refined, "text_classification"),
    ):
        pass
    assert caught.value.remedy == "--label COLUMN or --task question_answering"
