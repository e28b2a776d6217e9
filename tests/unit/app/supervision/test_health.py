"""Whether the process is alive, and whether it can answer."""

from collections.abc import Awaitable, Callable

import httpx
import pytest
from fastapi import FastAPI

from app.supervision import health
from app.web import error_handlers


class Champion:
    """Names the version that answers, and counts how often it was asked."""

    def __init__(self, ref: str | None) -> None:
        self.ref = ref
        self.asked = 0

    def __call__(self) -> str | None:
        self.asked += 1
        return self.ref


async def _can() -> bool:
    return True


async def answer(
    path: str, champion: Champion, method: str = "GET", can_decode: Callable[[], Awaitable[bool]] = _can
) -> httpx.Response:
    app = FastAPI()
    error_handlers.install(app)
    app.include_router(health.router(champion, can_decode=can_decode))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as http:
        return await http.request(method, path)


@pytest.mark.parametrize("ref", ["digits@1", None])
async def test_alive_asks_for_no_model(ref: str | None) -> None:
    champion = Champion(ref)
    alive = await answer("/healthz", champion)
    assert (alive.status_code, alive.json()) == (200, {"status": "alive"})
    assert champion.asked == 0


async def test_ready_names_the_version_that_answers() -> None:
    ready = await answer("/readyz", Champion("digits@7"))
    assert (ready.status_code, ready.json()) == (200, {"status": "ready", "model": "digits@7"})


async def test_without_a_champion_it_is_not_ready_and_says_when_to_ask_again() -> None:
    refused = await answer("/readyz", Champion(None))
    assert (refused.status_code, refused.json()["code"]) == (503, "not_ready")
    assert int(refused.headers["retry-after"]) > 0


async def test_every_question_is_asked_anew() -> None:
    champion = Champion(None)
    assert (await answer("/readyz", champion)).status_code == 503
    champion.ref = "digits@1"
    assert (await answer("/readyz", champion)).status_code == 200
    assert (await answer("/readyz", champion, "POST")).status_code == 405


async def test_who_can_decode_no_picture_is_not_ready_and_says_so() -> None:
    async def cannot() -> bool:
        return False

    refused = await answer("/readyz", Champion("digits@7"), can_decode=cannot)
    assert (refused.status_code, refused.json()["code"]) == (503, "not_ready")
    assert "decodes pictures" in refused.json()["detail"]


async def test_a_champion_that_goes_while_a_child_begins_is_gone() -> None:
    champion = Champion("digits@7")

    async def can() -> bool:
        champion.ref = None
        return True

    assert (await answer("/readyz", champion, can_decode=can)).status_code == 503


async def test_without_a_champion_no_child_is_waited_for() -> None:
    async def never() -> bool:
        raise AssertionError("nobody asks")

    assert (await answer("/readyz", Champion(None), can_decode=never)).status_code == 503
