"""The HTTP application: routes, and the errors they answer with."""

from __future__ import annotations

import contextlib
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, Response

from oreline.errors import OrelineError, UsageError
from oreline.serve import schemas as wire
from oreline.serve.docs_page import docs_page
from oreline.serve.faults import invalid
from oreline.serve.gateway import Gateway, model_headers
from oreline.serve.meters import CONTENT_TYPE
from oreline.serve.refusals import Refusal, as_json, refusal
from oreline.serve.service import Gone, Service
from oreline.serve.settings import Settings

TOKEN_VARIABLE = "ORELINE_TOKEN"
_ERRORS: dict[int | str, dict[str, Any]] = {
    status: {"model": wire.ErrorAnswer, "description": about}
    for status, about in {
        401: "No valid token.",
        408: "The body did not arrive in time.",
        413: "The body is too large.",
        422: "The request is wrong; the error says where.",
        429: "Too many rows wait; send again after Retry-After seconds.",
        503: "The server is going away, or its log cannot be reached.",
        504: "The answer was not ready in time.",
    }.items()
}


def create_app(model: str | Path, *, settings: Settings | None = None) -> FastAPI:
    """Open a model and return the application that serves it.

    Args:
        model: an artifact, a model home (its champion is followed as it changes) or `HOME@alias`.
        settings: limits, the log, and so on.

    Raises:
        ArtifactError: the model is damaged or does not repeat its golden answers.
        UsageError: `ORELINE_TOKEN` is set but empty.
    """
    token = os.environ.get(TOKEN_VARIABLE)
    if token is not None and not token.strip():
        raise UsageError(f"the environment variable {TOKEN_VARIABLE} is empty", remedy="set a token, or unset it")
    service = Service(model, settings or Settings())

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        service.start()
        try:
            yield
        finally:
            service.close()

    app = FastAPI(
        title="Oreline",
        description=f"Predicts with {Path(model).name}.",
        version=service.live.current.identity["version"],
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
    )
    app.state.service = service
    app.include_router(_model_routes(service), responses=_ERRORS)
    app.include_router(_log_routes(service), responses=_ERRORS)
    app.include_router(_health_routes(service))
    app.add_api_route("/docs", lambda: HTMLResponse(docs_page(app.openapi())), include_in_schema=False)
    app.add_middleware(Gateway, service=service, token=token)
    app.add_exception_handler(OrelineError, _on_error)
    inputs = service.live.current.task.inputs
    known = {"/predict": (*inputs, "rows"), "/explain": (*inputs, "label"), "/feedback": ("id", "label")}

    async def on_invalid(request: Request, error: Exception) -> Response:
        faults = error.errors() if isinstance(error, RequestValidationError) else []
        return refusal(invalid(faults, known.get(request.url.path, ())))

    app.add_exception_handler(RequestValidationError, on_invalid)
    app.add_exception_handler(HTTPException, _on_http)
    return app


def _model_routes(service: Service) -> APIRouter:
    router = APIRouter(tags=["model"])
    inputs = service.live.current.task.inputs
    settings = service.settings
    requests = wire.requests_for(inputs, max_rows=settings.max_rows, explain_max_chars=settings.explain_max_chars)

    async def predict(request: Request, body: Any) -> Response:
        """Predict one row, or several under `rows`."""
        given = body.model_dump()
        rows = given.get("rows", [given])
        answers, served, warnings = await service.predict(rows, _gone(request))
        extra = {"model": served.identity, "warnings": warnings}
        content = {"predictions": answers, **extra} if "rows" in given else {**answers[0], **extra}
        return as_json(content, headers=model_headers(served.identity))

    async def explain(request: Request, body: Any) -> Response:
        """Say which words the answer to a row rests on."""
        row = body.model_dump()
        explanation, served = await service.explain(row, row.pop("label"), _gone(request))
        content = {**explanation, "model": served.identity}
        return as_json(content, headers=model_headers(served.identity))

    # The fields of a row come from the task, so the types exist only now, not where the functions are written.
    predict.__annotations__["body"] = requests.predict
    explain.__annotations__["body"] = requests.explain
    answers = wire.OneAnswer | wire.ManyAnswer
    router.add_api_route("/predict", predict, methods=["POST"], response_model=answers)
    router.add_api_route("/explain", explain, methods=["POST"], response_model=wire.Explanation)
    return router


def _log_routes(service: Service) -> APIRouter:
    router = APIRouter(tags=["log"])
    missing: dict[int | str, dict[str, Any]] = {
        404: {"model": wire.ErrorAnswer, "description": "No such prediction is logged."}
    }

    @router.post("/feedback", response_model=wire.Done, responses=missing)
    async def feedback(body: wire.Feedback) -> Response:
        """Report the true label of an earlier prediction; `oreline update` learns from it."""
        await service.feedback(body.id, body.label)
        return _done(service, body.id, "label recorded")

    @router.delete("/predictions/{id}", response_model=wire.Done, responses=missing)
    async def delete(id: wire.PredictionId) -> Response:
        """Erase a logged prediction: its input, answer, embedding and feedback."""
        await service.delete(id)
        return _done(service, id, "deleted")

    return router


def _health_routes(service: Service) -> APIRouter:
    router = APIRouter(tags=["health"])

    @router.get("/health/live")
    async def live() -> Response:
        """Say that the process answers; restart it when it does not."""
        return as_json({"status": "live", "model": service.live.current.identity})

    @router.get("/health/ready", responses={503: {"description": "Send it no requests."}})
    async def ready() -> Response:
        """Run a golden row through the live model; send requests only while this says 200."""
        faults = await service.faults()
        body = {
            "status": "not ready" if faults else "ready",
            "faults": faults,
            "failed_swap": service.live.failure,
            "model": service.live.current.identity,
        }
        return as_json(body, 503 if faults else 200)

    @router.get("/metrics")
    async def metrics() -> Response:
        """Return all meters for Prometheus."""
        return Response(service.meters.text(), media_type=CONTENT_TYPE)

    return router


def _done(service: Service, id: str, done: str) -> Response:
    return as_json({"id": id, "done": done, "model": service.live.current.identity})


def _gone(request: Request) -> Gone:
    async def gone() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass

    return gone


async def _on_error(_: Request, error: Exception) -> Response:
    return refusal(error if isinstance(error, OrelineError) else OrelineError(str(error)))


async def _on_http(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    detail = str(error.detail) if isinstance(error, HTTPException) else "failed"
    answer = refusal(Refusal(detail, status=status, where=request.url.path[:200], remedy="see /docs for every route"))
    if isinstance(error, HTTPException):
        answer.headers.update(error.headers or {})
    return answer
