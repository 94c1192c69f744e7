"""The routes are those that the design names, each described, each answering errors in our form."""

from __future__ import annotations

from pathlib import Path

import pytest
from fastapi import FastAPI, HTTPException
from fastapi.testclient import TestClient

from oreline.errors import ResourceError
from oreline.serve import routes
from oreline.serve.service import Service
from oreline.serve.settings import Settings


@pytest.fixture
def app(model: Path) -> FastAPI:
    """The routes alone, without gateway and lifespan; the service's threads are started."""
    service = Service(model, Settings(log=False))
    app = FastAPI(description="Routes alone.", docs_url=None, redoc_url=None)
    app.state.service = service
    for router in (routes.model_routes(service), routes.log_routes(), routes.health_routes()):
        app.include_router(router)
    routes.add_docs(app)
    routes.add_errors(app, inputs=("text",))
    service.start()
    yield app
    service.close()


def test_every_route_is_there_with_what_it_may_answer(app: FastAPI) -> None:
    described = {
        (method.upper(), path): set(about["responses"])
        for path, methods in app.openapi()["paths"].items()
        for method, about in methods.items()
    }
    refused = {"200", "401", "408", "413", "422", "429", "503", "504"}
    assert described == {
        ("POST", "/predict"): refused,
        ("POST", "/explain"): refused,
        ("POST", "/feedback"): refused | {"404"},
        ("DELETE", "/predictions/{id}"): refused | {"404"},
        ("GET", "/health/live"): {"200"},
        ("GET", "/health/ready"): {"200", "503"},
        ("GET", "/metrics"): {"200"},
    }
    assert all(about["description"] for methods in app.openapi()["paths"].values() for about in methods.values())


def test_they_answer(app: FastAPI) -> None:
    client = TestClient(app)
    assert client.post("/predict", json={"text": "a great film"}).json()["label"] == "fresh"
    assert client.get("/health/ready").json()["status"] == "ready"
    assert client.get("/metrics").headers["content-type"].startswith("text/plain; version=0.0.4")
    assert "/predict" in client.get("/docs").text


@pytest.mark.parametrize(
    ("raised", "status", "what"),
    [
        (ResourceError("the disk is full"), 503, "the disk is full"),
        (HTTPException(418, "a teapot", headers={"X-Tea": "green"}), 418, "a teapot"),
    ],
)
def test_errors_have_our_form(app: FastAPI, raised: Exception, status: int, what: str) -> None:
    async def fail() -> None:
        raise raised

    app.add_api_route("/fail", fail)
    answer = TestClient(app).get("/fail")
    assert answer.status_code == status
    assert answer.json()["error"]["what"] == what
    assert answer.headers.get("x-tea") == ("green" if status == 418 else None)
