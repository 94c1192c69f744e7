"""Prompts: the pattern and the words go through training into an artifact that opens again."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file
from transformers import AutoModel, AutoModelForMaskedLM

import oreline as ore
from oreline.errors import UsageError
from oreline.runtime.open import open_runtime
from oreline.train.methods.prompt import Method

OPTIONS = {"pattern": "{text} very [MASK]", "words": {"fresh": "great", "rotten": "awful"}}
TRAIN = {"epochs": 4, "threads": 1, "learning_rate": 3e-3}


@pytest.fixture(scope="module")
def prompted(reviews, shallow_start: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    out = tmp_path_factory.mktemp("prompted") / "model"
    return ore.finetune(str(shallow_start), reviews, method="prompt", method_options=OPTIONS, train=TRAIN, out=out)


def test_it_learns_and_opens_again(prompted, reviews):
    assert prompted.manifest.task_options["pattern"] == OPTIONS["pattern"]
    assert ore.evaluate(prompted, reviews).metrics["accuracy"].value > 0.75
    runtime = open_runtime(prompted)
    golden = prompted.manifest.golden[0]
    scores_NK = runtime.predict({"text": [golden["inputs"]["text"]]}).outputs["scores"]
    np.testing.assert_allclose(scores_NK[0], golden["scores"], atol=1e-5)
    for texts in ([], ["", "好", "x " * 500], ["[MASK] a [MASK] film"]):
        assert np.isfinite(runtime.predict({"text": texts}).outputs["scores"]).all()


def test_transformers_opens_the_whole_and_its_head_names_the_words(prompted):
    AutoModel.from_pretrained(prompted.path)
    masked = AutoModelForMaskedLM.from_pretrained(prompted.path).eval()
    runtime = open_runtime(prompted)
    encoded = runtime.encode({"text": ["a great film"]})
    ids = encoded.ids[0]
    tokenizer = runtime._tokenizer
    import torch

    place = int((ids == tokenizer.token_to_id("[MASK]")).argmax())
    logits_V = masked(input_ids=torch.tensor(ids[None].astype(np.int64))).logits[0, place].detach().numpy()
    words = [tokenizer.token_to_id(word) for word in ("great", "awful")]
    expected = np.exp(logits_V[words]) / np.exp(logits_V[words]).sum()
    np.testing.assert_allclose(runtime.forward(encoded).outputs["scores"][0], expected, atol=1e-4)


def test_it_is_compressed_and_updated(prompted, reviews, tmp_path: Path):
    small, _ = ore.compress(prompted, data=reviews, options={"graphs": ["eager"]}, max_drop=0.3, out=tmp_path / "int8")
    texts = reviews.frame("test")["text"].to_list()[:20]
    before, after = (open_runtime(model).predict({"text": texts}).outputs["scores"] for model in (prompted, small))
    assert (before.argmax(1) == after.argmax(1)).mean() > 0.8
    fresh = {"text": [f"a superb film {n}" for n in range(30)], "label": ["fresh", "rotten"] * 15}
    _, report = ore.update(prompted, fresh, gate=reviews, out=tmp_path / "home", train={"epochs": 1, "threads": 1})
    assert report.facts["decision"] in {"passed", "refused", "undecided"}


def test_frozen_layers_stay_and_are_computed_once(reviews, tiny_start: Path, tmp_path: Path):
    """The embeddings are frozen below them; the head's output, tied to these, is too. The states' cache changes no bit."""
    made = {}
    for cache in ("bf16", "off"):
        losses: list[float] = []
        options = {**OPTIONS, "freeze_layers": 1}
        train = {**TRAIN, "epochs": 2, "frozen_cache": cache}
        model = ore.finetune(
            str(tiny_start), reviews, method="prompt", method_options=options, train=train, out=tmp_path / cache,
            on_event=lambda event, losses=losses: losses.append(event.values["loss"]) if "loss" in event.values else None,
        )  # fmt: skip
        measured = json.loads((model.path / "measurements.json").read_text(encoding="utf-8"))
        assert measured["frozen_layers"] == 1
        assert (measured["frozen_cache_bytes"] > 0) == (cache == "bf16")
        made[cache] = (losses, load_file(model.path / "model.safetensors"))
    assert made["bf16"][0] == made["off"][0]
    assert len(set(made["bf16"][0])) > 5
    start, trained = load_file(tiny_start / "model.safetensors"), made["bf16"][1]
    moved = {name for name in start if not np.array_equal(start[name], trained.get(f"bert.{name}", start[name]))}
    assert moved
    assert all(name.startswith("encoder.layer.1.") for name in moved)
    assert all(np.array_equal(trained[name], made["off"][1][name]) for name in trained)


def test_more_frozen_layers_than_there_are(reviews, tiny_start: Path, tmp_path: Path):
    for more, said in (({"freeze_layers": 3}, "freeze_layers is 3"), ({"freeze": ["*nothing*"]}, "no parameter")):
        with pytest.raises(UsageError, match=said):
            ore.finetune(
                str(tiny_start), reviews, method="prompt", method_options={**OPTIONS, **more}, out=tmp_path / "m"
            )
        assert not (tmp_path / "m").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            {"fresh": "great", "rotten": "greatest"},
            r"'greatest' of the label 'rotten' is no single token.*great \+ ##e",
        ),
        ({"fresh": "great", "rotten": "好"}, "is no single token"),
        ({"fresh": "great", "rotten": "great"}, "have the same word"),
        ({"fresh": "great"}, "'rotten' has no word"),
    ],
)
def test_a_word_must_be_one_token(words, said: str, reviews, tiny_start: Path, tmp_path: Path):
    options = {**OPTIONS, "words": words}
    with pytest.raises(UsageError, match=said):
        ore.finetune(str(tiny_start), reviews, method="prompt", method_options=options, out=tmp_path / "model")
    assert not (tmp_path / "model").exists()


def test_patterns_and_tasks_that_do_not_fit_are_refused(reviews, tiny_start: Path, tmp_path: Path):
    for pattern in ("{text}", "[MASK]", "{text} {text} [MASK]", 3):
        with pytest.raises(UsageError, match="the pattern is"):
            Method(pattern=pattern, words={"a": "b"})
    with pytest.raises(UsageError, match="words is"):
        Method(pattern=OPTIONS["pattern"], words=["great"])
    numbers = {"text": [f"a film {n}" for n in range(40)], "label": list(range(40))}
    with pytest.raises(UsageError, match="gives it one class"):
        ore.finetune(
            str(tiny_start), numbers, task="regression", method="prompt", method_options=OPTIONS, out=tmp_path / "m"
        )
    marked = {"text": ["<e1>Ann</e1> left <e2>Acme</e2>.", "<e1>Bob</e1> joined <e2>Acme</e2>."], "label": ["a", "b"]}
    with pytest.raises(UsageError, match="gives it one class"):  # one text and one class, but with marks in it
        ore.finetune(
            str(tiny_start), marked, task="relation", method="prompt", method_options=OPTIONS, out=tmp_path / "m"
        )


def test_a_start_without_a_masked_head_is_told_of(tiny_start: Path, reviews, tmp_path: Path):
    start = Path(shutil.copytree(tiny_start, tmp_path / "start"))
    said: list[str] = []
    for folder in (start, None):
        if folder is None:
            AutoModelForMaskedLM.from_pretrained(start).save_pretrained(start)
        said.clear()
        ore.finetune(
            str(start),
            reviews,
            method="prompt",
            method_options=OPTIONS,
            train={"epochs": 0.2, "threads": 1},
            out=tmp_path / f"m{folder is None}",
            on_event=lambda event: said.append(event.message),
        )
        assert any("no masked-language head" in line for line in said) == (folder is not None)
