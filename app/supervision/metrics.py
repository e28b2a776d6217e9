"""GET /metrics: what all processes of this server have counted, and how they are, as Prometheus reads it."""

from asyncio import to_thread
from collections.abc import Awaitable, Callable, Sequence
from itertools import chain
from typing import Any

from fastapi import APIRouter, Request, Response

from app.telemetry.exposition import text
from app.telemetry.instruments import Family
from app.telemetry.overview import Overview
from app.web.route import StrictRoute

Found = Callable[[], Awaitable[Sequence[Family]]]  # looks at the moment; takes seconds at most, and raises nothing

_EXAMPLE = """# HELP digitserve_requests_total Requests answered.
# TYPE digitserve_requests_total counter
digitserve_requests_total{method="POST",route="/v1/predict",status="200"} 1204.0
"""
_TEXT: dict[str, Any] = {"schema": {"type": "string"}, "example": _EXAMPLE}
_OPEN: dict[str, Any] = {
    "schema": {"type": "string"},
    "example": _EXAMPLE.replace("requests_total ", "requests ") + "# EOF\n",
}
_KINDS = {"text/plain": _TEXT, "application/openmetrics-text": _OPEN}


def router(overview: Overview, found: Sequence[Found] = ()) -> APIRouter:
    """The route; `found` is asked for what no process counts."""
    routes = APIRouter(route_class=StrictRoute, tags=["operation"])

    @routes.get(
        "/metrics",
        summary="Show the metrics",
        response_class=Response,
        responses={200: {"description": "All metrics", "content": _KINDS}},
    )
    async def get_metrics(request: Request) -> Response:
        """For Prometheus: of all processes and workers of this server together, whichever answers.

        What another process counted in the last quarter of a second may be missing. OpenMetrics where `Accept` says so.
        """
        now = overview.now()
        others = [family for one in found for family in await one()]
        accept = request.headers.get("accept", "")
        body, kind = await to_thread(text, chain(overview.families(now), others), accept)
        return Response(body, headers={"content-type": kind, "cache-control": "no-store"})

    return routes
