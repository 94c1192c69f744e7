"""Compression for real: export, fuse, quantise, judge, write; and every way it says no."""

from __future__ import annotations

import importlib
import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from oreline import store
from oreline.compress.compress import compress
from oreline.errors import GateRefusedError, UsageError
from oreline.runtime.onnx import Runtime, processor_flags
from oreline.runtime.open import open_runtime
from oreline.runtime.samples import read_samples
from oreline.store import Artifact
from oreline.types import Event


@pytest.fixture(scope="module")
def compressed(torch_model, reviews, tmp_path_factory: pytest.TempPathFactory):
    seen: list[Event] = []
    out = tmp_path_factory.mktemp("int8") / "model"
    artifact, report = compress(torch_model, data=reviews, out=out, max_drop=0.2, on_event=seen.append)
    return artifact, report, seen


def test_answers_stay_those_of_the_parent(compressed, torch_model, reviews):
    texts = reviews.frame("test")["text"].to_list()
    before = open_runtime(torch_model).predict({"text": texts}, embeddings=True)
    after = open_runtime(compressed[0]).predict({"text": texts}, embeddings=True)
    assert np.abs(before.outputs["scores"] - after.outputs["scores"]).max() < 0.15
    cosine_N = (before.embedding_ND * after.embedding_ND).sum(1) / (
        np.linalg.norm(before.embedding_ND, axis=1) * np.linalg.norm(after.embedding_ND, axis=1)
    )
    assert cosine_N.min() > 0.97


def test_the_fp32_graph_gives_the_parents_answers(compressed, torch_model, reviews):
    texts = reviews.frame("test")["text"].to_list()
    fallback = Runtime(compressed[0], fallback=True)
    assert fallback.precision == "fp32"
    before = open_runtime(torch_model).predict({"text": texts}, embeddings=True)
    after = fallback.predict({"text": texts}, embeddings=True)
    np.testing.assert_allclose(after.outputs["scores"], before.outputs["scores"], atol=1e-4)
    np.testing.assert_allclose(after.embedding_ND, before.embedding_ND, atol=1e-3)


def test_the_table_shows_before_and_after(compressed):
    _, report, seen = compressed
    assert {"before accuracy", "accuracy"} <= set(report.metrics)
    assert report.facts["size_bytes"] > 0  # of a model this small the graph itself is the larger part
    assert report.facts["rows_per_s"] > 0
    measured = [event.message for event in seen if event.stage == "measure"]
    assert len(measured) >= 2, "several graphs are measured"


def test_the_manifest_binds_it_to_the_processor(compressed, torch_model):
    manifest = compressed[0].manifest
    assert manifest.extra["processor_flags"] == processor_flags()
    assert manifest.extra["precision"] == "int8"
    assert manifest.lineage[0]["id"] == torch_model.id
    assert {"model.onnx", "fallback.onnx", "tokenizer.json", "samples.parquet", "train_rows.bin"} <= set(manifest.files)


def test_a_processor_without_the_flags_gets_fp32(compressed, tmp_path: Path):
    manifest = compressed[0].manifest.model_copy(deep=True)
    manifest.extra["processor_flags"] = [*processor_flags(), "made_up_flag"]
    elsewhere = Runtime(Artifact(compressed[0].path, manifest))
    assert elsewhere.is_fallback
    assert elsewhere.precision == "fp32"
    assert not Runtime(compressed[0]).is_fallback


def test_samples_are_the_parents_rows_with_its_own_answers(compressed, torch_model):
    for part in ("reference", "replay"):
        ours, theirs = read_samples(compressed[0], part), read_samples(torch_model, part)
        assert ours["row_id"].to_list() == theirs["row_id"].to_list()


def test_golden_rows_have_the_answers_of_both_graphs_to_each_row_alone(compressed):
    artifact = compressed[0]
    for scores, runtime in (("scores", Runtime(artifact)), ("fallback_scores", Runtime(artifact, fallback=True))):
        for row in artifact.manifest.golden:
            found_K = runtime.predict({"text": [row["inputs"]["text"]]}).outputs["scores"][0]
            np.testing.assert_allclose(found_K, row[scores], atol=1e-5)


def test_a_worse_model_is_refused_and_nothing_is_written(torch_model, reviews, tmp_path: Path, monkeypatch):
    def damage(source: str, file: str, **_: object) -> None:
        import onnx
        from onnx import numpy_helper

        model = onnx.load(source)
        # The head only: with every matrix turned around, the signs cancel on their way through the layers.
        heads = [tensor for tensor in model.graph.initializer if "classifier" in tensor.name]
        assert heads
        for tensor in heads:
            tensor.CopyFrom(numpy_helper.from_array(np.negative(numpy_helper.to_array(tensor)), tensor.name))
        onnx.save(model, file)

    # By module: `oreline.compress` is also the verb, so a dotted name would find the function.
    monkeypatch.setattr(importlib.import_module("oreline.compress.int8"), "quantize_dynamic", damage)
    once = {"graphs": ["sdpa"]}
    with pytest.raises(GateRefusedError, match="refused") as refusal:
        compress(torch_model, data=reviews, split="test", max_drop=0.0, out=tmp_path / "model", options=once)
    assert refusal.value.exit_code == 1
    assert list(tmp_path.iterdir()) == []


def test_a_linear_model_is_refused(linear_model, reviews, tmp_path: Path):
    with pytest.raises(UsageError, match="linear artifact"):
        compress(linear_model, data=reviews, out=tmp_path / "model")


def test_an_unknown_option_is_refused(torch_model, reviews, tmp_path: Path):
    with pytest.raises(UsageError, match="per_channel"):
        compress(torch_model, data=reviews, out=tmp_path / "model", options={"per_chanel": True})
    with pytest.raises(UsageError, match="eager-fused, sdpa"):
        compress(torch_model, data=reviews, out=tmp_path / "model", options={"graphs": ["flash"]})


def test_an_existing_output_is_refused(torch_model, reviews, tmp_path: Path):
    (tmp_path / "model.txt").write_text("mine")
    with pytest.raises(UsageError, match="exists already"):
        compress(torch_model, data=reviews, out=tmp_path / "model.txt")


def test_measurements_lie_outside_of_the_identity(compressed):
    artifact = compressed[0]
    content = json.loads((artifact.path / "measurements.json").read_text())
    assert content["rows_per_s"] > 0
    assert store.verify_files(artifact.path, artifact.manifest) == []
    assert pl.read_parquet(artifact.path / "samples.parquet").height > 0
