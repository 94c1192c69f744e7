"""Where rows come from."""

from __future__ import annotations

from pathlib import Path

import pytest

from oreline import store
from oreline.api import provenance
from oreline.errors import UsageError


def test_training_data_is_found_again_and_only_if_unchanged(linear_model, dataset, tmp_path: Path) -> None:
    assert provenance.training_data(linear_model).fingerprint == dataset.fingerprint
    manifest = linear_model.manifest.model_copy(update={"data": {"path": str(tmp_path / "gone"), "fingerprint": "x"}})
    with pytest.raises(UsageError, match="not there any more") as caught:
        provenance.training_data(store.Artifact(linear_model.path, manifest))
    assert "--data" in caught.value.remedy
