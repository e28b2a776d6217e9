"""Is the process alive, and can it answer? Open to everyone; it tells nothing else."""

from collections.abc import Awaitable, Callable

from fastapi import APIRouter
from pydantic import BaseModel, Field

from app.errors import NotReady
from app.web.route import StrictRoute


class Alive(BaseModel):
    """The process runs its event loop."""

    status: str = "alive"


class Ready(BaseModel):
    """The default model answers."""

    status: str = "ready"
    model: str = Field(description="the version that answers for the default model", examples=["digits@1"])


def _loading() -> str:
    return "The default model is not loaded, or this process is about to end."


async def _always() -> bool:
    return True


def router(
    champion: Callable[[], str | None],
    why: Callable[[], str] = _loading,
    can_decode: Callable[[], Awaitable[bool]] = _always,
) -> APIRouter:
    """The routes; `champion` names the version that answers for the default model, None while there is none, and `why`
    says then why. `can_decode` tells whether pictures can be decoded that are no digits in MNIST's format."""
    routes = APIRouter(route_class=StrictRoute, tags=["health"])

    @routes.get("/healthz", summary="Alive?")
    async def get_health() -> Alive:
        """Touches nothing: no file, no model, no lock."""
        return Alive()

    @routes.get("/readyz", summary="Ready?")
    async def get_readiness() -> Ready:
        """200 while this process can read pictures: the default model is loaded and warm, a process is there that
        decodes pictures, it is known who may ask, and it is not about to end. Jobs and workers have no part in it.
        """
        if champion() is not None and not await can_decode():
            raise NotReady("not_ready", "No process can be had that decodes pictures. Ask again soon.")
        ref = champion()
        if ref is None:
            raise NotReady("not_ready", f"{why()} Ask again soon.")
        return Ready(model=ref)

    return routes
