"""Compression for real: export, fuse, quantise, judge, write; and every way it says no."""

from __future__ import annotations

import importlib
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from oreline import store
from oreline.compress.compress import compress
from oreline.errors import GateRefusedError, UsageError
from oreline.evaluate.table import predict_table
from oreline.report.report import Report
from oreline.runtime.onnx import MODEL, Runtime, processor_flags
from oreline.runtime.open import open_runtime
from oreline.runtime.samples import read_samples
from oreline.store import Artifact
from oreline.types import Event

# By module: `oreline.compress` is also the verb, so a dotted name would find the function.
int8 = importlib.import_module("oreline.compress.int8")


@pytest.fixture(scope="module", autouse=True)
def one_export_of_each_form(export_once: Callable[..., None]) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(int8, "export", export_once)
        yield


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


def test_several_graphs_are_measured(compressed):
    measured = [event.message for event in compressed[2] if event.stage == "measure"]
    assert len(measured) >= 2


def test_the_table_shows_before_and_after(compressed, torch_model, reviews):
    """Accuracy, size, speed and latency of both models, as measured apart from the table where that can be done."""
    artifact, report, _ = compressed
    [table] = [table for table in report.tables if table.title == "Before and after"]
    assert table.columns == ("", "before", "after", "")
    found = {name: (before, after, change) for name, before, after, change in table.rows}
    assert list(found) == ["accuracy", "size of the model file, MB", "rows/s, in batches",
                           "latency of one row, ms (median)"]  # fmt: skip
    accuracies = [predict_table(open_runtime(model), reviews, "dev").credit_N for model in (torch_model, artifact)]
    before, after, _ = found["accuracy"]
    assert [before.value, after.value] == [credit_N.mean() for credit_N in accuracies]
    assert before.n == after.n == len(accuracies[0])
    assert before.low < before.value <= before.high
    sizes = [model.file(name).stat().st_size for model, name in ((torch_model, "model.safetensors"), (artifact, MODEL))]
    times = sizes[0] / sizes[1]  # of a model this small the graph itself is the larger part
    expected = (
        *(round(size / 1e6, 1) for size in sizes),
        f"{times:.1f} times smaller" if times >= 1 else f"{1 / times:.1f} times larger",
    )
    assert found["size of the model file, MB"] == expected
    for name, fact, better in (
        ("rows/s, in batches", "rows_per_s", "after"),
        ("latency of one row, ms (median)", "latency_ms", "before"),
    ):
        first, second = report.facts[f"{fact}_before"], report.facts[fact]
        assert first > 0 < second
        assert found[name][:2] == pytest.approx((first, second), rel=0.02, abs=0.5)
        times = second / first if better == "after" else first / second
        said, word = found[name][2].split(" times ")
        assert word == ("faster" if times >= 1 else "slower")
        assert float(said) == pytest.approx(max(times, 1 / times), rel=0.1, abs=0.1)
    assert Report.open(artifact.path / "report.json").tables[0].title == "Before and after", "it lies with the model"


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


ONE_GRAPH = {"graphs": ["sdpa"]}


def write_with_head(source: str, file: str, change: Callable[[np.ndarray], np.ndarray]) -> None:
    """Write a graph with the weights and the bias of its last layer changed.

    The head only: with every matrix turned around, the signs cancel on their way through the layers.
    """
    import onnx
    from onnx import numpy_helper

    model = onnx.load(source)
    heads = [tensor for tensor in model.graph.initializer if "classifier" in tensor.name]
    assert {len(tensor.dims) for tensor in heads} == {1, 2}
    for tensor in heads:
        changed = change(numpy_helper.to_array(tensor)).astype(np.float32)
        tensor.CopyFrom(numpy_helper.from_array(changed, tensor.name))
    onnx.save(model, file)


def test_a_worse_model_is_refused_and_nothing_is_written(torch_model, reviews, tmp_path: Path, monkeypatch):
    monkeypatch.setattr(int8, "quantize_dynamic", lambda source, file, **_: write_with_head(source, file, np.negative))
    with pytest.raises(GateRefusedError, match="refused") as refusal:
        compress(torch_model, data=reviews, split="test", max_drop=0.0, out=tmp_path / "model", options=ONE_GRAPH)
    assert refusal.value.exit_code == 1
    assert list(tmp_path.iterdir()) == []


def test_embeddings_that_the_gate_refuses_are_left_alone(torch_model, reviews, tmp_path: Path, monkeypatch):
    """The graph with 8-bit embeddings is worse here, so the one without them is judged, and written."""
    quantize = int8.quantize_dynamic

    def damage_embeddings(source: str, file: str, **options: object) -> None:
        if file.endswith("-embeddings.onnx"):
            write_with_head(source, file, np.negative)
        else:
            quantize(source, file, **options)

    monkeypatch.setattr(int8, "quantize_dynamic", damage_embeddings)
    seen: list[Event] = []
    artifact, report = compress(
        torch_model, data=reviews, split="test", max_drop=0.2, out=tmp_path / "model", options=ONE_GRAPH,
        on_event=seen.append,
    )  # fmt: skip
    judged = [event.message.split(": ")[:2] for event in seen if event.stage == "gate"]
    assert judged[0] == ["sdpa, embeddings", "refused"]
    assert judged[1][0] == "sdpa"
    assert judged[1][1] in ("passed", "undecided")
    assert artifact.manifest.extra["graph"] == "sdpa"
    assert artifact.manifest.recipe["resolved"] == {"graphs": ["sdpa"], "embeddings": False}
    assert report.facts["verdict"] in ("passed", "undecided")
    before, after = (predict_table(open_runtime(model), reviews, "test") for model in (torch_model, artifact))
    assert after.credit_N.mean() >= before.credit_N.mean() - 0.2


def test_an_undecided_model_is_written_with_a_warning(torch_model, reviews, tmp_path: Path, monkeypatch):
    """One answer of few differs: too little to say whether no drop at all is kept to."""
    logits_NK = np.log(predict_table(open_runtime(torch_model), reviews, "test").scores)
    margin_N = np.sort(logits_NK[:, 0] - logits_NK[:, 1])
    above = margin_N[margin_N > 0]
    shift = np.array([-(above[0] + above[1]) / 2, 0.0])  # between the two rows nearest to changing their label

    def shifted(weights: np.ndarray) -> np.ndarray:
        return weights + shift if weights.ndim == 1 else weights

    monkeypatch.setattr(int8, "quantize_dynamic", lambda source, file, **_: write_with_head(source, file, shifted))
    seen: list[Event] = []
    artifact, report = compress(
        torch_model, data=reviews, split="test", max_drop=0.0, out=tmp_path / "model", options=ONE_GRAPH,
        on_event=seen.append,
    )  # fmt: skip
    assert report.facts["verdict"] == "undecided"
    [warning] = report.warnings
    assert re.search(r"about [\d,]+ rows would decide", warning)
    assert "a drop of 0.0000 is allowed" in warning
    assert f"warning: {warning}" in [event.message for event in seen]
    assert Artifact.open(tmp_path / "model").id == artifact.id
    assert Report.open(artifact.path / "report.json").warnings == [warning]


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
