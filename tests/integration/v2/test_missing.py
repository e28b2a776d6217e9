"""Extensions of the protocol that are not here say so, in a string, to whoever may ask for inference."""

import httpx
import pytest

from app.web.access.scopes import PREDICT, needed

ADDRESSES = [
    *(
        (method, f"/v2/{kind}sharedmemory{path}")
        for kind in ("system", "cuda")
        for method, path in [
            ("GET", "/status"), ("GET", "/region/mine/status"), ("POST", "/region/mine/register"),
            ("POST", "/region/mine/unregister"), ("POST", "/unregister"),
        ]
    ),
    *(
        (method, f"/v2/{path}")
        for method in ("GET", "POST") for path in ("trace/setting", "models/digits/trace/setting", "logging")
    ),
    ("POST", "/v2/repository/models/digits/load"), ("POST", "/v2/repository/models/digits/unload"),
]  # fmt: skip


async def test_each_says_that_it_is_not_here(client: httpx.AsyncClient) -> None:
    for method, path in ADDRESSES:
        answer = await client.request(method, path, content=b"{}" if method == "POST" else None)
        said = answer.json()
        assert (answer.status_code, said["code"]) == (404, "extension_missing"), path
        assert said["error"] == said["detail"] and said["error"].endswith(".")
        assert needed(method, path) == PREDICT


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/v2/nope", 404), ("GET", "/v2/", 307), ("GET", "/v2/models/", 404), ("DELETE", "/v2", 405),
     ("GET", "/v2/models/digits/infer", 405), ("POST", "/v2/health/live", 405), ("GET", "/v2/models/a/b/c", 404)],
)  # fmt: skip
async def test_what_is_no_address_of_the_protocol_is_answered_in_its_way(
    client: httpx.AsyncClient, method: str, path: str, status: int
) -> None:
    answer = await client.request(method, path)
    assert answer.status_code == status
    if status != 307:
        assert answer.json()["error"] == answer.json()["detail"]


async def test_beside_it_errors_are_objects(client: httpx.AsyncClient) -> None:
    for path in ("/v2x", "/v22/models", "/v1/v2/models", "/v1/models/v2"):
        assert isinstance((await client.get(path)).json()["error"], dict), path
