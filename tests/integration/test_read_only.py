"""A store and a state folder that may only be read: pictures are read, whatever changes something is refused."""

from pathlib import Path

import httpx
import pytest

from app.main import create_app
from app.settings import Settings
from models_store.registry import Registry
from tests.conftest import EXAMPLES, republished, running
from tests.support.read_only import read_only
from tests.support.uploading import FILES, ZIP, digits

PNG = {"content-type": "image/png"}
PICTURE = (EXAMPLES / "7.png").read_bytes()


def code(answer: httpx.Response) -> tuple[int, str]:
    assert answer.json()["detail"].endswith(".") and "/" not in answer.json()["detail"]
    return answer.status_code, answer.json()["code"]


async def label(http: httpx.AsyncClient) -> str:
    return str((await http.post("/v1/predict", content=PICTURE, headers=PNG)).json()["label"])


async def test_a_store_that_may_only_be_read_serves(registry: Registry) -> None:
    republished(registry)
    registry.promote("digits", 2, expected=1)
    republished(registry)
    with read_only(registry.root):
        async with running(create_app(Settings(store_dir=registry.root))) as http:
            assert (await http.get("/readyz")).json() == {"status": "ready", "model": "digits@2"}
            assert await label(http) == "7"
            assert (await http.get("/v1/models")).json()["data"][0]["versions"] == [1, 2, 3]
            promotion = {"version": 1, "expected": 2}
            for answer in (
                await http.put("/v1/models/digits/aliases/champion", json=promotion),
                await http.post("/v1/models/digits/rollback"),
                await http.delete("/v1/models/digits@3"),
            ):
                assert code(answer) == (503, "store_read_only")


@pytest.mark.parametrize("used", [True, False])
async def test_a_state_folder_that_may_only_be_read_refuses_what_would_last(tmp_path: Path, used: bool) -> None:
    state = tmp_path / "state"
    state.mkdir()
    settings = Settings(store_dir=tmp_path / "store", state_dir=state)
    if used:
        async with running(create_app(settings)) as http:
            assert (await http.post(FILES, content=digits(6), headers=ZIP)).status_code == 200
    with read_only(state):
        async with running(create_app(settings)) as http:
            assert await label(http) == "7"
            corrected = {"file": ("7.png", PICTURE, "image/png")}
            for answer in (
                await http.post(FILES, content=digits(), headers=ZIP),
                await http.post("/v1/feedback", files=corrected, data={"label": "7"}),
            ):
                assert code(answer) == (503, "state_read_only")
            listed = await http.get(FILES)
            if not used:
                assert code(listed) == (503, "state_read_only")
                return
            (file,) = listed.json()["data"]
            assert len((await http.get(f"{FILES}/{file['id']}/content")).content) == file["bytes"]
            assert code(await http.delete(f"{FILES}/{file['id']}")) == (503, "state_read_only")
            job = {"model": "digits", "training_file": file["id"]}
            assert code(await http.post("/v1/fine_tuning/jobs", json=job)) == (503, "state_read_only")
    async with running(create_app(settings)) as http:  # mounted writable again
        assert (await http.post(FILES, content=digits(), headers=ZIP)).status_code == 200


async def refusals(http: httpx.AsyncClient) -> set[tuple[int, str]]:
    """What those get who would keep something, while a picture is read."""
    assert await label(http) == "7"
    corrected = {"file": ("7.png", PICTURE, "image/png")}
    return {
        code(await http.post(FILES, content=digits(), headers=ZIP)),
        code(await http.post("/v1/feedback", files=corrected, data={"label": "7"})),
    }


@pytest.mark.parametrize("name", ["state", "some/state"])
async def test_a_state_folder_that_cannot_be_made_is_as_one_that_may_only_be_read(tmp_path: Path, name: str) -> None:
    closed = tmp_path / "closed"
    closed.mkdir()
    settings = Settings(store_dir=tmp_path / "store", state_dir=closed / name)
    with read_only(closed):
        async with running(create_app(settings)) as http:
            assert await refusals(http) == {(503, "state_read_only")}
            for route in (FILES, "/v1/fine_tuning/jobs", "/v1/feedback"):
                assert code(await http.get(route)) == (503, "state_read_only")


async def test_a_state_folder_that_is_none_refuses_what_would_last(tmp_path: Path) -> None:
    (tmp_path / "state").symlink_to(tmp_path / "nothing")
    async with running(create_app(Settings(store_dir=tmp_path / "store", state_dir=tmp_path / "state"))) as http:
        assert await refusals(http) == {(503, "state_unusable"), (503, "database_unusable")}
        assert code(await http.get(FILES)) == (503, "database_unusable")


async def test_a_file_where_uploads_or_corrections_should_lie(tmp_path: Path) -> None:
    settings = Settings(store_dir=tmp_path / "store", state_dir=tmp_path)
    async with running(create_app(settings)) as http:
        file = (await http.post(FILES, content=digits(), headers=ZIP)).json()["id"]
        (tmp_path / "files").rename(tmp_path / "gone")
        for name in ("files", "feedback"):
            (tmp_path / name).touch()
        assert await refusals(http) == {(503, "state_unusable")}
        assert code(await http.get(f"{FILES}/{file}/content")) == (503, "state_unusable")


async def test_readyz_says_why_no_model_answers(registry: Registry) -> None:
    (registry.root / "digits" / "aliases.json").write_text("{")
    async with running(create_app(Settings(store_dir=registry.root))) as http:
        refused = await http.get("/readyz")
        assert (refused.status_code, refused.json()["code"]) == (503, "not_ready")
        assert "aliases.json does not hold" in refused.json()["detail"]
        answer = await http.post("/v1/predict?model=digits@1", content=PICTURE, headers=PNG)
        assert answer.status_code == 200
    async with running(create_app(Settings(store_dir=registry.root, default_model="letters"))) as http:
        assert "There is no model letters" in (await http.get("/readyz")).json()["detail"]
