"""What keeps a server from its work is found before a process is started; what only limits it is told."""

import importlib.util
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from app.errors import CannotStart
from app.settings import Settings
from app.supervision.preflight import check
from tests.support.read_only import read_only


def said(settings: Settings) -> dict[str, Any]:
    """Event -> its line of the log."""
    with capture_logs() as lines:
        check(settings)
    return {line["event"]: line for line in lines}


def refusal(**given: Any) -> str:
    with pytest.raises(CannotStart) as refused:
        check(Settings(**given))
    return str(refused.value)


def test_it_tells_where_things_lie_with_whole_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    lines = said(Settings(store_dir="a", state_dir="b%20c"))
    assert set(lines) == {"places"}
    place = lines["places"]
    assert (place["store"], place["state"]) == (str(tmp_path / "a"), str(tmp_path / "b%20c"))
    assert place["database"] == str(tmp_path / "b%20c" / "digitserve.db")
    assert not (tmp_path / "b%20c").exists()


def test_it_tells_no_password() -> None:
    nobody = "postgresql://me:secret@127.0.0.1:1/x"
    lines = said(Settings(database_url=nobody))
    assert "secret" not in str(lines) and "127.0.0.1:1/x" in lines["places"]["database"]


@pytest.mark.parametrize("name", ["file", "file/below"])
@pytest.mark.parametrize("setting", ["store_dir", "state_dir"])
def test_a_file_in_place_of_a_folder(tmp_path: Path, setting: str, name: str) -> None:
    (tmp_path / "file").touch()
    sentence = refusal(**{setting: tmp_path / name})
    assert f"{tmp_path / name}: a file is there" in sentence and f"Set DIGITSERVE_{setting.upper()}" in sentence


def test_a_store_that_cannot_be_made(tmp_path: Path) -> None:
    with read_only(tmp_path):
        assert str(tmp_path / "new") in refusal(store_dir=tmp_path / "new")


def test_a_state_folder_or_a_database_that_cannot_be_made_is_told_and_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir()
    new = tmp_path / "closed" / "new"
    with read_only(tmp_path / "closed"):
        for given in ({"state_dir": new}, {"state_dir": tmp_path, "database_url": f"sqlite:///{new}/x.db"}):
            line = said(Settings(store_dir=tmp_path / "store", **given))["state_read_only"]
            assert str(new.parent) in line["why"]
    (tmp_path / "link").symlink_to(new)
    assert (
        "it is a link"
        in said(Settings(store_dir=tmp_path / "store", state_dir=tmp_path / "link"))["state_read_only"]["why"]
    )


def test_folders_that_may_only_be_read_are_told_and_stop_nothing(tmp_path: Path) -> None:
    for name in ("store", "state"):
        (tmp_path / name).mkdir(exist_ok=True)
        with read_only(tmp_path / name):
            line = said(Settings(store_dir=tmp_path / "store", state_dir=tmp_path / "state"))[f"{name}_read_only"]
        assert str(tmp_path / name) in line["why"]


def test_slips_and_a_database_elsewhere_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIGITSERVE_WORKER", "2")
    (tmp_path / "a b").mkdir()
    (tmp_path / "a b" / "digitserve.db").touch()
    lines = said(Settings(state_dir=tmp_path / "a%20b"))
    assert "DIGITSERVE_WORKERS" in lines["setting_unknown"]["why"]
    assert str(tmp_path / "a b" / "digitserve.db") in lines["database_elsewhere"]["why"]


def test_a_server_that_needs_no_key_says_so() -> None:
    assert "insecure" not in said(Settings())
    line = said(Settings(insecure=True, host="192.0.2.1"))["insecure"]
    assert line["log_level"] == "warning"
    assert "whoever reaches 192.0.2.1" in line["why"] and "digitserve keys create" in line["why"]


def test_traces_that_cannot_be_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda *_: None)
    assert "digitserve[tracing]" in refusal(traces_url="http://127.0.0.1:4318/v1/traces")
