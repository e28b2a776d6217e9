"""`digitserve backup` and `digitserve restore` as people type them."""

import signal
from contextlib import closing
from pathlib import Path

import pytest

from app.cli.main import main
from app.settings import WorkerSettings
from app.storage.audit.reading import AuditLog
from app.storage.db import Database
from app.web.access.key_store import KeyStore
from app.web.access.keys import digest, id_of
from models_store.registry import Registry


def typed(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    """The code that the command ends with, what it printed, and what it said beside."""
    code = main([*words])
    printed = capsys.readouterr()
    return code, printed.out, printed.err


def said(database: Path) -> list[str]:
    """What the audit log of a database has, the oldest first."""
    with closing(Database(f"sqlite:///{database}")) as opened:
        return [str(one.entry.what) for one in AuditLog(opened).list(10)[0]][::-1]


@pytest.fixture
def key(registry: Registry, capsys: pytest.CaptureFixture[str]) -> str:
    """Of a service that has one."""
    return typed(capsys, "keys", "create", "mine", "--scope", "admin")[1].strip()


def test_there_and_back(
    key: str, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "backups"
    folder.mkdir()
    code, out, err = typed(capsys, "backup", str(folder))
    (path,) = folder.iterdir()
    assert (code, err, out.count("\n")) == (0, "", 1)
    assert out.startswith(f"{path}: versions 1, jobs 0, corrections 0, ") and "keys 1" in out
    assert path.name.startswith("digitserve-20") and path.name.endswith("Z.tar")
    assert key.rpartition("_")[2].encode() not in path.read_bytes() and digest(key).encode() in path.read_bytes()
    code, out, err = typed(capsys, "backup", "--check", str(path))
    assert (code, err) == (0, "") and out.startswith(f"{path} is whole: versions 1, ")
    assert said(tmp_path / "state" / "digitserve.db") == ["key_created", "backup_made"]
    monkeypatch.setenv("DIGITSERVE_STORE_DIR", str(tmp_path / "new" / "store"))
    monkeypatch.setenv("DIGITSERVE_STATE_DIR", str(tmp_path / "new" / "state"))
    code, out, err = typed(capsys, "restore", str(path))
    assert (code, err) == (0, "") and out.startswith("Restored versions 1, ") and out.endswith("Start the server.\n")
    with closing(Database(WorkerSettings().database)) as database:
        assert [one.id for one in KeyStore(database).all()] == [id_of(key)]
    assert said(tmp_path / "new" / "state" / "digitserve.db") == ["key_created", "backup_restored"]
    code, out, err = typed(capsys, "restore", str(path))
    assert (code, out, err.count("\n")) == (1, "", 1) and err.startswith("digitserve: There is something already: ")


def test_what_is_wrong_is_one_sentence(registry: Registry, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "x.tar").write_bytes(b"x" * 2000)
    for words, status, part in (
        (("backup", str(tmp_path / "none" / "x.tar")), 2, "There is no folder"),
        (("backup", f"{tmp_path}/none/"), 2, "There is no folder"),
        (("backup", str(tmp_path / "x.tar")), 1, "is there already"),
        (("backup", "--check", str(tmp_path / "x.tar")), 1, "is no backup"),
        (("backup", "--check", str(tmp_path / "none")), 1, "There is no file"),
        (("restore", str(tmp_path / "x.tar")), 1, "There is something already"),
    ):
        code, out, err = typed(capsys, *words)
        assert (code, out, err.count("\n")) == (status, "", 1) and part in err, words
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


def test_what_was_wrong_before_is_said_beside(
    registry: Registry, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (registry.root / "digits" / "1" / "model.pt").write_bytes(b"x")
    code, out, err = typed(capsys, "backup", str(tmp_path / "b.tar"))
    assert code == 0 and out.count("\n") == 1
    assert err.startswith("digitserve: digits@1 is damaged in the store (model.pt), and so it is in the backup.")
