"""No name in an address, a form or an archive leads out of the store and the state folder."""

import itertools
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest

from app.main import create_app
from app.settings import Settings
from tests.conftest import EXAMPLES, running
from tests.support.uploading import ZIP, packed

PICTURE = (EXAMPLES / "7.png").read_bytes()
SECRET = b"what only this machine may read"
LADDERS = [
    *("../secret", "../../secret", "..\\secret", "....//secret", "/secret", "secret\0.json", ".", ".."),
    *("digits/../../secret", "digits@../../secret", "sha256:../../secret", "\uff0e\uff0e/secret", "%2e%2e%2fsecret"),
    *("file-../../secret", "ftjob-../../secret", "fb-../../secret", "C:\\secret", "digits\r\nx: y", "~/secret"),
]


@pytest.fixture
async def http(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    settings = Settings(store_dir=tmp_path / "deep" / "store", state_dir=tmp_path / "deep" / "state")
    for place in (tmp_path, tmp_path / "deep"):
        place.mkdir(exist_ok=True)
        (place / "secret").write_bytes(SECRET)
    async with running(create_app(settings)) as client:
        yield client


def outside(place: Path) -> dict[str, bytes]:
    """Every file that is neither of the store nor of the state."""
    rooms = (place / "deep" / "store", place / "deep" / "state")
    return {
        str(path): path.read_bytes()
        for path in place.rglob("*")
        if path.is_file() and not any(path.is_relative_to(room) for room in rooms)
    }


def spelled(name: str) -> set[str]:
    """A name as it may stand in an address: as it is, packed once and packed twice."""
    once = quote(name, safe="")
    return {once, quote(once, safe=""), once.replace("%2F", "/").replace("%5C", "\\")}


async def test_no_name_in_an_address_leads_out(http: httpx.AsyncClient, tmp_path: Path) -> None:
    document = (await http.get("/openapi.json")).json()
    before = outside(tmp_path)
    asked = 0
    for path, methods in document["paths"].items():
        holes = [part for part in path.split("/") if part.startswith("{")]
        for method, hole, name in itertools.product(methods, holes, LADDERS):
            for address in spelled(name):
                filled = path.replace(hole, address)
                for other in holes:
                    filled = filled.replace(other, "digits" if other in ("{ref}", "{name}") else "x")
                answer = await http.request(method, httpx.URL("http://test", raw_path=filled.encode()))
                assert answer.status_code < 500, (method, filled, answer.text)
                assert SECRET not in answer.content, (method, filled)
                asked += 1
    assert asked > 500
    assert outside(tmp_path) == before


async def test_the_pages_show_no_other_file(http: httpx.AsyncClient) -> None:
    for ladder in ("../pages.py", "../../main.py", "..%2fpages.py", "%2e%2e/pages.py", "..%5cpages.py", "/etc/passwd"):
        for start in ("/ui/", "/ui//", "/ui/./", "//ui/"):
            answer = await http.get(httpx.URL("http://test", raw_path=f"{start}{ladder}".encode()))
            assert answer.status_code in (400, 404), ladder
            assert b"import" not in answer.content


async def test_no_name_in_a_form_or_an_archive_leads_out(http: httpx.AsyncClient, tmp_path: Path) -> None:
    before = outside(tmp_path)
    for name in LADDERS:
        file = (name.replace("\r\n", ""), PICTURE)
        answers = [
            await http.post("/v1/predict", files={"file": file}),
            await http.post("/v1/predict", params={"model": name}, files={"file": file}),
            await http.post("/v1/predict/batch", files={"files": file}),
            await http.post("/v1/feedback", data={"label": name, "model": "digits"}, files={"file": file}),
            await http.post("/v1/feedback", data={"label": "7", "model": name}, files={"file": file}),
            await http.post("/v1/files", params={"filename": name}, content=packed({"7/a.png": PICTURE}), headers=ZIP),
            await http.post("/v1/files", data={"purpose": "fine-tune"}, files={"file": file}),
        ]
        assert all(answer.status_code < 500 for answer in answers), name
    assert outside(tmp_path) == before


@pytest.mark.parametrize("name", ["../../secret", "/secret.png", "7/../../../secret", "..\\..\\secret.png"])
async def test_an_archive_that_climbs_is_refused_whole(http: httpx.AsyncClient, tmp_path: Path, name: str) -> None:
    before = outside(tmp_path)
    body = packed({"7/a.png": PICTURE, name: b"overwritten"})
    for path in ("/v1/files", "/v1/predict/batch"):
        answer = await http.post(path, content=body, headers=ZIP)
        assert (answer.status_code, answer.json()["code"]) == (422, "archive_bad_name"), path
    assert outside(tmp_path) == before
