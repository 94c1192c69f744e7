"""Exported graphs against the torch runtime: both forms of attention, both ways of reading a text."""

from __future__ import annotations

import importlib
import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest

from oreline import store
from oreline.compress.export import export
from oreline.errors import OrelineError
from oreline.runtime.batching import pad
from oreline.runtime.onnx import open_session
from oreline.runtime.open import open_runtime
from oreline.store import Artifact, Manifest

TEXTS = ["a great film", "the story", "a dull and tedious movie with a weak plot", "", "superb", "b c d e f g h " * 4]


def make_artifact(folder: Path, shallow_start: Path, pooling: str) -> Artifact:
    """Write a torch artifact with a new head."""
    from oreline.models.load import load_classifier, save_model

    folder.mkdir()
    save_model(load_classifier(shallow_start, 3, pooling=pooling), folder, labels=("a", "b", "c"))
    shutil.copyfile(shallow_start / "tokenizer.json", folder / "tokenizer.json")
    described = {"runtime": "torch", "task": "text_classification", "task_options": {"labels": ["a", "b", "c"]}}
    store.seal(folder, Manifest(**described, max_tokens=64))
    return Artifact.open(folder)


@pytest.mark.parametrize(("pooling", "attention"), [("first", "eager"), ("mean", "sdpa")])
def test_a_graph_gives_the_models_answers_for_any_shape(
    pooling: str, attention: str, shallow_start: Path, tmp_path: Path
):
    artifact, file = make_artifact(tmp_path / "model", shallow_start, pooling), tmp_path / "model.onnx"
    export(artifact, file, attention=attention)
    session, runtime = open_session(file), open_runtime(artifact)
    rows = runtime.encode({"text": TEXTS}).ids
    for part in (rows, rows[:1], rows[3:4], rows[::-1]):
        ids_BT, mask_BT = pad(part, 0, multiple=8)
        logits_BK, embedding_BD = session.run(["logits", "embedding"], {"input_ids": ids_BT, "attention_mask": mask_BT})
        exponent_BK = np.exp(logits_BK - logits_BK.max(axis=1, keepdims=True))
        encoded = runtime.encode({"text": TEXTS})._replace(ids=list(part), truncated_N=np.zeros(len(part), bool))
        expected = runtime.forward(encoded, embeddings=True)
        np.testing.assert_allclose(
            exponent_BK / exponent_BK.sum(axis=1, keepdims=True), expected.outputs["scores"], atol=1e-5
        )
        np.testing.assert_allclose(embedding_BD, expected.embedding_ND, atol=1e-4)
    graph = onnx.load(str(file)).graph
    assert [entry.name for entry in graph.input] == ["input_ids", "attention_mask"]
    assert [entry.name for entry in graph.output] == ["logits", "embedding"]


def test_a_model_that_cannot_be_traced_is_named(shallow_start: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    artifact = make_artifact(tmp_path / "model", shallow_start, "first")
    # `oreline.compress` is the verb as an attribute, so the module has to be asked for by its whole name.
    module = importlib.import_module("oreline.compress.export")

    def branching(self: object, input_ids, attention_mask):
        return (input_ids, attention_mask) if input_ids.sum().item() > 3 else (attention_mask, input_ids)

    monkeypatch.setattr(module._Graph, "forward", branching)
    with pytest.raises(OrelineError, match="cannot export this architecture with eager attention"):
        export(artifact, tmp_path / "model.onnx", attention="eager")


def test_a_graph_of_two_texts_is_told_which_token_is_of_which(shallow_start: Path, tmp_path: Path) -> None:
    from oreline.models.load import load_classifier, save_model

    folder, file = tmp_path / "model", tmp_path / "model.onnx"
    folder.mkdir()
    save_model(load_classifier(shallow_start, 2, pooling="token"), folder, labels=("start", "end"))
    shutil.copyfile(shallow_start / "tokenizer.json", folder / "tokenizer.json")
    store.seal(folder, Manifest(runtime="torch", task="question_answering", task_options={}, max_tokens=64))
    export(Artifact.open(folder), file, attention="eager")
    session, runtime = open_session(file), open_runtime(folder)
    encoded = runtime.encode({"text": ["a film", "the"], "text_pair": ["great story", "dull and tedious"]})
    given = dict(zip(["input_ids", "attention_mask"], pad(encoded.ids, 0)))
    types_BT = pad(encoded.segments, 0)[0]
    assert types_BT.any()
    logits_BT2 = session.run(["logits"], {**given, "token_type_ids": types_BT})[0]
    expected_BT2, _ = runtime._run(encoded, embeddings=False)
    mask_BT = given["attention_mask"].astype(bool)
    np.testing.assert_allclose(logits_BT2[mask_BT], expected_BT2[mask_BT], atol=1e-5)
    without = session.run(["logits"], {**given, "token_type_ids": np.zeros_like(types_BT)})[0]
    assert np.abs(without - expected_BT2)[mask_BT].max() > 1e-4


def test_a_graph_is_told_where_the_marks_are(shallow_start: Path, tmp_path: Path) -> None:
    from oreline.models.load import load_classifier, save_model

    folder, file = tmp_path / "model", tmp_path / "model.onnx"
    folder.mkdir()
    save_model(load_classifier(shallow_start, 2, pooling="marks"), folder, labels=("a", "b"))
    shutil.copyfile(shallow_start / "tokenizer.json", folder / "tokenizer.json")
    described = {"runtime": "torch", "task": "relation", "task_options": {"labels": ["a", "b"]}}
    store.seal(folder, Manifest(**described, max_tokens=64))
    export(Artifact.open(folder), file, attention="sdpa")
    session, runtime = open_session(file), open_runtime(folder)
    encoded = runtime.encode({"text": ["the <e1>film</e1> a <e2>story</e2>", "<e2>plot</e2> of <e1>a movie</e1> of"]})
    given = dict(zip(["input_ids", "attention_mask"], pad(encoded.ids, 0)))
    expected_BK, expected_BD = runtime._run(encoded, embeddings=True)
    for part in (slice(0, 2), slice(1, 2)):
        told = {
            **{name: rows[part] for name, rows in given.items()},
            "places": np.stack(encoded.places)[part].astype(np.int64),
        }
        logits_BK, embedding_BD = session.run(["logits", "embedding"], told)
        np.testing.assert_allclose(logits_BK, expected_BK[part], atol=1e-5)
        np.testing.assert_allclose(embedding_BD, expected_BD[part], atol=1e-4)
    assert expected_BD.shape == (2, 64)
