"""Names of requests and answers: a client's own where it can break nothing, otherwise one that nothing else has."""

import asyncio
import re

import pytest

from app.web.request_id import begin, new_id, new_request_id, request_id


@pytest.mark.parametrize("given", [b"mine-1", b"a.b_c", b"x" * 64, b"0"])
async def test_what_a_client_calls_its_request_is_its_name(given: bytes) -> None:
    assert begin(given) == request_id() == given.decode()


@pytest.mark.parametrize(
    "given", [None, b"", b"a b", b'a"b', b"x" * 65, b"a/b", b"a:b", b"a\n", b"\xc3\xa4", b"a\0", "\u0661".encode()]
)
async def test_what_could_break_a_log_is_replaced(given: bytes | None) -> None:
    assert re.fullmatch("req_[0-9a-f]{16}", begin(given))
    assert re.fullmatch("req_[0-9a-f]{16}", request_id())


async def test_each_task_knows_its_own_request() -> None:
    async def named(given: bytes) -> str:
        begin(given)
        await asyncio.sleep(0)
        return request_id()

    names = [b"a", b"b", b"c"]
    assert await asyncio.gather(*map(named, names)) == ["a", "b", "c"]
    assert request_id() == ""  # outside a request


def test_no_two_requests_have_one_id() -> None:
    assert len({new_request_id() for _ in range(1000)}) == 1000


def test_no_two_answers_have_one_id() -> None:
    names = {new_id(kind) for kind in ("pred", "read") for _ in range(100)}
    assert len(names) == 200
    assert all(re.fullmatch(r"(pred|read)_[0-9a-f]{16}", name) for name in names)
