"""POST /v2/models/{model}/infer: tensors in, tensors out."""

from fastapi import APIRouter, Request, Response

from app.v2.packing import packed_answer
from app.v2.reader import TensorReader, named
from app.v2.schemas import INFER_BODY, INFER_EXAMPLE, InferAnswer, ModelParam, VersionParam
from app.v2.wire import answer_of, request_of
from app.web.access.visitor import client_of
from app.web.budget import held_by
from app.web.connection import while_connected
from app.web.openapi import raises
from app.web.openapi.codes import kept, pictures, v2
from app.web.openapi.raised import Responses
from app.web.request import body_of, taken_apart
from app.web.route import StrictRoute
from models_store.refs import Ref

JSON_LENGTH = "Inference-Header-Content-Length"
_AS_MUCH_AGAIN = 2  # times a body, that its numbers and what they become take beside it
_VALUE_BYTES = 8  # of an answer as JSON

_ANSWER: Responses = {
    200: {
        "description": "The outputs; packed ones stand behind the JSON",
        "headers": {
            JSON_LENGTH: {
                "description": "how many bytes of the answer are JSON, where packed tensors stand behind them",
                "schema": {"type": "integer", "minimum": 1},
            }
        },
        "content": {
            "application/json": {"example": INFER_EXAMPLE},
            "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
        },
    }
}
_RAISED = raises(v2.NAME, v2.TENSORS, kept.LOADING, pictures.QUEUE)


def router(reader: TensorReader) -> APIRouter:
    """The routes."""
    routes = APIRouter(route_class=StrictRoute, prefix="/v2/models", tags=["v2"])

    @routes.post(
        "/{model}/infer",
        summary="Read tensors",
        response_model=InferAnswer,
        openapi_extra={"requestBody": INFER_BODY},
        responses=_ANSWER | _RAISED,
    )
    async def infer(request: Request, model: ModelParam) -> Response:
        """Reads pixels (`image`: FP32 of 0 to 1 or UINT8, which go in as they are) or the files of pictures (`picture`:
        BYTES, prepared as everywhere else), up to 256. One picture that can't be read refuses the request.

        A body with `Inference-Header-Content-Length: 0` is the file of one picture and nothing else.
        """
        return await _answer(reader, request, model, named(model))

    @routes.post(
        "/{model}/versions/{version}/infer",
        summary="Read tensors by one version",
        response_model=InferAnswer,
        openapi_extra={"requestBody": INFER_BODY},
        responses=_ANSWER | _RAISED,
    )
    async def infer_with_version(request: Request, model: ModelParam, version: VersionParam) -> Response:
        """As without a version."""
        return await _answer(reader, request, model, named(model, version))

    return routes


async def _answer(reader: TensorReader, request: Request, model: str, ref: Ref) -> Response:
    body = await body_of(request)
    held_by(request.scope).add(_AS_MUCH_AGAIN * len(body))
    asked = await taken_apart(len(body), request_of, body, request.headers.get(JSON_LENGTH))
    inferred = await while_connected(request.scope, reader.infer(ref, asked, client_of(request.scope)))
    values = sum(len(output.values) for output in inferred.outputs)
    accepted = ",".join(request.headers.getlist("accept-encoding"))

    def written() -> Response:
        whole, json_length = answer_of(inferred, model, asked.id)
        packed, coding = packed_answer(whole, accepted)
        headers = {"Vary": "Accept-Encoding"}
        if coding is not None:
            headers["Content-Encoding"] = coding
        if json_length is not None:
            headers[JSON_LENGTH] = str(json_length)
        kind = "application/json" if json_length is None else "application/octet-stream"
        return Response(packed, headers=headers, media_type=kind)

    return await taken_apart(values * _VALUE_BYTES, written)
