"""The method for pairs: what it is for, adapters, and the folder that it writes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import oreline as ore
from oreline.errors import UsageError
from oreline.models.load import load_encoder
from oreline.models.tokenizing import tokenizer
from oreline.runtime.open import open_runtime

ROWS = {
    "text": [f"the {word} film" for word in ("great", "moving", "funny", "warm", "clever", "superb")] * 2,
    "text_pair": [
        f"a {word} plot {n}" for n in (1, 2) for word in ("awful", "dull", "weak", "poor", "silly", "clumsy")
    ],
}
QUICK = {"epochs": 1, "learning_rate": 1e-3, "threads": 1}


def test_it_is_the_only_method_of_its_task_and_its_only_task(tiny_start: Path, tmp_path: Path, reviews):
    data = ore.refine(ROWS, operators=[], split={}, out=tmp_path / "data")
    with pytest.raises(UsageError, match="not taught by the method 'full'") as caught:
        ore.finetune(str(tiny_start), data, task="embedding", method="full", out=tmp_path / "m")
    assert caught.value.allowed == "pairs"
    with pytest.raises(UsageError, match="makes vectors for search"):
        ore.finetune(str(tiny_start), reviews, method="pairs", out=tmp_path / "m")


def test_an_adapter_trains_in_place_of_the_weights_and_merges(tiny_start: Path, tmp_path: Path):
    data = ore.refine(ROWS, operators=[], split={}, out=tmp_path / "data")
    options = {"adapter": "lora", "adapter_options": {"rank": 2}}
    small = ore.finetune(
        str(tiny_start), data, task="embedding", method_options=options, train=QUICK, out=tmp_path / "lora"
    )
    assert small.has("adapter.safetensors")
    assert not small.has("model.safetensors")
    merged = ore.merge(small, out=tmp_path / "merged")
    texts = {"text": ["a great film", "the dull plot 1"]}
    first, second = (open_runtime(model).predict(texts).outputs["scores"] for model in (small, merged))
    np.testing.assert_allclose(first, second, atol=1e-5)
    start = open_runtime(small)
    assert not np.allclose(first, _vectors(tiny_start, texts["text"], "mean"), atol=1e-4), start.artifact.path


@pytest.mark.parametrize("pooling", ["mean", "first"])
def test_sentence_transformers_opens_the_folder_with_the_same_vectors(pooling: str, tiny_start: Path, tmp_path: Path):
    data = ore.refine(ROWS, operators=[], split={}, out=tmp_path / "data")
    train = {**QUICK, "max_tokens": 12}
    made = ore.finetune(
        str(tiny_start), data, task="embedding", method_options={"pooling": pooling}, train=train, out=tmp_path / "m"
    )
    texts = ["a great film", "the plot and the story of a movie " * 5, "好"]
    ours = open_runtime(made).predict({"text": texts}).outputs["scores"]
    np.testing.assert_allclose(ours, _vectors(made.path, texts, pooling, max_tokens=12), atol=1e-5)
    from sentence_transformers import SentenceTransformer  # here: it takes seconds to import

    opened = SentenceTransformer(str(made.path), device="cpu")
    np.testing.assert_allclose(opened.encode(texts), ours, atol=1e-5)


def _vectors(folder: Path, texts: list[str], pooling: str, max_tokens: int = 128) -> np.ndarray:
    """What `modules.json` says, by hand: the encoder, its mean or first state, length 1."""
    import torch

    encoder, split, vectors = load_encoder(folder).eval(), tokenizer(folder), []
    for text in texts:
        ids = split.encode(text).ids
        ids = ids if len(ids) <= max_tokens else [*ids[: max_tokens - 1], ids[-1]]
        with torch.inference_mode():
            states = encoder(input_ids=torch.tensor([ids])).last_hidden_state[0].numpy()
        pooled = states[0] if pooling == "first" else states.mean(axis=0)
        vectors.append(pooled / np.linalg.norm(pooled))
    return np.stack(vectors)
