"""/v1/models: what there is, what each version is made of, which one serves."""

import datetime
from asyncio import to_thread
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from app.web.openapi import raises
from app.web.openapi.codes import door, kept
from app.web.request import filled, from_json
from app.web.route import StrictRoute
from models_store import records
from models_store.errors import BadRef, StoreBusy, StoreError
from models_store.refs import CHAMPION, Ref
from models_store.registry import Registry, Version

_OWNER = "digitserve"


@dataclass(frozen=True)
class Serving:
    """What the engine knows of a loaded version; passed in, because this module knows no engine."""

    candidate: str
    device: str


class Served(BaseModel):
    """How this process computes the version."""

    candidate: str = Field(description="fp32, bf16 or int8: the fastest here that agrees with fp32", examples=["int8"])
    device: str = Field(examples=["cpu"])


class ModelEntry(BaseModel):
    """One model; OpenAI's four fields, then ours, which are its champion's."""

    id: str = Field(examples=["digits"])
    object: str = "model"
    created: int = Field(description="Unix time", examples=[1790000000])
    owned_by: str = _OWNER
    versions: list[int] = Field(examples=[[1, 2]])
    aliases: dict[str, int] = Field(examples=[{"champion": 2, "previous": 1}])
    labels: list[str] = Field(examples=[list("0123456789")])
    metrics: dict[str, float] = Field(examples=[{"accuracy": 0.9966, "nll": 0.0119}])
    parent: str | None = Field(description="the version it was fine-tuned from", examples=["digits@1"])


class ModelList(BaseModel):
    """All models of the store."""

    object: str = "list"
    data: list[ModelEntry]


class VersionEntry(BaseModel):
    """One version, with its manifest."""

    id: str = Field(examples=["digits@2"])
    object: str = "model"
    created: int = Field(description="Unix time", examples=[1790000000])
    owned_by: str = _OWNER
    aliases: list[str] = Field(description="that point at this version", examples=[["champion"]])
    serving: Served | None = Field(description="null where this process has not loaded it")
    parent: str | None = Field(description="the version it was fine-tuned from", examples=["digits@1"])
    data_sha256: str = Field(
        description="of all pictures and labels that it learned from and was tested on",
        examples=["9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"],
    )
    job: str | None = Field(description="the fine-tune job that made it", examples=["ftjob-5f2a9c0d1e7b4a68f2a9c0d1"])
    manifest: dict[str, Any] = Field(
        description="what the version is and how it was made", examples=[{"name": "digits", "version": 2}]
    )


class Promotion(BaseModel):
    """Compare and swap: the alias moves only from `expected`."""

    model_config = ConfigDict(strict=True, extra="forbid")

    version: int = Field(ge=1, examples=[2])
    expected: int | None = Field(None, ge=1, description="where the alias is now; null: nowhere", examples=[1])


class AliasTable(BaseModel):
    """Where a model's aliases are after a change."""

    model: str = Field(examples=["digits"])
    aliases: dict[str, int] = Field(examples=[{"champion": 2, "previous": 1}])


class Deleted(BaseModel):
    """OpenAI's answer to a deletion."""

    id: str = Field(examples=["digits@3"])
    object: str = "model"
    deleted: bool = True


_PROMOTION: dict[str, Any] = {
    "required": True,
    "content": {"application/json": {"schema": Promotion.model_json_schema()}},
}
NameParam = Annotated[str, Path(description="the model's name", examples=["digits"])]
RefParam = Annotated[str, Path(description="`name`, `name@alias` or `name@7`", examples=["digits"])]
Unneeded = Callable[[str], AbstractContextManager[object]]


def router(
    registry: Registry,
    serving: Callable[[Version], Serving | None],
    changed: Callable[[str], Awaitable[None]],
    unneeded: Unneeded = nullcontext,
) -> APIRouter:
    """The routes, answering from `registry`.

    `serving` tells how a version runs here; `changed` is awaited when the aliases of a model moved. `unneeded` holds
    the jobs still while none needs a version, and raises Conflict where one does.
    """
    routes = APIRouter(route_class=StrictRoute, prefix="/v1/models", tags=["models"])

    @routes.get("", summary="List the models", responses=raises(kept.FILES_OPEN))
    def list_models() -> ModelList:
        """One entry per model, `id` being its name. A model none of whose versions can be read is left out."""
        entries = (_entry(registry, name) for name in registry.models())
        return ModelList(data=[entry for entry in entries if entry is not None])

    @routes.get("/{ref}", summary="Show one version", responses=raises(kept.VERSION))
    def get_version(ref: RefParam) -> VersionEntry:
        """The version that a ref points at: labels, accuracy, recipe, data, calibration, files and their digests."""
        version = registry.resolve(Ref.parse(ref))
        manifest, loaded = version.manifest, serving(version)
        return VersionEntry(
            id=version.ref,
            created=_unix(manifest.created_at),
            aliases=sorted(a for a, n in registry.aliases(version.name).items() if n == version.number),
            serving=Served(candidate=loaded.candidate, device=loaded.device) if loaded else None,
            parent=manifest.parent,
            data_sha256=manifest.data.sha256,
            job=(manifest.recipe.finetune.job if manifest.recipe.finetune else "") or None,
            manifest=records.plain(manifest),
        )

    _add_moving(routes, registry, changed)
    _add_removing(routes, registry, changed, unneeded)
    return routes


