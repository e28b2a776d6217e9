"""`digitserve keys` as people type it, on a database of their own."""

import pytest

from app.cli.main import main
from app.settings import WorkerSettings
from app.storage.db import Database
from app.web.access.key_store import KeyStore
from app.web.access.keys import digest, id_of


def typed(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    """The code that the command ends with, what it printed, and what it said beside."""
    code = main(["keys", *words])
    printed = capsys.readouterr()
    return code, printed.out, printed.err


def test_a_new_key_is_printed_alone_and_never_again(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, said = typed(capsys, "create", "scanner", "--scope", "predict", "--scope", "feedback", "--days", "90")
    key = out.strip()
    assert (code, out) == (0, f"{key}\n")
    assert id_of(key) is not None and str(id_of(key)) in said and key not in said
    assert "never shown again" in said and "feedback, predict" in said and "It is the first one" in said
    found = KeyStore(Database(WorkerSettings().database)).found()
    assert [(one.sha256, one.scopes) for one in found.usable] == [(digest(key), frozenset({"predict", "feedback"}))]
    _, listed, _ = typed(capsys, "list")
    assert str(id_of(key)) in listed and key.rpartition("_")[2] not in listed
    assert "first one" not in typed(capsys, "create", "other", "--scope", "admin")[2]


def test_a_key_ends_when_it_is_revoked_by_its_id_or_by_itself(capsys: pytest.CaptureFixture[str]) -> None:
    keys = [typed(capsys, "create", name, "--scope", "admin")[1].strip() for name in ("one", "two")]
    for word in (str(id_of(keys[0])), keys[1]):
        code, out, _ = typed(capsys, "revoke", word)
        assert code == 0 and "is revoked since" in out and keys[1] not in out
    assert KeyStore(Database(WorkerSettings().database)).found().usable == []
    code, _, said = typed(capsys, "revoke", "nope")
    assert code == 1 and said == "digitserve: There is no key with that id. `digitserve keys list` shows all.\n"


@pytest.mark.parametrize("days", ["0", "-1", "nan", "inf", "1e9"])
def test_days_that_are_none_make_no_key(capsys: pytest.CaptureFixture[str], days: str) -> None:
    code, out, said = typed(capsys, "create", "x", "--scope", "admin", f"--days={days}")
    assert (code, out, said.count("\n")) == (2, "", 1) and "--days" in said
    assert not WorkerSettings().state_dir.exists()


@pytest.mark.parametrize("name", ["", "  ", "a\x1b[2J", "a\nb", "x" * 101])
def test_a_name_that_cannot_be_shown_makes_no_key(capsys: pytest.CaptureFixture[str], name: str) -> None:
    assert typed(capsys, "create", name, "--scope", "admin")[:2] == (2, "")


def test_a_scope_that_there_is_not_or_none_makes_no_key(capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["--scope", "root"], []):
        with pytest.raises(SystemExit) as end:
            main(["keys", "create", "x", *words])
        assert end.value.code == 2


def test_a_database_that_does_not_answer_is_one_sentence(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DIGITSERVE_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    for words in (["list"], ["revoke", "x"], ["create", "x", "--scope", "admin"]):
        code, out, said = typed(capsys, *words)
        assert code == 1 and "ds_" not in out  # the log says more there
        assert said.splitlines()[-1].startswith("digitserve: The database does not answer.")
