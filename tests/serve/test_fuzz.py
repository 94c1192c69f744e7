"""Whatever is sent, the server answers with a status below 500, in the form that /openapi.json promises."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from oreline.serve import schemas
from oreline.serve.app import create_app
from oreline.serve.settings import Settings

ANY_TEXT = st.text(st.characters(codec=None), max_size=60)  # half surrogate pairs and NUL included
# ONNX Runtime may have turned subnormal numbers off in this thread, which Hypothesis would complain of.
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_subnormal=False) | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(ANY_TEXT, inner, max_size=4),
    max_leaves=12,
)
NEARLY_ROW = st.fixed_dictionaries({"text": ANY_TEXT}) | st.dictionaries(
    st.sampled_from(["text", "rows", "label", "id", "txt"]), ANY_JSON, max_size=3
)
NEARLY_REQUEST = NEARLY_ROW | st.fixed_dictionaries({"rows": st.lists(NEARLY_ROW, max_size=5)}) | ANY_JSON
FUZZ = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@pytest.fixture(scope="module")
def server(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    log = tmp_path_factory.mktemp("fuzz") / "log.sqlite"
    app = create_app(model, settings=Settings(log_url=str(log), explain_max_chars=50))
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


def _check(answer, answers: tuple[type, ...]) -> None:
    assert answer.status_code < 500, answer.text
    assert answer.headers["x-oreline-version"]
    if answer.is_success:
        body = answer.json()
        assert any(kind.model_validate(body).model_dump() == body for kind in answers)
    else:
        assert schemas.ErrorAnswer.model_validate(answer.json()).error.what
        assert len(answer.content) < 2000


@FUZZ
@given(body=NEARLY_REQUEST)
def test_predict(server: TestClient, body: object) -> None:
    kind = schemas.ManyAnswer if isinstance(body, dict) and "rows" in body else schemas.OneAnswer
    _check(_post(server, "/predict", body), (kind,))


@FUZZ
@given(body=NEARLY_ROW | ANY_JSON)
def test_explain(server: TestClient, body: object) -> None:
    _check(_post(server, "/explain", body), (schemas.Explanation,))


@FUZZ
@given(
    body=st.fixed_dictionaries({"id": st.just("0" * 32) | ANY_TEXT, "label": st.just("fresh") | ANY_TEXT}) | ANY_JSON
)
def test_feedback(server: TestClient, body: object) -> None:
    _check(_post(server, "/feedback", body), (schemas.Done,))


@FUZZ
@given(
    body=st.binary(max_size=200), kind=st.sampled_from(["application/json", "text/plain", "application/xml", "/", ""])
)
def test_bytes(server: TestClient, body: bytes, kind: str) -> None:
    answer = server.post("/predict", content=body, headers={"Content-Type": kind})
    _check(answer, (schemas.OneAnswer, schemas.ManyAnswer))


@FUZZ
@given(
    method=st.sampled_from(["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE"]),
    path=st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=30),
)
def test_paths(server: TestClient, method: str, path: str) -> None:
    answer = server.request(method, "/" + quote(path, safe="/?&=%").lstrip("/"))
    assert answer.status_code < 500


@FUZZ
@given(id=st.text(st.characters(codec="utf-8"), min_size=1, max_size=40))
def test_delete(server: TestClient, id: str) -> None:
    answer = server.delete(f"/predictions/{quote(id, safe='')}")
    assert answer.status_code in {404, 405, 422}


def test_it_serves_on(server: TestClient) -> None:
    assert server.get("/health/ready").status_code == 200
    assert server.post("/predict", json={"text": "great"}).json()["label"] == "fresh"
    assert 'status="5' not in server.get("/metrics").text


def _post(server: TestClient, path: str, body: object):
    # Python's own JSON writer escapes half surrogate pairs and writes NaN, as careless clients do.
    return server.post(path, content=json.dumps(body), headers={"Content-Type": "application/json"})