def _add_moving(routes: APIRouter, registry: Registry, changed: Callable[[str], Awaitable[None]]) -> None:
    @routes.put(
        "/{name}/aliases/{alias}", summary="Promote", openapi_extra={"requestBody": _PROMOTION},
        responses=raises(kept.VERSION, kept.STORE, door.JSON, "alias_moved", "too_many_aliases", "version_rejected"),
    )  # fmt: skip
    async def promote(
        request: Request, name: NameParam, alias: Annotated[str, Path(description="the alias", examples=["champion"])]
    ) -> AliasTable:
        """Points an alias at a version if it is still where the caller saw it; 409 with its place where it moved.

        The champion serves by default; the one that gives way becomes `previous`. Answered when the new champion serves
        here; other processes follow within a second. No request is dropped.
        """
        to = filled(Promotion, from_json(await request.body()))
        aliases = await to_thread(lambda: registry.promote(name, to.version, expected=to.expected, alias=alias))
        await changed(name)
        return AliasTable(model=name, aliases=aliases)

    moved = raises(kept.VERSION, kept.STORE, "alias_moved", "version_rejected")

    @routes.post("/{name}/rollback", summary="Roll back", responses=moved)
    async def roll_back(name: NameParam) -> AliasTable:
        """Champion and previous change places."""
        aliases = await to_thread(registry.rollback, name)
        await changed(name)
        return AliasTable(model=name, aliases=aliases)


def _add_removing(
    routes: APIRouter, registry: Registry, changed: Callable[[str], Awaitable[None]], unneeded: Unneeded
) -> None:
    @routes.delete(
        "/{name}/aliases/{alias}", summary="Take an alias away",
        responses=raises(kept.VERSION, kept.STORE, "alias_moved", "alias_fixed"),
    )  # fmt: skip
    async def delete_alias(
        name: NameParam,
        alias: Annotated[str, Path(description="the alias", examples=["candidate"])],
        expected: Annotated[int, Query(ge=1, description="where the alias is now", examples=[2])],
    ) -> AliasTable:
        """The version stays. 409 with the alias's place where it moved; `champion` and `previous` can't be taken away:
        promote another version, or roll back."""
        aliases = await to_thread(lambda: registry.unalias(name, alias, expected=expected))
        await changed(name)
        return AliasTable(model=name, aliases=aliases)

    @routes.delete(
        "/{ref}", summary="Delete a version",
        responses=raises(kept.VERSION, kept.STORE, kept.WRITING, "version_in_use"),
    )  # fmt: skip
    def delete_version(ref: Annotated[str, Path(description="`name@7`", examples=["digits@3"])]) -> Deleted:
        """Removes a version for good; refused with 409 while an alias points at it, or a job that has not ended starts
        from it. Its number is not used again."""
        wanted = Ref.parse(ref)
        if wanted.version is None:
            raise BadRef("Name the version to delete by its number, such as digits@3.")
        with unneeded(f"{wanted.name}@{wanted.version}"):
            registry.delete(wanted.name, wanted.version)
        return Deleted(id=ref)


def _entry(registry: Registry, name: str) -> ModelEntry | None:
    version = _shown(registry, name)
    if version is None:
        return None
    try:
        aliases = registry.aliases(name)
    except StoreError:  # one damaged file must not hide the other models
        aliases = {}
    return ModelEntry(
        id=name,
        created=_unix(version.manifest.created_at),
        versions=registry.versions(name),
        aliases=aliases,
        labels=list(version.manifest.labels),
        metrics=dict(version.manifest.metrics),
        parent=version.manifest.parent,
    )


def _shown(registry: Registry, name: str) -> Version | None:
    """The champion, or the newest version that can be read where there is none."""
    try:
        return registry.resolve(Ref(name, CHAMPION))
    except StoreBusy:  # it is there, and can't be looked at now
        raise
    except StoreError:
        pass
    for number in reversed(registry.versions(name)):
        with suppress(StoreError):
            return registry.resolve(Ref(name, None, number))
    return None


def _unix(created_at: str) -> int:
    return int(datetime.datetime.fromisoformat(created_at).timestamp())
