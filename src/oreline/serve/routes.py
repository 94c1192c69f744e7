"""The routes, and the errors they answer with. They reach the service through `request.app.state.service`."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, Response

from oreline.errors import OrelineError
from oreline.serve import completions, vectors
from oreline.serve import schemas as wire
from oreline.serve.docs_page import docs_page
from oreline.serve.faults import invalid, unreadable
from oreline.serve.gateway import model_headers
from oreline.serve.meters import CONTENT_TYPE
from oreline.serve.refusals import Refusal, as_json, refusal
from oreline.serve.service import Gone, Service

_Answers = dict[int | str, dict[str, Any]]
_REFUSED: _Answers = {
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
_OPENAI: _Answers = {
    (400 if status == 422 else status): {**answer, "model": wire.OpenAIError} for status, answer in _REFUSED.items()
} | {"4XX": {"model": wire.OpenAIError, "description": "Any other wrong request."}}
_UNKNOWN: _Answers = {404: {"model": wire.ErrorAnswer, "description": "No such prediction is logged."}}


def model_routes(service: Service) -> APIRouter:
    """Return the routes that ask the model; their requests have the fields that its task reads."""
    router = APIRouter(tags=["model"], responses=_REFUSED)
    task, settings = service.live.current.task, service.settings
    requests = wire.requests_for(
        task.inputs,
        max_rows=settings.max_rows,
        explain_max_chars=settings.explain_max_chars,
        dialogues=getattr(task, "dialogues", False),
        occluded=getattr(task, "occluded", None),
    )

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
        given = body.model_dump()
        row = {role: given[role] for role in getattr(task, "occluded", task.inputs) if given[role] is not None}
        explanation, served = await service.explain(row, given["label"], _gone(request))
        content = {**explanation, "model": served.identity}
        return as_json(content, headers=model_headers(served.identity))

    # The fields of a row come from the task, so the types exist only now, not where the functions are written.
    predict.__annotations__["body"] = requests.predict
    explain.__annotations__["body"] = requests.explain
    answers = wire.OneAnswer | wire.ManyAnswer
    router.add_api_route("/predict", predict, methods=["POST"], response_model=answers)
    router.add_api_route("/explain", explain, methods=["POST"], response_model=wire.Explanation)
    if service.live.current.task.view == "retrieval":
        router.include_router(vectors.vector_routes(service, _gone, _OPENAI))
    if getattr(task, "dialogues", False):
        router.include_router(completions.completion_routes(service, _gone, _OPENAI))
    return router


def log_routes() -> APIRouter:
    """Return the routes to logged predictions."""
    router = APIRouter(tags=["log"], responses={**_REFUSED, **_UNKNOWN})

    @router.post("/feedback", response_model=wire.Done)
    async def feedback(request: Request, body: wire.Feedback) -> Response:
        """Report the true label of an earlier prediction; it is kept in the log beside it."""
        await _service(request).feedback(body.id, body.label)
        return _done(request, body.id, "label recorded")

    @router.delete("/predictions/{id}", response_model=wire.Done)
    async def delete(request: Request, id: wire.PredictionId) -> Response:
        """Erase a logged prediction: its input, answer, embedding and feedback."""
        await _service(request).delete(id)
        return _done(request, id, "deleted")

    return router


def health_routes() -> APIRouter:
    """Return the routes for probes and scrapers."""
    router = APIRouter(tags=["health"])

    @router.get("/health/live")
    async def live(request: Request) -> Response:
        """Say that the process answers; restart it when it does not."""
        return as_json({"status": "live", "model": _service(request).live.current.identity})

    @router.get("/health/ready", responses={503: {"description": "Send it no requests."}})
    async def ready(request: Request) -> Response:
        """Run a golden row through the live model; send requests only while this says 200."""
        service = _service(request)
        faults = await service.faults()
        body = {
            "status": "not ready" if faults else "ready",
            "faults": faults,
            "failed_swap": service.live.failure,
            "model": service.live.current.identity,
        }
        return as_json(body, 503 if faults else 200)

    @router.get("/metrics")
    async def metrics(request: Request) -> Response:
        """Return all meters for Prometheus."""
        return Response(_service(request).meters.text(), media_type=CONTENT_TYPE)

    return router


def add_docs(app: FastAPI) -> None:
    """Add the page at /docs, which needs no network."""

    async def docs() -> Response:
        return HTMLResponse(docs_page(app.openapi()))

    app.add_api_route("/docs", docs, include_in_schema=False)


def add_errors(app: FastAPI, *, inputs: tuple[str, ...]) -> None:
    """Answer every error in our form."""
    known = {"/predict": (*inputs, "rows"), "/explain": (*inputs, "label"), "/feedback": ("id", "label")}
    known |= {vectors.PATH: vectors.FIELDS, completions.PATH: completions.FIELDS}

    async def on_invalid(request: Request, error: Exception) -> Response:
        faults = error.errors() if isinstance(error, RequestValidationError) else []
        return refusal(invalid(faults, known.get(request.url.path, ())), request.url.path)

    app.add_exception_handler(OrelineError, _on_error)
    app.add_exception_handler(RequestValidationError, on_invalid)
    app.add_exception_handler(HTTPException, _on_http)


def _service(request: Request) -> Service:
    service: Service = request.app.state.service
    return service


def _done(request: Request, id: str, done: str) -> Response:
    return as_json({"id": id, "done": done, "model": _service(request).live.current.identity})


def _gone(request: Request) -> Gone:
    async def gone() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass

    return gone


async def _on_error(request: Request, error: Exception) -> Response:
    return refusal(error if isinstance(error, OrelineError) else OrelineError(str(error)), request.url.path)


async def _on_http(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    if status == 400:  # FastAPI's answer to a body that its parser gave up on
        return refusal(unreadable(error.__cause__), request.url.path)
    detail = str(error.detail) if isinstance(error, HTTPException) else "failed"
    place = request.url.path
    answer = refusal(Refusal(detail, status=status, where=place[:200], remedy="see /docs for every route"), place)
    if isinstance(error, HTTPException):
        answer.headers.update(error.headers or {})
    return answer
