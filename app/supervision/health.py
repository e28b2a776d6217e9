"""Is the process alive, and can it answer? Open to everyone; it tells nothing else."""

from collections.abc import Callable

from fastapi import APIRouter
from pydantic import BaseModel, Field

from app.errors import NotReady
from app.web.problems import EXAMPLE_RESPONSE
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


def router(champion: Callable[[], str | None], why: Callable[[], str] = _loading) -> APIRouter:
    """The routes; `champion` names the version that answers for the default model, None while there is none, and `why`
    says then why."""
    routes = APIRouter(route_class=StrictRoute, tags=["health"])

    @routes.get("/healthz", summary="Alive?")
    async def healthz() -> Alive:
        """Touches nothing: no file, no model, no lock."""
        return Alive()

    @routes.get("/readyz", summary="Ready?", responses={503: EXAMPLE_RESPONSE})
    async def readyz() -> Ready:
        """200 once the default model is loaded and warm."""
        ref = champion()
        if ref is None:
            raise NotReady("not_ready", f"{why()} Ask again soon.")
        return Ready(model=ref)

    return routes
