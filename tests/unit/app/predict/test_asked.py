"""Queries on the direct way: what it reads of one is what FastAPI reads, and what it doesn't know it leaves."""

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI

from app.predict.answers import ModelParam
from app.predict.asked import MOST_TOP_K, Asked, asked_by
from app.predict.predict import ExplainParam
from app.predict.schemas import PreparedParam, TopKParam
from models_store.errors import BadRef
from models_store.refs import Ref

DIGITS = Ref("digits")


@pytest.mark.parametrize(
    ("query", "asked"),
    [
        (b"", Asked(DIGITS)),
        (b"model=letters", Asked(Ref("letters"))),
        (b"model=letters@champion", Asked(Ref("letters", "champion"))),
        (b"model=letters@7", Asked(Ref("letters", None, 7))),
        (b"top_k=1", Asked(DIGITS, 1)),
        (b"top_k=1000", Asked(DIGITS, 1000)),
        (b"top_k=003", Asked(DIGITS, 3)),
        (b"prepared=true", Asked(DIGITS, None, True)),
        (b"prepared=false&explain=false", Asked(DIGITS)),
        (b"explain=true&top_k=2&prepared=true&model=a", Asked(Ref("a"), 2, True, True)),
    ],
)
def test_what_is_asked_for(query: bytes, asked: Asked) -> None:
    assert asked_by("digits", explains=True)(query) == asked


@pytest.mark.parametrize(
    "query",
    [
        *b"unknown=1 top_k=0 top_k=1001 top_k=00001 top_k=x top_k=1.0 top_k=-1 top_k=1_0 top_k= top_k".split(),
        *b"top_k=1&top_k=1 top_k=1& top_k=1;prepared=true & prepared=1 prepared=TRUE prepared= explain=yes".split(),
        *b"model=a+b model=%64igits model= model=\xe4 top_k=%31 top_k=\xb2".split(),
        "top_k=\u0661".encode(),
        b"model=" + b"a" * 201,
        b"&" * 30_000,
    ],
)
def test_what_it_does_not_know_is_left_to_the_framework(query: bytes) -> None:
    assert asked_by("digits", explains=True)(query) is None


def test_an_address_without_explanations_does_not_know_them() -> None:
    asked = asked_by("digits", explains=False)
    assert asked(b"explain=true") is None and asked(b"explain=false") is None
    assert asked(b"prepared=true") == Asked(DIGITS, None, True)


@pytest.mark.parametrize("query", [b"model=A", b"model=-", b"model=a@", b"model=..", b"top_k=1&model=a@b@c"])
def test_a_bad_ref_is_refused_each_time(query: bytes) -> None:
    asked = asked_by("digits", explains=True)
    for _ in range(2):
        with pytest.raises(BadRef):
            asked(query)


_VALUES = """
0 1 01 0001 00001 000 1000 1001 9999 +1 -1 1.0 1_0 abc true false True TRUE yes no on t y 2 - @ .
digits digits@1 digits@champion a.b a_b
"""


@pytest.fixture
async def framework() -> AsyncIterator[httpx.AsyncClient]:
    """A route with the same parameters, as FastAPI reads them."""
    app = FastAPI()

    @app.post("/")
    def shown(
        model: ModelParam = "digits",
        top_k: TopKParam = None,
        prepared: PreparedParam = False,
        explain: ExplainParam = False,
    ) -> list[object]:
        return [model, top_k, prepared, explain]

    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as http:
        yield http


@pytest.mark.parametrize("name", ["model", "top_k", "prepared", "explain"])
async def test_what_it_reads_is_what_the_framework_reads(framework: httpx.AsyncClient, name: str) -> None:
    asked_in, direct = asked_by("digits", explains=True), 0
    for value in _VALUES.split():
        query = f"{name}={value}"
        try:  # a ref is judged behind the framework, which takes any
            asked = asked_in(query.encode())
        except BadRef:
            assert name == "model" and (await framework.post(f"/?{query}")).status_code == 200
            continue
        if asked is not None:
            read = (await framework.post(f"/?{query}")).json()
            assert [Ref.parse(read[0]), *read[1:]] == [asked.ref, asked.top_k, asked.prepared, asked.explain], query
            direct += 1
    assert direct >= 2


async def test_the_schema_and_the_direct_way_know_one_limit(framework: httpx.AsyncClient) -> None:
    for top_k, is_good in ((MOST_TOP_K, True), (MOST_TOP_K + 1, False)):
        assert (asked_by("digits", explains=True)(b"top_k=%d" % top_k) is not None) == is_good
        assert ((await framework.post(f"/?top_k={top_k}")).status_code == 200) == is_good
