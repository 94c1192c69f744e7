"""Every route of the real application, over a real model."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from fastapi.testclient import TestClient

from oreline.errors import ArtifactError, UsageError
from oreline.runtime.open import open_runtime
from oreline.serve import schemas
from oreline.serve.app import create_app
from oreline.serve.settings import Settings
from oreline.store import Artifact

MakeClient = Callable[..., TestClient]
JSON = {"Content-Type": "application/json"}
TEXTS = ["a great and warm film", "", "a dull, lifeless plot 了不起", "x" * 500]


def _error(answer) -> dict[str, str]:
    return answer.json()["error"]


def test_one_row_gets_the_answer_of_the_runtime(client: TestClient, model: Path) -> None:
    answer = client.post("/predict", json={"text": TEXTS[0]})
    assert answer.status_code == 200
    expected = open_runtime(model).predict({"text": TEXTS[:1]}).outputs["scores"][0]
    body = answer.json()
    assert body["label"] == "fresh"
    np.testing.assert_allclose(list(body["scores"].values()), expected, atol=1e-6)
    assert schemas.OneAnswer.model_validate(body).model_dump() == body
    assert body["warnings"] == []


def test_many_rows_keep_their_order(client: TestClient, model: Path) -> None:
    answer = client.post("/predict", json={"rows": [{"text": text} for text in TEXTS]}).json()
    assert schemas.ManyAnswer.model_validate(answer).model_dump() == answer
    expected = open_runtime(model).predict({"text": TEXTS}).outputs["scores"]
    got = [list(row["scores"].values()) for row in answer["predictions"]]
    np.testing.assert_allclose(got, expected, atol=1e-6)
    assert len({row["id"] for row in answer["predictions"]}) == len(TEXTS)


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/predict"), ("POST", "/explain"), ("GET", "/health/live"), ("GET", "/health/ready"), ("GET", "/nope")],
)
def test_every_answer_names_the_model(client: TestClient, artifact: Artifact, method: str, path: str) -> None:
    answer = client.request(method, path, json={"text": "good"} if method == "POST" else None)
    assert answer.headers["x-oreline-model"] == artifact.id
    assert answer.headers["x-oreline-version"] == artifact.version
    assert answer.headers["x-oreline-precision"] == "fp32"
    if answer.is_success:
        assert answer.json()["model"] == {"id": artifact.id, "version": artifact.version, "precision": "fp32"}


def test_explain_names_the_word_that_decides(client: TestClient) -> None:
    body = client.post("/explain", json={"text": "the film is wonderful"}).json()
    assert schemas.Explanation.model_validate(body).model_dump() == body
    assert max(body["words"], key=lambda word: word["weight"])["word"] == "wonderful"
    other = client.post("/explain", json={"text": "the film is wonderful", "label": "rotten"}).json()
    assert other["label"] == "rotten"
    assert min(other["words"], key=lambda word: word["weight"])["word"] == "wonderful"


@pytest.mark.parametrize(
    ("path", "body", "what", "where"),
    [
        ("/predict", {"txt": "a"}, "unknown field 'txt'", "body.txt"),
        ("/predict", {}, "'text' is missing", "body.text"),
        ("/predict", {"text": 5}, "not a text: 5", "body.text"),
        ("/predict", {"text": None}, "not a text: null", "body.text"),
        ("/predict", {"text": ["a"]}, "not a text: a list", "body.text"),
        ("/predict", ["a"], "not an object: a list", "body"),
        ("/predict", {"rows": []}, "'rows' is empty", "body.rows"),
        ("/predict", {"rows": [{"text": "a"}, {"text": 1.5}]}, "not a text: 1.5", "body.rows.1.text"),
        ("/predict", {"rows": [{"text": "a"}] * 10_000}, "10,000 rows are too many", "body.rows"),
        ("/predict", {"text": "a", "rows": []}, "unknown field 'text'", "body.text"),
        ("/explain", {"text": "a" * 3000}, "3,000 characters are too many", "body.text"),
        ("/explain", {"text": "a", "label": "frehs"}, "the model has no label 'frehs'", ""),
        ("/feedback", {"id": "0" * 32, "label": "frehs"}, "unknown label 'frehs'", "label"),
        ("/feedback", {"id": "zz", "label": "fresh"}, "not an id: 'zz'", "body.id"),
    ],
)
def test_wrong_requests_say_what_and_where(client: TestClient, path: str, body: object, what: str, where: str) -> None:
    answer = client.post(path, json=body)
    assert answer.status_code == 422
    error = _error(answer)
    assert error["what"].startswith(what)
    assert error.get("where", "") == where
    assert len(answer.content) < 1000


def test_a_misspelt_field_is_corrected(client: TestClient) -> None:
    assert "did you mean 'text'" in _error(client.post("/predict", json={"txt": "a"}))["allowed"]
    assert "did you mean 'fresh'" in _error(client.post("/explain", json={"text": "a", "label": "frehs"}))["allowed"]


def test_too_many_rows_name_the_limit(client: TestClient) -> None:
    assert _error(client.post("/predict", json={"rows": [{"text": "a"}] * 257}))["allowed"] == (
        "at most 256 in one request"
    )


@pytest.mark.parametrize("body", [b'{"text": "\\ud800"}', b'{"rows": [{"text": "ok"}, {"text": "x\\udfff"}]}'])
def test_lone_surrogates_are_refused(client: TestClient, body: bytes) -> None:
    answer = client.post("/predict", content=body, headers=JSON)
    assert answer.status_code == 422
    assert "lone surrogate" in _error(answer)["what"]


@pytest.mark.parametrize(
    ("body", "what"),
    [
        (b"", "'body' is missing"),
        (b"{", "the body is not JSON"),
        (b"\xff\xfe", "the body is not JSON"),
        (b'"\xff"', "the body is not UTF-8: byte 0xff at position 1"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"text": "a"} x', "the body is not JSON"),
        (b"NaN", "not an object"),
    ],
)
def test_what_is_no_json_is_refused(client: TestClient, body: bytes, what: str) -> None:
    answer = client.post("/predict", content=body, headers=JSON)
    assert answer.status_code == 422
    assert what in _error(answer)["what"]


def test_a_body_that_is_not_sent_as_json_is_told_so(client: TestClient) -> None:
    answer = client.post("/predict", content=b'{"text": "a"}', headers={"Content-Type": "text/plain"})
    assert answer.status_code == 422
    assert _error(answer)["allowed"] == "Content-Type: application/json"


def test_a_huge_wrong_value_is_not_sent_back(client: TestClient) -> None:
    for body in ({"k" * 500_000: 1}, {"rows": "y" * 500_000}, {"text": 10**4000}):
        answer = client.post("/predict", json=body)
        assert answer.status_code == 422
        assert len(answer.content) < 1000


def test_unknown_routes_and_methods_have_our_form(client: TestClient) -> None:
    assert _error(client.get("/nope"))["what"] == "Not Found"
    answer = client.get("/predict")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST"


def test_a_long_text_is_answered(client: TestClient) -> None:
    assert client.post("/predict", json={"text": "a great film " * 8000}).json()["label"] == "fresh"


def test_feedback_and_deletion_reach_the_log(make_client: MakeClient, tmp_path: Path) -> None:
    from oreline.monitor.log import PredictionLog

    client = make_client()
    first, second = client.post("/predict", json={"rows": [{"text": "great"}, {"text": "dull"}]}).json()["predictions"]
    # At once: both wait behind the predictions that they name.
    assert client.post("/feedback", json={"id": first["id"], "label": "rotten"}).status_code == 200
    assert client.delete(f"/predictions/{second['id']}").status_code == 200
    log = PredictionLog(tmp_path / "log.sqlite", create=False)
    [row] = log.feedback_rows()
    assert (row["text"], row["label"], row["predicted"]) == ("great", "rotten", "fresh")
    sample = log.sample()
    assert sample.ids == [first["id"]]
    assert sample.embedding_ND.shape == (1, 256)
    log.close()
    for answer in (
        client.delete(f"/predictions/{second['id']}"),
        client.post("/feedback", json={"id": second["id"], "label": "fresh"}),
    ):
        assert answer.status_code == 404
        assert "no logged prediction" in _error(answer)["what"]


def test_without_a_log_feedback_says_so(make_client: MakeClient) -> None:
    client = make_client(log=False)
    id = client.post("/predict", json={"text": "great"}).json()["id"]
    answer = client.post("/feedback", json={"id": id, "label": "fresh"})
    assert answer.status_code == 404
    assert "not logged" in _error(answer)["what"]


def test_ready_runs_the_golden_rows(make_client: MakeClient) -> None:
    client = make_client()
    assert client.get("/health/ready").json()["status"] == "ready"
    service = client.app.state.service
    service.live.current.golden[1]["scores"] = [0.9, 0.1]
    answers = []
    for _ in service.live.current.golden:  # each check takes the next row
        service._checked_s = -10.0
        answers.append(client.get("/health/ready"))
    [answer] = [answer for answer in answers if answer.status_code != 200]
    assert answer.status_code == 503
    assert "golden row 2" in answer.json()["faults"][0]
    assert client.get("/health/live").status_code == 200


def test_a_model_that_does_not_repeat_its_golden_rows_is_not_served(make_model, monkeypatch) -> None:
    folder = make_model()
    manifest = json.loads((folder / "oreline.json").read_text())
    manifest["golden"][0]["scores"] = [0.2, 0.8]
    from oreline.store import Manifest, seal

    seal(folder, Manifest.model_validate(manifest))
    with pytest.raises(ArtifactError, match="golden row 1"):
        create_app(folder, settings=Settings())
    assert [path.name for path in folder.parent.iterdir()] == [folder.name], "no log of a server that never served"


def test_metrics_count_what_happened(make_client: MakeClient) -> None:
    client = make_client()
    client.post("/predict", json={"rows": [{"text": "great"}, {"text": "dull"}]})
    client.post("/predict", json={"txt": "great"})
    lines = set(client.get("/metrics").text.splitlines())
    assert 'oreline_rows_total{label="fresh"} 1.0' in lines
    assert 'oreline_requests_total{route="/predict",status="200"} 1.0' in lines
    assert 'oreline_refused_total{reason="invalid"} 1.0' in lines
    assert "oreline_queue_rows 0.0" in lines
    assert "oreline_models_loaded 1.0" in lines


def test_openapi_describes_every_route(client: TestClient) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    assert set(paths) == {
        "/predict", "/explain", "/feedback", "/predictions/{id}", "/health/live", "/health/ready", "/metrics",
    }  # fmt: skip
    assert {"200", "401", "413", "422", "429", "503", "504"} <= set(paths["/predict"]["post"]["responses"])


class TestToken:
    """The bearer token."""

    @pytest.fixture
    def guarded(self, make_client: MakeClient, monkeypatch: pytest.MonkeyPatch) -> TestClient:
        monkeypatch.setenv("ORELINE_TOKEN", "geheim-Ü")
        return make_client()

    @pytest.mark.parametrize("given", [None, "Bearer wrong", "geheim", b"Bearer \xff", "bearer geheim", "Bearer "])
    def test_requests_without_it_are_refused(self, guarded: TestClient, given: str | bytes | None) -> None:
        headers = {} if given is None else {"Authorization": given}
        for answer in (
            guarded.post("/predict", json={"text": "a"}, headers=headers),
            guarded.delete("/predictions/" + "0" * 32, headers=headers),
        ):
            assert answer.status_code == 401
            assert answer.headers["www-authenticate"] == "Bearer"
            assert "geheim" not in answer.text.replace("ORELINE_TOKEN", "")

    def test_requests_with_it_are_served(self, guarded: TestClient) -> None:
        headers = {"Authorization": "Bearer geheim-Ü".encode()}
        assert guarded.post("/predict", json={"text": "a"}, headers=headers).status_code == 200

    @pytest.mark.parametrize("path", ["/health/live", "/health/ready", "/metrics", "/docs", "/openapi.json"])
    def test_probes_are_open(self, guarded: TestClient, path: str) -> None:
        assert guarded.get(path).status_code == 200

    def test_it_is_never_logged(self, guarded: TestClient, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level("DEBUG")
        guarded.post("/predict", json={"text": "a"}, headers={"Authorization": "Bearer geheim-wrong"})
        assert "geheim" not in caplog.text

    def test_an_empty_one_is_an_error(self, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("ORELINE_TOKEN", " ")
        with pytest.raises(UsageError, match="ORELINE_TOKEN is empty"):
            create_app(model, settings=Settings(log=False))


def test_a_text_of_100_000_characters_is_cut_counted_and_warned_of(make_client: MakeClient, onnx_model: Path) -> None:
    client = make_client(onnx_model)
    rows = [{"text": "a great film"}, {"text": "superb " * 14_286}]
    answer = client.post("/predict", json={"rows": rows}).json()
    assert [row["truncated"] for row in answer["predictions"]] == [False, True]
    assert answer["predictions"][1]["label"] == "fresh"
    assert answer["warnings"] == ["1 of 2 texts had more than 16 tokens and were cut"]
    assert client.post("/predict", json=rows[1]).json()["truncated"] is True
    assert "oreline_rows_cut_total 2.0" in client.get("/metrics").text


def test_a_row_that_the_task_cannot_read_is_refused_alone(triple_models) -> None:
    with TestClient(create_app(triple_models[1].path, settings=Settings())) as client:
        good = {"text": "the <e1:PER>great</e1> with <e2:ORG>dull</e2>"}
        assert client.post("/predict", json=good).json()["label"] == "works_for"
        answer = client.post("/predict", json={"rows": [good, {"text": "no marks"}]})
        assert answer.status_code == 422
        assert _error(answer)["where"] == "rows[1]"
        assert "no relation can be told" in _error(answer)["what"]
