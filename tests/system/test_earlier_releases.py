"""What an earlier release left goes on: its versions serve, its database is read, its interrupted job is finished."""

import json
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from app.cli import kept
from app.jobs.job import State
from app.jobs.store import JobStore
from app.main import create_app
from app.settings import Settings
from app.storage.backup import make, rows, snapshot
from app.storage.backup.places import Places
from app.storage.backup.restore import restore
from app.storage.db import Database
from models_store.files import PROBES, read_probes
from models_store.model import agrees, load_fastest
from models_store.recipe import Recipe
from models_store.refs import Ref
from models_store.registry import Registry
from tests.conftest import EXAMPLES, FIXTURES, ROOT, running
from tests.support.patience import PATIENCE_SECONDS, wait_until

SUCCEEDED, KILLED, WAITING = (
    f"ftjob-{name}" for name in ("493ca9abd396d543783a818c", "f0b78796aab53d4b8cb68f22", "3d4f98fa197404f18210c594")
)


@pytest.fixture
def left(tmp_path: Path) -> Settings:
    """The store and the state folder as they were left."""
    with zipfile.ZipFile(FIXTURES / "state-2026-11.zip") as archive:
        archive.extractall(tmp_path)
    return Settings(store_dir=tmp_path / "store", state_dir=tmp_path / "state", default_model="small")


@pytest.fixture
def left_later(left: Settings, tmp_path: Path) -> Settings:
    """The same store with the state of a later release."""
    shutil.rmtree(left.state_dir)
    with zipfile.ZipFile(FIXTURES / "state-0007.zip") as archive:
        archive.extractall(tmp_path)
    return left


@contextmanager
def jobs_of(settings: Settings) -> Iterator[JobStore]:
    with closing(Database(settings.database)) as database:
        yield JobStore(database)


@pytest.mark.parametrize("number", [1, 2])
def test_its_versions_are_whole_and_answer_as_they_did(left: Settings, number: int) -> None:
    version = Registry(left.store_dir).verify(Ref("small", None, number))
    model = load_fastest(version.folder, version.manifest)
    pictures, expected = read_probes(version.manifest.read_file(version.folder, PROBES))
    assert agrees(model.predict(pictures), expected)


def test_its_recipes_are_read_by_todays_names(left: Settings) -> None:
    text = (left.store_dir / "small" / "1" / "manifest.json").read_text()
    assert '"strangers": 0.05' in text and '"exposure": 0.5' in text
    recipe = Registry(left.store_dir).resolve(Ref("small")).manifest.recipe
    assert (recipe.photos.outliers, recipe.train.outlier_weight) == (0.05, 0.5)


async def test_its_database_is_read_over_http(left: Settings) -> None:
    async with running(create_app(left.model_copy(update={"keep_uncertain": True}))) as http:
        answer = (await http.post("/v1/predict", content=(EXAMPLES / "0.png").read_bytes(),
                                  headers={"content-type": "image/png"})).json()  # fmt: skip
        assert (answer["model"], answer["label"]) == ("small@1", "0")
        listed = (await http.get("/v1/fine_tuning/jobs")).json()["data"]
        assert [job["id"] for job in listed] == [WAITING, KILLED, SUCCEEDED]
        assert (listed[2]["status"], listed[2]["fine_tuned_model"]) == ("succeeded", "small@2")
        points = (await http.get(f"/v1/fine_tuning/jobs/{SUCCEEDED}/checkpoints")).json()["data"]
        assert [point["step_number"] for point in points] == [3, 2, 1]
        corrections = (await http.get("/v1/feedback")).json()["data"]
        assert sorted(one["label"] for one in corrections) == ["3", "5", "8"]
        for one in corrections:
            assert (await http.get(f"/v1/feedback/{one['id']}/picture")).status_code == 200
        assert len((await http.get("/v1/review")).json()["data"]) == 5
        (file,) = (await http.get("/v1/files")).json()["data"]
        assert len((await http.get(f"/v1/files/{file['id']}/content")).content) == file["bytes"]
        again = await http.post("/v1/fine_tuning/jobs", json={"model": "small", "training_file": file["id"]})
        assert again.status_code == 201


