"""A real linear model whose telling words are known, English and Chinese."""

from __future__ import annotations

import numpy as np
import pytest

from oreline import store
from oreline.runtime.linear import LinearModel, Runtime, write_model
from oreline.runtime.open import open_runtime
from oreline.store import Manifest

WEIGHTS = {"great": 3.0, "warm": 1.5, "awful": -3.0, "dull": -1.5, "喜欢": 2.0, "糟糕": -2.0}


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Runtime:
    """Positive weights speak for `fresh`, negative ones for `rotten`; other words mean nothing to it."""
    folder = tmp_path_factory.mktemp("explain") / "model"
    words = sorted(WEIGHTS)
    weights_VK = np.array([[WEIGHTS[word], -WEIGHTS[word]] for word in words])
    with store.writing(folder) as temporary:
        write_model(temporary, LinearModel(2, 5, words, np.ones(len(words)), weights_VK, np.zeros(2)))
        options = {"labels": ["fresh", "rotten"]}
        store.seal(temporary, Manifest(runtime="linear", task="text_classification", task_options=options))
    return open_runtime(folder)
