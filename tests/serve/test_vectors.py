"""`/v1/embeddings` as OpenAI's clients send it."""

from __future__ import annotations

import base64
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from fastapi.testclient import TestClient

from oreline.serve.vectors import FIELDS, PATH, request_for
from oreline.store import read_manifest, seal


@pytest.fixture
def client(onnx_model: Path, make_client: Callable[..., TestClient], tmp_path: Path) -> TestClient:
    """A server of a small model whose two outputs are taken for vectors."""
    folder = tmp_path / "vectors"
    shutil.copytree(onnx_model, folder)
    seal(folder, read_manifest(folder).model_copy(update={"task": "embedding", "task_options": {}}))
    return make_client(folder, max_rows=4)


def test_vectors_are_those_of_predict(client: TestClient) -> None:
    texts = ["a great film", "the dull plot"]
    answer = client.post(PATH, json={"input": texts, "model": "any"}).json()
    rows = client.post("/predict", json={"rows": [{"text": text} for text in texts]}).json()["predictions"]
    assert [entry["embedding"] for entry in answer["data"]] == [row["embedding"] for row in rows]
    assert [entry["index"] for entry in answer["data"]] == [0, 1]
    assert answer["usage"]["total_tokens"] == 2 * 5
    for entry in answer["data"]:
        assert np.linalg.norm(entry["embedding"]) == pytest.approx(1, abs=1e-5)


def test_one_text_in_base64(client: TestClient) -> None:
    plain, coded = (
        client.post(PATH, json={"input": "a great film", "encoding_format": encoding}).json()["data"][0]["embedding"]
        for encoding in ("float", "base64")
    )
    np.testing.assert_allclose(np.frombuffer(base64.b64decode(coded), "<f4"), plain, atol=1e-6)


def test_fewer_dimensions_are_scaled_again(client: TestClient) -> None:
    answer = client.post(PATH, json={"input": "a great film", "dimensions": 1}).json()
    assert answer["data"][0]["embedding"] == [1.0]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"input": "a", "dimensions": 9}, "dimensions is 9"),
        ({"input": []}, "input"),
        ({"input": ["a"] * 5}, "input"),
        ({"input": 5}, "input"),
        ({"inputs": "a"}, "did you mean 'input'"),
        ({"input": "a", "encoding_format": "hex"}, "encoding_format"),
    ],
)
def test_wrong_requests_are_told_so(client: TestClient, body: dict, said: str) -> None:
    answer = client.post(PATH, json=body)
    assert answer.status_code == 400
    assert said in answer.text


def test_other_models_have_no_such_route(make_client: Callable[..., TestClient]) -> None:
    assert make_client().post(PATH, json={"input": "a"}).status_code == 404


def test_the_fields_are_those_of_the_request() -> None:
    assert tuple(request_for(4).model_fields) == FIELDS
