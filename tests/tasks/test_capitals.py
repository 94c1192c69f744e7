"""Capital letters that a tokenizer folds away reach the model all the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tokenizers import Tokenizer

import oreline as ore
from oreline.errors import UsageError
from oreline.tasks.capitals import tells_capitals


def test_a_start_model_that_folds_case_and_has_segments_is_told(tiny_start: Path, tmp_path: Path) -> None:
    folding = Tokenizer.from_file(str(tiny_start / "tokenizer.json"))
    assert tells_capitals(tiny_start, folding, None)
    assert not tells_capitals(tiny_start, folding, False)
    seeing = Tokenizer.from_str(folding.to_str().replace('"lowercase":true', '"lowercase":false'))
    assert not tells_capitals(tiny_start, seeing, None)
    (tmp_path / "config.json").write_text('{"type_vocab_size": 1}')
    assert not tells_capitals(tmp_path, folding, None)
    (tmp_path / "config.json").write_text("[]")
    assert not tells_capitals(tmp_path, folding, None), "what is wrong with it is said when the model is opened"
    with pytest.raises(UsageError, match="no segment that could tell capital letters"):
        tells_capitals(tmp_path, folding, True)


@pytest.mark.parametrize("task", ["token_classification", "intent_slots"])
def test_tags_that_only_capitals_tell_are_learnt(task: str, shallow_start: Path, tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    words = draw.choice(["film", "story", "plot", "great", "dull"], (400, 5))
    has_capital = draw.random((400, 5)) < 0.3
    rows = {
        "text": [" ".join(np.where(big, np.char.title(row), row)) for row, big in zip(words, has_capital)],
        "tags": [" ".join(np.where(big, "B-NAME", "O")) for big in has_capital],
        "label": ["some" if big.any() else "none" for big in has_capital],
    }
    model = ore.finetune(
        shallow_start,
        rows,
        task=task,
        method="full",
        train={"epochs": 4, "learning_rate": 3e-3},
        out=tmp_path / "model",
    )
    assert model.manifest.task_options["capitals"] is True
    [answer] = ore.predict(model, ["a Plot and a story of Film"])
    assert [entity["text"] for entity in answer["entities"]] == ["Plot", "Film"]
