"""The model that is compressed: with one layer, as everything that is exported."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.conftest import finetune_encoder

from oreline.store import Artifact


@pytest.fixture(scope="session")
def torch_model(reviews, shallow_start: Path, tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    """A small encoder of one layer, fully fine-tuned on the reviews: a second one is traced by the same code again."""
    return finetune_encoder(shallow_start, reviews, tmp_path_factory.mktemp("shallow") / "model")
