"""/v1/models/{ref}/shadow: where a challenger differs from the champion is shown, labelled, and ended."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Annotated, Any

from anyio.to_thread import run_sync
from fastapi import APIRouter, Path, Query, Request, Response

from app.shadow.keeper import ShadowKeeper, no_shadow
from app.shadow.presenters import doubt, report, said
from app.shadow.record import Shadow
from app.shadow.sample import SHEET, Sample
from app.shadow.schemas import ShadowEnded, ShadowLabel, ShadowLabelled, ShadowReport
from app.web.openapi import raises
from app.web.openapi.codes import door, kept
from app.web.request import filled, from_json
from app.web.route import StrictRoute
from models_store.errors import StoreError
from models_store.refs import CHALLENGER, CHAMPION, Ref

RefParam = Annotated[
    str, Path(description="`name`, or one of the two versions: `name@challenger`", examples=["digits"])
]
IdParam = Annotated[str, Path(description="a picture's id", examples=["sh-0a1b2c3d4e5f60718293a4b5"])]
Trouble = Callable[[str], str | None]

_BODY: dict[str, Any] = {
    "required": True,
    "content": {"application/json": {"schema": ShadowLabel.model_json_schema()}},
}
_PICTURE: dict[int | str, dict[str, Any]] = {
    200: {"description": "A PNG", "content": {"image/png": {"schema": {"type": "string", "format": "binary"}}}}
}
_FOUND = (kept.SHADOW, kept.VERSION, kept.DATABASE)


def router(
    keeper: ShadowKeeper,
    sample: Sample,
    changed: Callable[[str], Awaitable[None]],
    share: float,
    trouble: Trouble = lambda name: None,
) -> APIRouter:
    """The routes, answering from `keeper` and `sample`.

    `changed` is awaited when the aliases of a model may have moved; `trouble` says why a model's challenger reads
    nothing in this process.
    """
    routes = APIRouter(route_class=StrictRoute, prefix="/v1/models", tags=["models"])

    @routes.get("/{ref}/shadow", summary="Show a challenger in shadow", responses=raises(*_FOUND))
    def get_shadow(
        ref: RefParam, limit: Annotated[int, Query(ge=1, le=SHEET, description="how many pictures")] = SHEET
    ) -> ShadowReport:
        """How a challenger does on live traffic beside the champion, and a sheet of pictures that they read otherwise.

        Which pictures come is drawn at random among all differences, and the next sheet comes when this one is
        labelled. Labels decide: the challenger is promoted, or the comparison ends.
        """
        shadow = _found(keeper, ref)
        questions, waiting = sample.sheet(shadow)
        shown = [doubt(question, sample.thumbnail(question.id)) for question in questions[:limit]]
        labels: list[str] = []
        with suppress(StoreError):  # a version that was taken away from the store
            labels = keeper.labels(shadow.pair)
        return report(
            shadow, shown, has_more=len(questions) + waiting > len(shown), labels=labels, share=share,
            trouble=_off(share) or trouble(shadow.pair.model),
        )  # fmt: skip

    @routes.get(
        "/{ref}/shadow/{picture_id}/picture", summary="Show its picture", response_class=Response,
        responses=_PICTURE | raises(*_FOUND, kept.WAITING),
    )  # fmt: skip
    def get_shadow_picture(ref: RefParam, picture_id: IdParam) -> Response:
        """The picture upright, at most 1,024 pixels a side, without anything that a camera wrote beside it."""
        headers = {"cache-control": "no-store", "x-content-type-options": "nosniff"}
        png = sample.picture(_found(keeper, ref), picture_id)
        return Response(png, media_type="image/png", headers=headers)

    @routes.post(
        "/{ref}/shadow/{picture_id}", summary="Label a difference", openapi_extra={"requestBody": _BODY},
        responses=raises(*_FOUND, kept.WAITING, kept.COMPARED, kept.LABEL, kept.STORE, kept.FULL, door.JSON),
    )  # fmt: skip
    async def label_shadow(request: Request, ref: RefParam, picture_id: IdParam) -> ShadowLabelled:
        """Says what is on the picture, which is deleted then. A label counts once and can't be taken back.

        Where the labels say that the challenger is better it is promoted before this is answered; where they say, after
        a promotion, that the former champion was better, that one is put back.
        """
        text = filled(ShadowLabel, from_json(await request.body())).label
        name = (await run_sync(_found, keeper, ref)).pair.model
        shadow = await run_sync(keeper.label, name, picture_id, text)
        await changed(name)
        return ShadowLabelled(
            id=picture_id, label=text, state=shadow.phase, labelled=shadow.labels.count, said=said(shadow)
        )

    @routes.delete(
        "/{ref}/shadow", summary="End a comparison", responses=raises(*_FOUND, kept.STORE, kept.FULL, "shadow_over")
    )
    async def end_shadow(ref: RefParam) -> ShadowEnded:
        """Takes the alias `challenger` away and deletes the pictures. Whoever is champion goes on."""
        name = (await run_sync(_found, keeper, ref)).pair.model
        shadow = await run_sync(keeper.end, name)
        await changed(name)
        return ShadowEnded(id=shadow.id, state=shadow.phase, said=said(shadow))

    return routes


def _found(keeper: ShadowKeeper, ref: str) -> Shadow:
    """The comparison of a model. Raises NotFound, also for a version that is none of the two; BadRef."""
    named = Ref.parse(ref)
    shadow = keeper.look(named.name)
    if shadow is None or (named.alias not in (None, CHAMPION, CHALLENGER)):
        raise no_shadow(ref)
    if named.version is not None and named.version not in (shadow.pair.champion, shadow.pair.challenger):
        raise no_shadow(ref)
    return shadow


def _off(share: float) -> str | None:
    return None if share else "Challengers read nothing here: DIGITSERVE_SHADOW_SHARE is 0."
