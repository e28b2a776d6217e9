"""What clients put into forms and JSON at every door: read, or refused by name, and never passed over."""

import base64
import json
from codecs import BOM_UTF8 as BOM
from typing import Any

import httpx
import pytest

from tests.integration.web.test_doors import JOBS, PICTURE, http
from tests.support.uploading import digits

__all__ = ["http"]  # the fixture


@pytest.mark.parametrize("path", ["/v1/predict", "/v1/read", "/v1/predict/batch", "/v1/files", "/v1/feedback?label=7"])
async def test_what_a_form_asks_for_is_never_dropped(http: httpx.AsyncClient, path: str) -> None:
    wanted = "files" if path.endswith("batch") else "file"
    for beside in ({"top_k": (None, "1")}, {"image": ("7.png", PICTURE)}, {f"{wanted}[]": ("7.png", PICTURE)}):
        answer = await http.post(path, files={wanted: ("7.png", PICTURE), **beside})
        assert (answer.status_code, answer.json()["code"]) == (422, "field_unknown")
        assert f"`{next(iter(beside))}`" in answer.json()["detail"] and f"`{wanted}`" in answer.json()["detail"]
        assert ("?top_k=VALUE" in answer.json()["detail"]) == ("top_k" in beside and path.startswith("/v1/predict"))
    if wanted == "file":
        answer = await http.post(path, files=[("file", ("7.png", PICTURE))] * 2)
        assert (answer.status_code, answer.json()["code"]) == (422, "too_many_files")


async def test_what_json_asks_for_is_never_dropped(http: httpx.AsyncClient) -> None:
    document = {"instances": [{"b64": base64.b64encode(PICTURE).decode()}], "model": "nosuch@9", "note": 1}
    answer = await http.post("/v1/predict/batch", json=document)
    assert (answer.status_code, answer.json()["code"]) == (422, "field_unknown")
    said = answer.json()["detail"]
    assert "`model`, `note`" in said and "instances" in said and "takes `model`, as ?model=VALUE" in said


@pytest.mark.parametrize("kind", ["text/plain; charset=utf-8", "text/plain; charset=ISO-8859-1", "application/json"])
async def test_a_text_may_have_a_type(http: httpx.AsyncClient, kind: str) -> None:
    """As .NET's StringContent, Apache's HttpClient and Spring send it."""
    answer = await http.post(
        "/v1/feedback", files={"label": (None, "7", kind), "model": (None, "digits", kind), "file": ("7.png", PICTURE)}
    )
    assert answer.status_code in (200, 201) and answer.json()["label"] == "7"
    answer = await http.post("/v1/files", files={"purpose": (None, "assistants", kind), "file": ("a.zip", digits())})
    assert (answer.status_code, answer.json()["code"]) == (422, "purpose_unknown")
    for path in ("/v1/predict", "/v1/read", "/v1/files", "/v1/feedback"):
        answer = await http.post(path, files={"file": (None, "7.png", kind)})
        assert (answer.status_code, answer.json()["code"]) == (422, "file_missing")
        assert "as a text" in answer.json()["detail"]
    answer = await http.post("/v1/predict", files={"file": (None, PICTURE, "image/png")})
    assert answer.json()["label"] == "7"


@pytest.mark.parametrize(
    ("method", "path", "document", "code"),
    [
        ("POST", JOBS, {"model": "digits", "training_file": "file-none"}, "file_not_found"),
        ("POST", "/v1/predict/batch", {"instances": []}, "file_missing"),
        ("PUT", "/v1/models/digits/aliases/champion", {"version": 9}, "model_not_found"),
        ("POST", "/v1/review/rv-none", {"label": "7"}, "picture_not_found"),
    ],
)
async def test_json_may_begin_with_a_byte_order_mark(
    http: httpx.AsyncClient, method: str, path: str, document: dict[str, Any], code: str
) -> None:
    plain = json.dumps(document).encode()
    for body, expected in ((plain, code), (BOM + plain, code), (BOM * 2 + plain, "json_malformed")):
        answer = await http.request(method, path, content=body, headers={"content-type": "application/json"})
        assert answer.json()["code"] == expected
