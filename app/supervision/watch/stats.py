"""GET /v1/stats: what /metrics says, as JSON for pages and scripts."""

from asyncio import to_thread
from collections.abc import Awaitable, Callable

from fastapi import APIRouter

from app.supervision.watch.presenters import stats as shown
from app.supervision.watch.schemas import Stats
from app.supervision.watch.sight import Sighting
from app.telemetry.overview import Overview
from app.web.route import StrictRoute


def router(overview: Overview, seen: Callable[[], Awaitable[Sighting]]) -> APIRouter:
    """The route. `seen` is what is looked up when somebody asks."""
    routes = APIRouter(route_class=StrictRoute, tags=["operation"])

    @routes.get("/v1/stats", summary="Show what goes on")
    async def get_stats() -> Stats:
        """What all processes of this server have counted since it was started, how each of them is, and what is in
        the database, a second old at most. The same numbers as `/metrics`, for pages and scripts.
        """
        there, now = await seen(), overview.now()
        return await to_thread(lambda: shown(list(overview.families(now)), there))

    return routes
