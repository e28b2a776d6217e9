"""The order of the checks, and what a passage has of each."""

from collections.abc import Callable, Mapping, MutableMapping
from typing import Any, cast

import pytest

from app.errors import BadRequest, Forbidden, RateExceeded, Unauthorized
from app.web.access.door import Door, Passage
from app.web.access.visitor import VISITOR, Visitor

Headers = Mapping[bytes, bytes]
REFUSALS = {
    "hosts": BadRequest("bad_host", "no"),
    "origins": Forbidden("foreign_origin", "no"),
    "keyring": Unauthorized("key_missing", "no"),
    "rates": RateExceeded("rate_exceeded", "no", 1),
}


class Recorder:
    """All five checks in one, which notes who was asked; `refusing` raises."""

    def __init__(self, refusing: str = "", is_preflight: bool = False) -> None:
        self.asked: list[str] = []
        self.left = 0
        self._refusing = refusing
        self._is_preflight = is_preflight

    def _ask(self, name: str) -> None:
        self.asked.append(name)
        if name == self._refusing:
            raise REFUSALS[name]

    def resolve(self, scope: MutableMapping[str, Any], headers: Headers) -> None:
        self._ask("proxies")

    def check_host(self, scope: Mapping[str, Any], headers: Headers) -> None:
        self._ask("hosts")

    def check(self, scope: Mapping[str, Any], headers: Headers, answer: list[tuple[bytes, bytes]]) -> bool:
        answer.append((b"vary", b"Origin"))
        self._ask("origins")
        return self._is_preflight

    async def identify(self, scope: Mapping[str, Any], headers: Headers) -> Visitor:
        self._ask("keyring")
        return Visitor("key:one", "one")

    def enter(
        self, visitor: Visitor, headers: Headers, answer: list[tuple[bytes, bytes]], path: str
    ) -> Callable[[], None]:
        assert (visitor.client, path) == ("key:one", "/here")
        answer.append((b"ratelimit", b"1"))
        self._ask("rates")
        return self._leave

    def failed(self, address: str, answer: list[tuple[bytes, bytes]], path: str) -> None:
        assert (address, path) == ("10.0.0.1", "/here")
        self._ask("failed")

    def _leave(self) -> None:
        self.left += 1


class OfHosts:
    """The recorder as the check of hosts, whose method has the name of that of origins."""

    def __init__(self, recorder: Recorder) -> None:
        self.check = recorder.check_host


def here() -> dict[str, Any]:
    return {"path": "/here", "client": ("10.0.0.1", 1)}


def door_of(recorder: Recorder) -> Door:
    some = cast(Any, recorder)
    return Door(some, cast(Any, OfHosts(recorder)), some, some, some)


async def test_who_passes_is_in_the_scope() -> None:
    recorder, passage, scope = Recorder(), Passage(), here()
    await door_of(recorder).admit(scope, {}, passage)
    assert recorder.asked == ["proxies", "hosts", "origins", "keyring", "rates"]
    assert scope[VISITOR] == Visitor("key:one", "one")
    assert passage.headers == [(b"vary", b"Origin"), (b"ratelimit", b"1")]
    assert recorder.left == 0
    passage.leave()
    assert recorder.left == 1


@pytest.mark.parametrize("name", REFUSALS)
async def test_after_a_refusal_nobody_is_asked_and_nobody_is_let_in(name: str) -> None:
    recorder, passage, scope = Recorder(name), Passage(), here()
    with pytest.raises(type(REFUSALS[name])):
        await door_of(recorder).admit(scope, {}, passage)
    assert recorder.asked[-1] == ("failed" if name == "keyring" else name)  # who has no key is counted too
    assert VISITOR not in scope
    assert ((b"vary", b"Origin") in passage.headers) == (name != "hosts")  # so that an allowed page can read why
    passage.leave()
    assert recorder.left == 0


async def test_a_preflight_shows_no_key() -> None:
    recorder, passage = Recorder(is_preflight=True), Passage()
    await door_of(recorder).admit(here(), {}, passage)
    assert passage.is_preflight
    assert recorder.asked == ["proxies", "hosts", "origins"]
