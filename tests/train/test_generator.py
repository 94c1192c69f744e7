"""Training of models that write: it learns, goes on bit for bit, chooses by loss or by answers, and refuses early."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file
from transformers import AutoModelForSeq2SeqLM

import oreline as ore
from oreline.errors import ArtifactError, DataError, UsageError


def messages(into: list[str]):
    return lambda event: into.append(event.message) if event.message else None


def test_it_learns_and_says_what_it_sees(writer_model, verdicts):
    report = ore.evaluate(writer_model, verdicts)
    assert report.metrics["chrf"].value > 90
    assert writer_model.manifest.metrics.keys() >= {"chrf", "bleu", "rouge_l"}
    generation = writer_model.manifest.task_options["generation"]
    assert 3 < generation["max_new_tokens"] < 20
    [answer] = ore.predict(writer_model, ["the story is dull"])
    assert answer["text"] == "a dull film"
    assert 0.3 < answer["probability"] <= 1


def test_transformers_opens_what_is_written(writer_model):
    model = AutoModelForSeq2SeqLM.from_pretrained(writer_model.path)
    assert model.generation_config.eos_token_id == 1
    assert "probability" not in (writer_model.path / "config.json").read_text()


def quick(**changes):
    """A short training whose answers are short, too: untrained models do not end them."""
    short = {"max_new_tokens": 5}
    return {"epochs": 0.5, "learning_rate": 1e-2, "threads": 1, "rows_per_step": 16, "generation": short, **changes}


def test_a_run_that_is_stopped_goes_on_to_the_same_bytes(verdicts, tiny_bart: Path, tmp_path: Path):
    def train(out: Path, stop_at: int | None = None):
        def watch(event):
            if event.stage == "train" and event.step == stop_at:
                raise KeyboardInterrupt

        options = quick(checkpoint_every_s=1e-9)
        return ore.finetune(
            str(tiny_bart), verdicts, task="seq2seq", method="full", train=options, out=out, on_event=watch
        )

    whole = train(tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path / "stopped", stop_at=7)
    gone_on = train(tmp_path / "stopped")
    first, second = (load_file(model.path / "model.safetensors") for model in (whole, gone_on))
    assert all(np.array_equal(first[name], second[name]) for name in first)


def test_answers_on_dev_choose_where_asked_for(verdicts, tiny_t5: Path, tmp_path: Path):
    seen: list[dict] = []
    ore.finetune(
        str(tiny_t5), verdicts, task="seq2seq", method="full", out=tmp_path / "model",
        train=quick(dev_texts=5, evaluations_per_epoch=1, generation={"max_new_tokens": 4}),
        on_event=lambda event: seen.append(dict(event.values)),
    )  # fmt: skip
    [figures] = [values for values in seen if "dev_loss" in values]
    assert {"dev_loss", "dev_chrf"} <= figures.keys()


def test_long_answers_are_cut_and_counted(verdicts, tiny_t5: Path, tmp_path: Path):
    said: list[str] = []
    model = ore.finetune(
        str(tiny_t5), verdicts, task="seq2seq", method="full", out=tmp_path / "model",
        train=quick(epochs=0.1, generation={"max_new_tokens": 3}), on_event=messages(said),
    )  # fmt: skip
    assert any("answers exceed 3 tokens and were cut" in sentence for sentence in said)
    assert any("first row as the model sees it" in sentence and "</s>" in sentence for sentence in said)
    assert model.manifest.task_options["generation"] == {"max_new_tokens": 3}


def test_what_cannot_be_trained_is_refused_before_the_first_step(
    verdicts, tiny_start: Path, tiny_t5: Path, tiny_bart: Path, tmp_path: Path
):
    def train(start: Path | None, method: str = "full", data=verdicts, **options):
        return ore.finetune(
            str(start) if start else None,
            data,
            task="seq2seq",
            method=method,
            train=quick(**options),
            out=tmp_path / "m",
        )

    with pytest.raises(ArtifactError, match="does not read one text and write another"):
        train(tiny_start)
    with pytest.raises(UsageError, match="needs a start model that writes"):
        train(None)
    with pytest.raises(UsageError, match="chooses among known answers") as caught:
        train(tiny_t5, method="head")
    assert {"full", "lora"} <= set(caught.value.allowed.split(", "))
    assert not {"prefix_tuning", "bottleneck"} & set(caught.value.allowed.split(", "))  # refused in their turn
    with pytest.raises(UsageError, match="virtual tokens"):
        train(tiny_t5, method="prefix_tuning")
    with pytest.raises(UsageError, match="64 positions"):
        train(tiny_bart, generation={"max_new_tokens": 100})
    with pytest.raises(UsageError, match="class_weights"):
        train(tiny_t5, class_weights="balanced")
    with pytest.raises(DataError, match="target_text"):
        train(tiny_t5, data={"text": [f"a film of number {number}" for number in range(40)]})


def test_an_empty_answer_is_named_by_its_row(tiny_t5: Path, tmp_path: Path):
    rows = {"text": [f"a film {number}" for number in range(30)], "target_text": ["good"] * 29 + [" "]}
    data = ore.refine(rows, operators=[], split={}, out=tmp_path / "data")
    with pytest.raises(DataError, match="target is empty") as caught:
        ore.finetune(str(tiny_t5), data, task="seq2seq", method="full", out=tmp_path / "model")
    assert caught.value.where == "data:30"


def test_a_start_model_without_a_fast_tokenizer_says_what_to_do(verdicts, tiny_t5: Path, tmp_path: Path):
    folder = Path(shutil.copytree(tiny_t5, tmp_path / "start"))
    (folder / "tokenizer.json").rename(folder / "spiece.model")
    with pytest.raises(ArtifactError, match=r"tokenizer\.json") as caught:
        ore.finetune(str(folder), verdicts, task="seq2seq", method="full", out=tmp_path / "model")
    assert "sentencepiece" in str(caught.value)


def test_label_smoothing_and_r_drop_train_and_dev_loss_is_plain(verdicts, tiny_t5: Path, tmp_path: Path):
    losses = {}
    for name, options in {
        "plain": {},
        "smooth": {"label_smoothing": 0.3},
        "twice": {"regularizers": ["r_drop"], "dropout": 0.1},
    }.items():
        seen: list[dict] = []
        ore.finetune(
            str(tiny_t5), verdicts, task="seq2seq", method="full", out=tmp_path / name,
            train=quick(epochs=0.15, learning_rate=1e-9, evaluations_per_epoch=8, **options),
            on_event=lambda event, seen=seen: seen.append(dict(event.values)),
        )  # fmt: skip
        losses[name] = next(values["dev_loss"] for values in seen if "dev_loss" in values)
    assert losses["smooth"] == pytest.approx(losses["plain"], rel=1e-4)
    assert losses["twice"] == pytest.approx(losses["plain"], rel=1e-4)


@pytest.mark.parametrize(("adapter", "start"), [("lora", "tiny_bart"), ("ia3", "tiny_bart"), ("ia3", "tiny_t5")])
def test_an_adapter_reloads_to_the_same_answers_and_merges(
    adapter: str, start: str, verdicts, tmp_path: Path, request: pytest.FixtureRequest
):
    model = ore.finetune(
        str(request.getfixturevalue(start)),
        verdicts,
        task="seq2seq",
        method=adapter,
        train=quick(epochs=0.3),
        out=tmp_path / "adapted",
    )
    names = set(load_file(model.path / "adapter.safetensors"))
    assert names
    assert not any("lm_head" in name or "shared" in name for name in names)
    assert json.loads((model.path / "adapter.json").read_text())["pooling"] == "seq2seq"
    merged = ore.merge(model, out=tmp_path / "merged")
    texts = ["the story is dull", "a superb film"]
    for first, second in zip(ore.predict(model, texts), ore.predict(merged, texts), strict=True):
        assert first["text"] == second["text"]
        assert first["probability"] == pytest.approx(second["probability"], abs=1e-4)


def test_it_is_updated_from_its_own_model(writer_model, verdicts, tmp_path: Path):
    fresh = verdicts.frame("test")
    _, report = ore.update(
        writer_model, {name: fresh[name].to_list() for name in ("text", "target_text")}, gate=verdicts, gate_split="dev",
        out=tmp_path / "home", train=quick(epochs=0.2),
    )  # fmt: skip
    assert report.facts["decision"] in {"passed", "refused", "undecided"}