def test_its_jobs_go_on_where_they_stood(left: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIGITSERVE_DEFAULT_MODEL", "small")
    monkeypatch.setenv("DIGITSERVE_DATA_DIR", str(tmp_path / "no-data"))
    recipe = left.state_dir / "jobs" / KILLED / "attempt-1" / "recipe.json"
    assert '"exposure"' in recipe.read_text() and Recipe.from_json(recipe.read_text()).train.outlier_weight == 0.5
    worker = subprocess.Popen([sys.executable, "-m", "app", "worker", "--beside"], cwd=ROOT)
    try:
        with jobs_of(left) as jobs:
            wait_until(lambda: jobs.get(WAITING).state is State.SUCCEEDED, lambda: jobs.events(WAITING, 1000))
            killed, events = jobs.get(KILLED), jobs.events(KILLED, 1000)[0]
    finally:
        worker.terminate()
        worker.wait(PATIENCE_SECONDS)
    assert (killed.state, killed.attempt) == (State.SUCCEEDED, 2)
    assert any("went on from the checkpoint after epoch 3" in event.message for event in events)
    epochs = [event.data["epoch"] for event in events if event.type == "metrics" and event.data]
    assert epochs == [1, 2, *range(4, 41)]  # the third was trained, and its worker killed before it could tell
    assert Registry(left.store_dir).versions("small") == [1, 2, 3, 4]


async def test_a_later_ones_rows_are_read_and_go_on(left_later: Settings, tmp_path: Path) -> None:
    """A key, givers, what is held back, a challenger, a job that rests: as they were before there was an audit log."""
    ids = json.loads((tmp_path / "ids.json").read_text())
    async with running(create_app(left_later)) as http:
        assert (await http.get("/v1/feedback")).status_code == 401
        http.headers["authorization"] = f"Bearer {ids['key']}"
        given = (await http.get("/v1/feedback")).json()["data"]
        assert {one["giver"] for one in given} == {
            f"key:{ids['key'].split('_')[1]}",
            "local",
            f"addr:{'0123456789abcdef' * 2}",
            None,
        }
        assert sorted(one["id"] for one in given if one["held"]) == ids["held"]
        report = (await http.get("/v1/models/small/shadow")).json()
        assert (report["champion"], report["challenger"], report["state"]) == ("small@1", "small@2", "collecting")
        assert (report["compared"], report["differed"]) == (40, 3)
        jobs = {job["id"]: job["paused"] for job in (await http.get("/v1/fine_tuning/jobs")).json()["data"]}
        assert jobs == {ids["paused"]: True, ids["waiting"]: False}
        again = await http.post(f"/v1/fine_tuning/jobs/{ids['paused']}/resume")
        assert (again.status_code, again.json()["paused"]) == (200, False)
        entries = (await http.get("/v1/audit")).json()["data"]
        assert entries[0]["what"] == "job_resumed" and entries[0]["who"] == f"key:{ids['key'].split('_')[1]}"


@pytest.mark.parametrize("which", ["left", "left_later"])
def test_it_goes_through_a_backup_and_comes_back(which: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """Before it is upgraded, as the guide says: its database stays as it is, and so it is in the backup."""
    settings: Settings = request.getfixturevalue(which)
    revision, counts = snapshot.check(Path(shutil.copy(settings.database_file or "", tmp_path / "copy.db")))
    here, there = (
        Places(one.store_dir, one.state_dir, one.database, one.database_file)
        for one in (settings, settings.model_copy(update={"store_dir": tmp_path / "s", "state_dir": tmp_path / "t"}))
    )
    made = make.make(here, kept.NAMES, tmp_path / "b.tar")
    assert (made.warnings, made.contents.revision, dict(made.contents.rows)) == ([], revision, dict(counts))
    restore(made.path, there, kept.NAMES, kept.revive)
    with closing(Database(there.database)) as database, database.reading() as connection:
        now = rows.counts(connection)
        assert {name: now[name] for name in counts if name != "events"} == {
            name: count for name, count in counts.items() if name != "events"
        }  # fmt: skip
    assert Registry(there.store).aliases("small") == Registry(here.store).aliases("small")
    assert Registry(there.store).verify(Ref("small", None, 2)) is not None
    assert snapshot.check(Path(settings.state_dir / "digitserve.db"))[0] == revision
