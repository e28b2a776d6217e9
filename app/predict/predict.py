"""POST /v1/predict: one picture in, its label out."""

import base64
from typing import Annotated

from fastapi import APIRouter, Query, Request

from app.inference.engine import Engine
from app.predict.answers import ONE_PICTURE, ModelParam, Timing, new_id
from app.predict.schemas import Prediction, PreparedParam, TopKParam, reading_of
from app.predict.uncertain import Keep, hand_over
from app.web.client import client_of
from app.web.connection import while_connected
from app.web.problems import EXAMPLE_RESPONSE
from app.web.request import one_picture
from app.web.route import StrictRoute
from models_store.errors import ImageRejected
from models_store.refs import Ref

ExplainParam = Annotated[bool, Query(description="return what in it speaks for the label, and what against it")]


def router(engine: Engine, default_model: str, keep: Keep | None = None) -> APIRouter:
    """The route, answering from `engine`. `keep` is given what it is uncertain of."""
    routes = APIRouter(
        route_class=StrictRoute, prefix="/v1/predict", tags=["predict"], responses={"default": EXAMPLE_RESPONSE}
    )

    @routes.post(
        "", summary="Read one picture", response_model_exclude_none=True, openapi_extra={"requestBody": ONE_PICTURE}
    )
    async def predict(
        request: Request,
        model: ModelParam = default_model,
        top_k: TopKParam = None,
        prepared: PreparedParam = False,
        explain: ExplainParam = False,
    ) -> Prediction:
        """Reads the digit (or whatever the model was taught) on one picture.

        A 28x28 grey picture of light ink on black, large and in the middle, goes to the model untouched. In any other
        one the writing is found first: dark on light or light on dark, anywhere on the page.
        """
        ref = Ref.parse(model)
        image, client = await one_picture(request), client_of(request.scope)
        answers = await while_connected(request, engine.predict(ref, [image], client))
        (answer,) = answers.items
        if isinstance(answer, ImageRejected):
            raise answer
        reading = reading_of(answer, top_k, prepared)
        hand_over(keep, answers, [image])
        if explain:
            explained = answers.version, answer.prepared.pixels, image, client
            saliency = await while_connected(request, engine.explain(*explained))
            reading.explanation = base64.b64encode(saliency).decode()
        timing = Timing.of(answers.seconds)
        return Prediction(**dict(reading), id=new_id("pred"), model=answers.version.ref, timing_ms=timing)

    return routes
