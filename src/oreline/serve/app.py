"""The HTTP application: a service, its routes, and the gateway before them."""

from __future__ import annotations

import contextlib
import os
from collections.abc import AsyncIterator
from pathlib import Path

from fastapi import FastAPI

from oreline.errors import UsageError
from oreline.serve import routes
from oreline.serve.gateway import Gateway
from oreline.serve.service import Service
from oreline.serve.settings import Settings

TOKEN_VARIABLE = "ORELINE_TOKEN"


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
    for router in (routes.model_routes(service), routes.log_routes(), routes.health_routes()):
        app.include_router(router)
    routes.add_docs(app)
    task = service.live.current.task
    routes.add_errors(app, inputs=(*task.inputs, *(("messages",) if getattr(task, "dialogues", False) else ())))
    app.add_middleware(Gateway, service=service, token=token)
    return app
