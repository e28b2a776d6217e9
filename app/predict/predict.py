"""POST /v1/predict: one picture in, its label out."""

import base64
from typing import Annotated

import orjson
from fastapi import APIRouter, Query, Request, Response
from starlette.types import Scope

from app.inference.engine import Engine
from app.inference.uncertain import Keep, hand_over
from app.predict import spelled
from app.predict.answers import ONE_PICTURE, ModelParam
from app.predict.asked import Asked, direct_way
from app.predict.schemas import Prediction, PreparedParam, TopKParam
from app.web.access.visitor import client_of
from app.web.connection import while_connected
from app.web.direct import Direct, Sent, picture_of
from app.web.openapi import raises
from app.web.openapi.codes import door, kept, pictures
from app.web.request import one_picture
from app.web.request_id import new_id
from app.web.route import StrictRoute
from models_store.errors import ImageRejected
from models_store.refs import Ref

ExplainParam = Annotated[bool, Query(description="return what in it speaks for the label, and what against it")]


def router(engine: Engine, default_model: str, keep: Keep | None = None) -> APIRouter:
    """The route, answering from `engine`. `keep` is given what it is uncertain of."""
    routes = APIRouter(route_class=StrictRoute, prefix="/v1/predict", tags=["predict"])

    @routes.post(
        "",
        summary="Read one picture",
        response_model=Prediction,
        openapi_extra={"requestBody": ONE_PICTURE},
        responses=raises(kept.VERSION, kept.LOADING, door.FORM, door.ONE_FILE, pictures.PICTURE, pictures.QUEUE),
    )
    async def predict(
        request: Request,
        model: ModelParam = default_model,
        top_k: TopKParam = None,
        prepared: PreparedParam = False,
        explain: ExplainParam = False,
    ) -> Response:
        """Reads the digit (or whatever the model was taught) on one picture.

        A 28x28 grey picture of light ink on black, large and in the middle, goes to the model untouched. In any other
        one the writing is found first: dark on light or light on dark, anywhere on the page.
        """
        asked = Asked(Ref.parse(model), top_k, prepared, explain)
        answer = await _answer(engine, keep, asked, await one_picture(request), request.scope)
        return Response(answer, media_type="application/json")

    return routes


def direct(engine: Engine, default_model: str, keep: Keep | None = None) -> Direct:
    """The route's direct way."""

    async def predict(asked: Asked, sent: Sent) -> bytes | None:
        image = picture_of(sent)
        return await _answer(engine, keep, asked, image, sent.scope) if image else None

    return direct_way(default_model, predict, explains=True)


async def _answer(engine: Engine, keep: Keep | None, asked: Asked, image: bytes, scope: Scope) -> bytes:
    client = client_of(scope)
    answers = await while_connected(scope, engine.predict(asked.ref, [image], client))
    (answer,) = answers.items
    if isinstance(answer, ImageRejected):
        raise answer
    reading = spelled.reading(answer, asked.top_k, asked.prepared)
    hand_over(keep, answers, [image])
    if asked.explain:
        explaining = engine.explain(answers.version, answer.prepared.pixels, image, client)
        reading["explanation"] = base64.b64encode(await while_connected(scope, explaining)).decode()
    timing = spelled.timing(answers.seconds)
    return orjson.dumps({"id": new_id("pred"), "model": answers.version.ref, **reading, "timing_ms": timing})
