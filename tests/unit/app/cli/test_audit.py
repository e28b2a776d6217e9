"""`digitserve audit` as people type it, on a database and a store of their own."""

import json
import os
import pwd
from pathlib import Path

import pytest

from app.cli.main import main
from app.settings import WorkerSettings
from models_store.shipped_version import open_store
from tests.conftest import republished

ME = f"user:{pwd.getpwuid(os.getuid()).pw_name}"


def typed(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    """The code that the command ends with, what it printed, and what it said beside."""
    code = main(list(words))
    printed = capsys.readouterr()
    return code, printed.out, printed.err


def lines(capsys: pytest.CaptureFixture[str], *words: str) -> list[dict[str, object]]:
    code, out, _ = typed(capsys, "audit", "--json", *words)
    assert code == 0
    return [json.loads(line) for line in out.splitlines()]


@pytest.fixture
def acts(capsys: pytest.CaptureFixture[str]) -> str:
    """A key is made, a version is promoted, rolled back and deleted, the key ends; its id."""
    registry = open_store(WorkerSettings().store_dir)
    for _ in range(2):
        republished(registry)
    key = typed(capsys, "keys", "create", "alice", "--scope", "admin")[1].strip()
    for words in ("promote digits@2", "rollback digits", "delete digits@3", "prune"):
        assert typed(capsys, "models", *words.split())[0] == 0
    assert typed(capsys, "models", "delete", "digits@1")[0] == 1
    assert typed(capsys, "keys", "revoke", key)[0] == 0
    return key[3:19]


def test_what_is_typed_is_logged_with_who_typed_it(acts: str, capsys: pytest.CaptureFixture[str]) -> None:
    found = [one for one in reversed(lines(capsys)) if one["outcome"] != "begun"]
    assert [(one["what"], one["target"], one["outcome"]) for one in found] == [
        ("key_created", f"key:{acts}", "done"),
        ("version_promoted", "digits@2", "done"),
        ("version_rolled_back", "digits", "done"),
        ("version_deleted", "digits@3", "done"),
        ("versions_pruned", None, "done"),
        ("version_deleted", "digits@1", "refused"),
        ("key_revoked", f"key:{acts}", "done"),
    ]
    assert {one["who"] for one in found} == {ME}
    assert found[0]["details"] == {"name": "alice", "scopes": ["admin"], "days": None}


def test_people_see_a_table_of_80_columns_and_the_next_page(acts: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = typed(capsys, "audit", "--limit", "3")
    assert code == 0 and max(map(len, out.splitlines())) <= 80
    assert "key_revoked" in out and "version_promoted" not in out and "There are older ones: --after 10" in out
    assert "key_created" in typed(capsys, "audit", "list", "--after", "2")[1]
    assert "There is no such entry." in typed(capsys, "audit", "--who", "nobody")[1]


def test_filters(acts: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert len(lines(capsys, "--what", "key_created", "--what", "key_revoked")) == 2
    assert len(lines(capsys, "--target", "digits@2")) == 2 and lines(capsys, "--until", "2020-01-01") == []
    assert len(lines(capsys, "--who", "user:", "--since", "2020-01-01T00:00")) == 12
    for words in (["--since", "yesterday"], ["--limit", "0"], ["--who", "a\x00b"]):
        code, out, said = typed(capsys, "audit", *words)
        assert ((code, out) == (2, "") and "takes" in said) or "NUL" in said


def test_the_chain_is_checked_and_old_entries_go_with_an_entry(acts: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = typed(capsys, "audit", "check")
    noted = out.splitlines()[-1]
    assert code == 0 and noted.startswith("12:") and "each as it was written" in out
    assert typed(capsys, "audit", "check", "--expect", noted)[0] == 0
    code, out, _ = typed(capsys, "audit", "check", "--expect", f"12:{'0' * 64}")
    assert code == 1 and "has another digest" in out
    assert typed(capsys, "audit", "check", "--expect", "x")[0] == 2
    assert "None is deleted" in typed(capsys, "audit", "trim", "--before", "2020-01-01")[1]
    assert "are deleted: 12" in typed(capsys, "audit", "trim", "--before", "2999-01-01")[1]
    (only,) = lines(capsys)
    assert (only["what"], only["who"], only["refers_to"]) == ("audit_trimmed", ME, 12)
    assert typed(capsys, "audit", "check")[0] == 0


def test_where_no_service_has_run_there_is_no_log_and_none_is_made(capsys: pytest.CaptureFixture[str]) -> None:
    registry = open_store(WorkerSettings().store_dir)
    republished(registry)
    assert typed(capsys, "models", "promote", "digits@2")[0] == 0
    assert lines(capsys) == [] and not WorkerSettings().state_dir.exists()
    assert typed(capsys, "audit", "check")[1] == "There is no entry.\n"


def test_a_promotion_goes_on_where_the_log_cannot_be_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    registry = open_store(WorkerSettings().store_dir)
    republished(registry)
    monkeypatch.setenv("DIGITSERVE_DATABASE_URL", f"postgresql://nobody@/nothing?host={tmp_path}")
    code, out, said = typed(capsys, "models", "promote", "digits@2")
    assert code == 0 and "is the champion" in out and registry.aliases("digits")["champion"] == 2
    told = [line for line in said.splitlines() if "note it yourself" in line]
    assert len(told) == 2 and all("digits@2" in line and f"who={ME}" in line for line in told)
