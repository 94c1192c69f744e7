"""The runtime that copies: beginnings by words, embeddings by characters, a damaged file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from oreline import store
from oreline.errors import ArtifactError
from oreline.runtime.lead import FILE, lead
from oreline.runtime.open import open_runtime


def made(folder: Path, text: str) -> Path:
    with store.writing(folder) as temporary:
        (temporary / FILE).write_text(text)
        store.seal(temporary, store.Manifest(runtime="lead", task="seq2seq"))
    return folder


def test_it_answers_with_beginnings_in_order(tmp_path: Path):
    runtime = open_runtime(made(tmp_path / "m", '{"num_words": 2}'))
    found = runtime.predict({"text": ["one, two three", "", "好电影"]}, embeddings=True)
    assert [row.texts[0] for row in found.outputs["scores"]] == ["one,", "", "好电"]
    assert found.embedding_ND.shape == (3, 64)
    np.testing.assert_allclose(found.embedding_ND.sum(axis=1), [1, 0, 1], rtol=1e-6)
    assert runtime.predict({"text": []}, embeddings=True).embedding_ND.shape == (0, 64)


def test_a_text_shorter_than_asked_for_is_copied_whole():
    assert lead("  a film ", 5) == "a film"


@pytest.mark.parametrize("text", ["", "{}", '{"num_words": null}'])
def test_a_damaged_file_is_refused(text: str, tmp_path: Path):
    with pytest.raises(ArtifactError, match="cannot be read"):
        open_runtime(made(tmp_path / "m", text))
