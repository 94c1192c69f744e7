"""The ONNX runtime against NumPy: a graph small enough to compute by hand, made here, without torch."""

from __future__ import annotations

import logging
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from oreline import store
from oreline.errors import ArtifactError
from oreline.runtime.onnx import FALLBACK, MODEL, Runtime, open_session, processor_flags
from oreline.runtime.open import open_runtime
from oreline.store import Artifact, Manifest

LABELS = ["bad", "good", "neither"]
WIDTH, VOCABULARY, SEGMENTS = 8, 200, 2
SOURCE = np.random.default_rng(0)
TABLE_VD = SOURCE.normal(size=(VOCABULARY, WIDTH)).astype(np.float32)
SEGMENT_SD = SOURCE.normal(size=(SEGMENTS, WIDTH)).astype(np.float32)
WEIGHT_DK = SOURCE.normal(size=(WIDTH, len(LABELS))).astype(np.float32)
TEXTS = ["a great film", "the story", "a dull and tedious movie with a weak plot", "", "superb", "b c d e f g h " * 9]


def write_graph(file: Path, *, sign: float = 1.0, segments: bool = False) -> None:
    """Write mean-of-embeddings times a matrix; `sign` turns the answers around, so that graphs can be told apart."""
    nodes = [
        helper.make_node("Gather", ["table", "input_ids"], ["words"]),
        *([helper.make_node("Gather", ["segment_table", "token_type_ids"], ["kinds"]),
           helper.make_node("Add", ["words", "kinds"], ["states"])] if segments
          else [helper.make_node("Identity", ["words"], ["states"])]),
        helper.make_node("Cast", ["attention_mask"], ["mask"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["mask", "last"], ["weights"]),
        helper.make_node("Mul", ["states", "weights"], ["kept"]),
        helper.make_node("ReduceSum", ["kept", "one"], ["sum"], keepdims=0),
        helper.make_node("ReduceSum", ["weights", "one"], ["count"], keepdims=0),
        helper.make_node("Div", ["sum", "count"], ["embedding"]),
        helper.make_node("MatMul", ["embedding", "weight"], ["logits"]),
    ]  # fmt: skip
    names = ["input_ids", "attention_mask", *(["token_type_ids"] if segments else [])]
    graph = helper.make_graph(
        nodes,
        "mean",
        [helper.make_tensor_value_info(name, TensorProto.INT64, ["B", "T"]) for name in names],
        [
            helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["B", len(LABELS)]),
            helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["B", WIDTH]),
        ],
        [
            numpy_helper.from_array(TABLE_VD, "table"),
            numpy_helper.from_array(SEGMENT_SD, "segment_table"),
            numpy_helper.from_array(sign * WEIGHT_DK, "weight"),
            numpy_helper.from_array(np.array([2]), "last"),
            numpy_helper.from_array(np.array([1]), "one"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    onnx.checker.check_model(model)
    onnx.save(model, str(file))


def make_artifact(folder: Path, tokenizer: Path, **changes: object) -> Artifact:
    """Seal a folder with the graph, its opposite as the fallback, and a tokenizer."""
    folder.mkdir(parents=True)
    write_graph(folder / MODEL)
    write_graph(folder / FALLBACK, sign=-1.0)
    shutil.copyfile(tokenizer / "tokenizer.json", folder / "tokenizer.json")
    extra = {"precision": "int8", "processor_flags": processor_flags(), "pad_id": 0}
    described = {"runtime": "onnx", "task": "text_classification", "task_options": {"labels": LABELS}}
    store.seal(folder, Manifest(**{**described, "max_tokens": 32, "extra": extra, **changes}))
    return Artifact.open(folder)


@pytest.fixture(scope="module")
def artifact(tiny_start: Path, tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    return make_artifact(tmp_path_factory.mktemp("onnx") / "model", tiny_start)


@pytest.fixture(scope="module")
def runtime(artifact: Artifact) -> Runtime:
    return Runtime(artifact, threads=2)


def by_hand(runtime: Runtime, texts: list[str], sign: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Return scores and embeddings computed row by row with NumPy."""
    rows = runtime.encode({"text": texts}).ids
    embedding_ND = np.stack([TABLE_VD[ids].mean(axis=0) for ids in rows])
    exponent_NK = np.exp(sign * embedding_ND @ WEIGHT_DK)
    return exponent_NK / exponent_NK.sum(axis=1, keepdims=True), embedding_ND


def test_scores_and_embeddings_are_those_computed_by_hand(runtime: Runtime):
    found = runtime.predict({"text": TEXTS}, embeddings=True)
    scores_NK, embedding_ND = by_hand(runtime, TEXTS)
    np.testing.assert_allclose(found.outputs["scores"], scores_NK, atol=1e-5)
    np.testing.assert_allclose(found.embedding_ND, embedding_ND, atol=1e-5)
    assert found.num_tokens_N.tolist() == [len(ids) for ids in runtime.encode({"text": TEXTS}).ids]
    assert runtime.predict({"text": TEXTS}).embedding_ND is None


def test_a_text_too_long_is_cut_and_said_to_be(runtime: Runtime):
    found = runtime.predict({"text": TEXTS})
    assert found.truncated_N.tolist() == [False] * 5 + [True]
    assert found.num_tokens_N.max() == 32


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    texts=st.lists(st.text(alphabet="abc great\n\0é", max_size=60), min_size=1, max_size=40),
    token_budget=st.integers(1, 200),
)
def test_neither_company_nor_padding_changes_an_answer(runtime: Runtime, texts: list[str], token_budget: int):
    runtime.token_budget = token_budget
    try:
        found = runtime.predict({"text": texts}, embeddings=True)
    finally:
        del runtime.token_budget
    scores_NK, embedding_ND = by_hand(runtime, texts)
    np.testing.assert_allclose(found.outputs["scores"], scores_NK, atol=1e-5)
    np.testing.assert_allclose(found.embedding_ND, embedding_ND, atol=1e-5)


def test_no_rows_give_empty_answers_of_the_right_shape(runtime: Runtime):
    found = runtime.predict({"text": []}, embeddings=True)
    assert found.outputs["scores"].shape == (0, len(LABELS))
    assert found.embedding_ND is not None
    assert found.embedding_ND.shape == (0, WIDTH)
    assert len(found.num_tokens_N) == len(found.truncated_N) == 0


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_the_number_of_threads_changes_nothing(artifact: Artifact, threads: int):
    opened = Runtime(artifact, threads=threads)
    texts = TEXTS * 7
    np.testing.assert_allclose(opened.predict({"text": texts}).outputs["scores"], by_hand(opened, texts)[0], atol=1e-5)


def test_many_rows_run_side_by_side_and_come_back_in_order(artifact: Artifact, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("oreline.runtime.onnx.SIDE_BY_SIDE_ROWS", 8)
    opened = Runtime(artifact, threads=2)
    opened.token_budget = 24
    used = set()
    forward = Runtime.forward
    monkeypatch.setattr(
        Runtime, "forward", lambda self, *a, **k: (used.add(threading.get_ident()), forward(self, *a, **k))[1]
    )
    texts = TEXTS * 30
    found = opened.predict({"text": texts}, embeddings=True)
    np.testing.assert_allclose(found.outputs["scores"], by_hand(opened, texts)[0], atol=1e-5)
    np.testing.assert_allclose(found.embedding_ND, by_hand(opened, texts)[1], atol=1e-5)
    assert threading.get_ident() not in used, "batches run in threads of their own"
    used.clear()
    opened.predict({"text": texts[:7]})
    assert used == {threading.get_ident()}, "few rows are answered by all cores in one batch"


def test_the_checked_processor_gets_the_int8_graph(artifact: Artifact):
    opened = open_runtime(artifact)
    assert (opened.precision, opened.is_fallback) == ("int8", False)


def test_another_processor_gets_the_fp32_graph(tiny_start: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture):
    extra = {"precision": "int8", "processor_flags": [*processor_flags(), "avx9000"], "pad_id": 0}
    artifact = make_artifact(tmp_path / "model", tiny_start, extra=extra)
    with caplog.at_level(logging.WARNING, logger="oreline"):
        opened = Runtime(artifact)
    assert "avx9000" in caplog.text
    assert (opened.precision, opened.is_fallback) == ("fp32", True)
    scores_NK = opened.predict({"text": TEXTS}).outputs["scores"]
    np.testing.assert_allclose(scores_NK, by_hand(opened, TEXTS, sign=-1.0)[0], atol=1e-5)


def test_the_fp32_graph_is_not_read_unless_needed(tiny_start: Path, tmp_path: Path):
    artifact = make_artifact(tmp_path / "model", tiny_start)
    (artifact.path / FALLBACK).write_bytes(b"not a graph")
    assert not Runtime(artifact).is_fallback
    with pytest.raises(ArtifactError, match="cannot load the graph") as refusal:
        Runtime(artifact, fallback=True)
    assert refusal.value.where.endswith(FALLBACK)


def test_a_missing_fallback_is_named(tiny_start: Path, tmp_path: Path):
    folder = tmp_path / "model"
    made = make_artifact(folder, tiny_start)
    (folder / FALLBACK).unlink()
    store.seal(folder, made.manifest)
    with pytest.raises(ArtifactError, match=FALLBACK):
        Runtime(Artifact.open(folder), fallback=True)


def test_a_damaged_tokenizer_is_named(tiny_start: Path, tmp_path: Path):
    artifact = make_artifact(tmp_path / "model", tiny_start)
    (artifact.path / "tokenizer.json").write_text("{}")
    with pytest.raises(ArtifactError, match=r"tokenizer\.json cannot be read"):
        Runtime(artifact)


def test_a_graph_with_token_types_is_given_them(tiny_start: Path, tmp_path: Path):
    artifact = make_artifact(tmp_path / "model", tiny_start)
    write_graph(artifact.path / MODEL, segments=True)
    opened = Runtime(artifact)
    embedding_ND = opened.predict({"text": TEXTS}, embeddings=True).embedding_ND
    np.testing.assert_allclose(embedding_ND, by_hand(opened, TEXTS)[1] + SEGMENT_SD[0], atol=1e-5)
    encoded = opened.encode({"text": ["a film"]})
    of_second = encoded._replace(segments=[np.ones(len(encoded.ids[0]), np.int32)])
    embedding_BD = opened.forward(of_second, embeddings=True).embedding_ND
    np.testing.assert_allclose(embedding_BD, by_hand(opened, ["a film"])[1] + SEGMENT_SD[1], atol=1e-5)


def test_it_predicts_where_torch_and_frames_are_not_installed(artifact: Artifact):
    program = """
import sys
for name in ("torch", "transformers", "polars", "pyarrow", "sklearn", "onnx"):
    sys.modules[name] = None
from oreline.runtime.open import open_runtime
print(open_runtime(sys.argv[1]).predict({"text": ["a great film"]}).outputs["scores"].shape)
"""
    done = subprocess.run(
        [sys.executable, "-c", program, str(artifact.path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "(1, 3)"


def test_a_session_leaves_the_arithmetic_of_the_process_alone(tmp_path: Path) -> None:
    """ONNX Runtime's option to flush denormals would do so for the whole calling thread, NumPy and Polars included."""
    file = tmp_path / "graph.onnx"
    write_graph(file)
    open_session(file, threads=1).run(None, {"input_ids": np.array([[1]]), "attention_mask": np.array([[1]])})
    assert sys.float_info.min / 2 > 0.0
