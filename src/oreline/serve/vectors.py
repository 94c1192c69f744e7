"""`POST /v1/embeddings`, as clients of OpenAI's interface send it, for models that make vectors."""

from __future__ import annotations

import base64
from typing import Annotated, Any, Literal

import numpy as np
from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field, create_model
from starlette.responses import Response

from oreline.errors import DataError
from oreline.metrics.retrieval import unit
from oreline.serve.gateway import model_headers
from oreline.serve.refusals import as_json
from oreline.serve.schemas import Text
from oreline.serve.service import Gone, Service

PATH = "/v1/embeddings"
Encoding = Annotated[str, Field(pattern="^(float|base64)$")]
FIELDS = ("input", "model", "dimensions", "encoding_format", "user")


class Vector(BaseModel):
    """One text's vector."""

    object: Literal["embedding"] = "embedding"
    index: int
    embedding: list[float] | str


class Usage(BaseModel):
    """Tokens that were read."""

    prompt_tokens: int
    total_tokens: int


class Vectors(BaseModel):
    """A vector for each text, in their order."""

    object: Literal["list"] = "list"
    data: list[Vector]
    model: str
    usage: Usage


def request_for(max_rows: int) -> Any:
    """Return the type of a request of at most `max_rows` texts."""
    example = Field(examples=["how do I block my card"])
    texts = Annotated[list[Text], Field(min_length=1, max_length=max_rows)]
    return create_model(
        "EmbeddingsRequest",
        __config__=ConfigDict(extra="forbid"),
        __doc__="Texts to make vectors of. `model` and `user` are taken and not looked at: one model is served.",
        input=(Annotated[Text, example] | texts, ...),
        model=(Text | None, None),
        dimensions=(int | None, Field(default=None, ge=1, description="First numbers of each vector, scaled again.")),
        encoding_format=(Encoding, Field(default="float")),
        user=(Text | None, None),
    )


def vector_routes(service: Service, gone: Any, responses: dict[int | str, dict[str, Any]]) -> APIRouter:
    """Return the route; `gone(request)` makes what tells that a client has closed its connection."""
    router = APIRouter(tags=["model"], responses=responses)
    role = service.live.current.task.inputs[0]

    async def embeddings(request: Request, body: Any) -> Response:
        """Return a vector of length 1 for each text, as OpenAI's clients read it; of a model that makes vectors."""
        texts = [body.input] if isinstance(body.input, str) else body.input
        waiting: Gone = gone(request)
        _, answered = await service.answer([{role: text} for text in texts], waiting)
        vectors_ND = answered.predictions.outputs["scores"]
        if body.dimensions is not None:
            if body.dimensions > vectors_ND.shape[1]:
                raise DataError(
                    f"dimensions is {body.dimensions}", where="dimensions", allowed=f"at most {vectors_ND.shape[1]}"
                )
            vectors_ND = unit(vectors_ND, body.dimensions)
        tokens = int(answered.predictions.num_tokens_N.sum())
        identity = answered.served.identity
        content = {
            "object": "list",
            "data": [
                {"object": "embedding", "index": row, "embedding": _written(vector_D, body.encoding_format)}
                for row, vector_D in enumerate(vectors_ND)
            ],
            "model": identity["id"],
            "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
        }
        return as_json(content, headers=model_headers(identity))

    embeddings.__annotations__["body"] = request_for(service.settings.max_rows)
    router.add_api_route(PATH, embeddings, methods=["POST"], response_model=Vectors)
    return router


def _written(vector_D: Any, encoding: str) -> list[float] | str:
    """Return a vector as numbers, or as base64 of little-endian float32, which clients ask for by default."""
    if encoding == "base64":
        return base64.b64encode(np.ascontiguousarray(vector_D, dtype="<f4").tobytes()).decode()
    return [round(float(value), 7) for value in vector_D]
