"""Settings that could only fail later are refused at the start."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from app.settings import STATE, AddressSettings, Settings, StoreSettings, WorkerSettings, sentences, unknown
from models_store.variables import STORE

HOSTS = "names such as digits.example.org, *.example.org or [2001:db8::1], with a comma between them"
NETWORKS = "addresses and networks such as 10.0.0.5, 10.0.0.0/8 or fd00::/8, with a comma between them; no names"
ROOT = "a path such as /digits, of letters, digits and -._~, that begins like none of the service's own"
ORIGINS = "origins such as https://example.org, without a path, with a comma between them"


def refused(**given: Any) -> list[str]:
    """The sentences about settings that can't be used; those of `given` were typed."""
    with pytest.raises(ValidationError) as error:
        Settings(**given)
    return sentences(error.value, given)


@pytest.fixture
def working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty one, and no variable that says where state lies."""
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.delenv("DIGITSERVE_STATE_DIR")
    yield folder


@pytest.mark.parametrize(
    "url",
    [
        "", "sqlite:////var/lib/digits.db", "sqlite:///here.db", "postgresql://me:secret@host:5432/name",
        "postgres://host/name", "postgresql+psycopg://me@/name?host=/run/postgresql",
    ],
)  # fmt: skip
def test_databases_that_can_be(url: str) -> None:
    assert Settings(database_url=url).database_url == url


@pytest.mark.parametrize(
    "url",
    ["sqlite://", "sqlite:///", "sqlite:///:memory:", "mysql://host/name", "postgresql://u@h:abc/x", "here.db",
     "postgresql://host"],
)  # fmt: skip
def test_databases_that_cannot_be(url: str) -> None:
    with pytest.raises(ValidationError, match="name sqlite:"):
        Settings(database_url=url)


def test_the_database_lies_in_the_state_folder_by_default() -> None:
    assert str(Settings(state_dir="/some/state").database) == "sqlite:////some/state/digitserve.db"


@pytest.mark.parametrize("name", ["a%20b", "a?b", "a#b", "a;b&c:d", "ä", "a\\b", "a b ", "100%", "a@b:c"])
def test_a_path_of_any_spelling_is_where_the_database_lies(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIGITSERVE_STATE_DIR", f"/some/{name}")
    assert Settings().database.database == f"/some/{name}/digitserve.db"


def test_the_file_of_a_database() -> None:
    assert Settings(state_dir="/srv/a%20b").database_file == Path("/srv/a%20b/digitserve.db")
    assert Settings(database_url="sqlite:////srv/x.db").database_file == Path("/srv/x.db")
    assert Settings(database_url="postgresql://host/x").database_file is None


@pytest.mark.parametrize("text", ["", "  ", '""'])
@pytest.mark.parametrize("name", list(Settings.model_fields))
def test_what_is_empty_is_unset(name: str, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DIGITSERVE_STATE_DIR")
    monkeypatch.delenv("DIGITSERVE_STORE_DIR")
    default = getattr(Settings(), name)
    monkeypatch.setenv(f"DIGITSERVE_{name.upper()}", text)
    assert getattr(Settings(), name) == default


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("LOG_LEVEL", "INFO", "info"), ("LOG_LEVEL", "Warn", "warning"), ("LOG_LEVEL", " debug\n", "debug"),
        ("LOG_FORMAT", "JSON", "json"), ("DEVICE", "'CPU'", "cpu"), ("KEEP_UNCERTAIN", "TRUE", True),
        ("KEEP_UNCERTAIN", " Yes ", True), ("KEEP_UNCERTAIN", "1", True), ("KEEP_UNCERTAIN", "On", True),
        ("KEEP_UNCERTAIN", "OFF", False), ("PORT", "8001 ", 8001), ("PORT", '"8001"', 8001), ("WORKERS", "'2'", 2),
        ("PORT", "tcp://10.96.0.17:8000", 8000), ("PORT", "udp://10.96.0.17:53", 8000), ("HOST", " ::1 ", "::1"),
        ("HOST", "tcp://10.96.0.17:8000", "127.0.0.1"), ("HOST", "UDP://x:1", "127.0.0.1"),
        ("DEFAULT_MODEL", '"letters"', "letters"),
    ],
)  # fmt: skip
def test_a_value_is_read_as_it_is_meant(name: str, text: str, value: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"DIGITSERVE_{name}", text)
    assert getattr(Settings(), name.lower()) == value


@pytest.mark.parametrize(
    ("name", "text", "taken"),
    [
        ("WORKERS", "many", "a whole number from 0 to 256"), ("PORT", "0x1f40", "a whole number from 0 to 65535"),
        ("PORT", "-1", "a whole number from 0 to 65535"), ("PORT", "http://x", "a whole number from 0 to 65535"),
        ("FEEDBACK_MAX", "0", "a whole number of at least 1"), ("JOB_KEPT_DAYS", "inf", "a number of at least 0"),
        ("JOB_MIN_ACCURACY", "nan", "a number from 0 to 1"), ("DEVICE", "gpu", "auto, cpu or cuda"),
        ("LOG_LEVEL", "LOUD", "debug, info, warning or error"), ("KEEP_UNCERTAIN", "maybe", "true or false"),
        ("DEFAULT_MODEL", "digits@2", "a model's name: up to 63 lower-case letters, digits and hyphens"),
        ("ALLOWED_HOSTS", "example.org, http://x/", HOSTS), ("ALLOWED_HOSTS", "example.org/digits", HOSTS),
        ("ALLOWED_HOSTS", "a.example b.example", HOSTS), ("ALLOWED_ORIGINS", "http://x/", ORIGINS),
        ("ALLOWED_ORIGINS", "example.org", ORIGINS), ("ALLOWED_ORIGINS", "*", ORIGINS),
        ("ALLOWED_ORIGINS", "null", ORIGINS),
        ("TRUSTED_PROXIES", "127.0.0.1, localhost", NETWORKS), ("TRUSTED_PROXIES", "*", NETWORKS),
        ("ROOT_PATH", "/v1", ROOT), ("ROOT_PATH", "/digits?x=1", ROOT), ("ROOT_PATH", "https://x/digits", ROOT),
    ],
)  # fmt: skip
def test_a_refusal_shows_the_value_and_what_is_taken(
    name: str, text: str, taken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"DIGITSERVE_{name}", text)
    assert refused() == [f"The setting DIGITSERVE_{name} is not usable: it is '{text}', and takes {taken}."]


def test_a_refusal_shows_no_password_and_names_an_option_that_was_typed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIGITSERVE_DATABASE_URL", "mysql://me:secret@host/x")
    first, second = refused(port=70_000)
    assert "secret" not in first and "'mysql://…@host/x'" in first and "takes sqlite:////folder/file.db or" in first
    assert second.startswith("The option --port is not usable: it is '70000', and takes a whole number from 0 to 65535")


def test_each_command_reads_what_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("WORKERS", "PORT", "MAX_BODY_BYTES", "KEEP_ALIVE_SECONDS"):
        monkeypatch.setenv(f"DIGITSERVE_{name}", "no number")
    StoreSettings()
    assert WorkerSettings().job_threads == 0
    monkeypatch.setenv("DIGITSERVE_PORT", "8001")
    monkeypatch.setenv("DIGITSERVE_JOB_LEASE_SECONDS", "0")
    assert AddressSettings().port == 8001
    settings, slips = Settings.lenient()
    assert (settings.port, settings.workers, settings.job_lease_seconds) == (8001, 0, 15.0) and len(slips) == 4


def test_what_is_typed_wins_over_a_variable_that_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIGITSERVE_PORT", "no number")
    assert Settings(port=8001).port == 8001


def test_a_child_reads_what_its_parent_did(monkeypatch: pytest.MonkeyPatch, working_folder: Path) -> None:
    monkeypatch.setenv("DIGITSERVE_STORE_DIR", "store of mine ")
    monkeypatch.setenv("DIGITSERVE_PORT", "tcp://10.96.0.17:8000")
    ours = Settings(port=8001, workers=2, keep_uncertain=True)
    for name, text in ours.variables().items():
        monkeypatch.setenv(name, text)
    monkeypatch.chdir("/")
    assert Settings() == ours
    assert (ours.store_dir, ours.port) == (working_folder / "store of mine ", 8001)


def test_state_lies_beside_the_software_whatever_the_working_folder(working_folder: Path) -> None:
    assert Settings().state_dir == STATE == STORE.parent.parent / "var"
    (working_folder / "var").mkdir()
    assert Settings().state_dir == STATE
    (working_folder / "var" / "digitserve.db").touch()  # left by release 0.1, which looked there
    assert Settings().state_dir == working_folder / "var"


def test_variables_that_nothing_reads_are_told_and_those_of_platforms_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SERVICE_HOST", "SERVICE_PORT", "PORT", "PORT_8000_TCP", "PORT_8000_TCP_ADDR", "WORKERS"):
        monkeypatch.setenv(f"DIGITSERVE_{name}", "tcp://10.96.0.17:8000")
    assert list(unknown()) == []
    monkeypatch.setenv("DIGITSERVE_WORKER", "2")
    monkeypatch.setenv("DIGITSERVE_QQQ", "2")
    assert sorted(unknown()) == [
        "DIGITSERVE_QQQ is no setting. See docs/settings.md.",
        "DIGITSERVE_WORKER is no setting. Is DIGITSERVE_WORKERS meant?",
    ]
