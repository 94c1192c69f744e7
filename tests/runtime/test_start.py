"""Vectors of a start model."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from oreline.runtime.start import StartRuntime


def test_a_texts_vector_does_not_depend_on_the_others(tiny_start: Path) -> None:
    runtime = StartRuntime(tiny_start)
    texts = ["a great film", "the dull plot of a very poor and boring movie", "superb"]
    together = runtime.predict({"text": texts}).embedding_ND
    assert together is not None
    alone = [runtime.predict({"text": [text]}).embedding_ND for text in texts]
    assert np.allclose(together, np.concatenate(alone), atol=1e-5)
    assert np.allclose(np.linalg.norm(together, axis=1), 1, atol=1e-4)
    assert runtime.predict({"text": []}).embedding_ND.shape == (0, together.shape[1])  # type: ignore[union-attr]
