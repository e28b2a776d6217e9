"""`digitserve models` as people type it, on a store of their own."""

import shutil
from contextlib import closing

import pytest

from app.cli.main import main
from app.jobs.job import FEEDBACK
from app.jobs.store import JobStore
from app.settings import WorkerSettings
from app.storage.db import Database
from models_store.registry import Registry
from tests.conftest import republished
from tests.support.ordered import order
from tests.support.read_only import read_only


def typed(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, list[str]]:
    """The code that the command ends with, and the lines that it printed."""
    code = main(["models", *words])
    printed = capsys.readouterr()
    return code, (printed.out + printed.err).splitlines()


def test_a_promotion_says_what_gave_way_and_a_rollback_brings_it_back(
    registry: Registry, capsys: pytest.CaptureFixture[str]
) -> None:
    republished(registry)
    assert typed(capsys, "promote", "digits@2") == (0, ["digits@2 is the champion; it was digits@1."])
    assert registry.aliases("digits") == {"champion": 2, "previous": 1}
    back = ["digits@1 is the champion again; digits@2 is previous."]
    assert typed(capsys, "rollback", "digits") == (0, back)
    assert registry.aliases("digits") == {"champion": 1, "previous": 2}


def test_a_champion_that_is_expected_in_vain_stays(registry: Registry, capsys: pytest.CaptureFixture[str]) -> None:
    republished(registry)
    code, lines = typed(capsys, "promote", "digits@2", "--expected", "9")
    assert (code, len(lines)) == (1, 1)
    assert registry.aliases("digits") == {"champion": 1}


def test_the_first_champion_of_a_model_took_nobodys_place(
    registry: Registry, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(registry.root / "digits" / "1", registry.root / "copied" / "4")
    assert typed(capsys, "promote", "copied@4") == (0, ["copied@4 is the champion; there was none."])


def test_a_deleted_version_is_gone_and_one_that_serves_is_not(
    registry: Registry, capsys: pytest.CaptureFixture[str]
) -> None:
    republished(registry)
    code, lines = typed(capsys, "delete", "digits@1")
    assert (code, len(lines)) == (1, 1) and "alias champion" in lines[0]
    assert typed(capsys, "delete", "digits@2") == (0, ["digits@2 is deleted; its number will not be used again."])
    assert registry.versions("digits") == [1]


def test_pruning_takes_old_rejects_and_says_where_there_is_none(
    registry: Registry, capsys: pytest.CaptureFixture[str]
) -> None:
    republished(registry, accepted=False)  # in January 2026
    republished(registry)
    assert typed(capsys, "prune") == (0, ["digits@2 is deleted"])
    assert typed(capsys, "prune") == (0, ["There is nothing to delete."])


def test_verifying_goes_on_behind_a_damaged_version(registry: Registry, capsys: pytest.CaptureFixture[str]) -> None:
    damaged = republished(registry).folder / "model.pt"
    damaged.write_bytes(damaged.read_bytes()[:-1])
    republished(registry)
    code, lines = typed(capsys, "verify")
    assert code == 1
    assert [line.split("  ")[0] for line in lines] == ["digits@1", "digits@2", "digits@3"]
    assert ["REFUSED: model.pt" in line for line in lines] == [False, True, False]
    assert typed(capsys, "verify", "digits@1", "digits@champion")[0] == 0


@pytest.mark.parametrize(
    "words", [["export", "digits", "x.onnx"], ["export", "digits", "x", "--to", "pickle"], ["promote"], []]
)
def test_a_command_that_is_not_whole_starts_nothing(capsys: pytest.CaptureFixture[str], words: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["models", *words])
    assert ended.value.code == 2
    assert "usage: digitserve models" in capsys.readouterr().err


def test_a_slip_in_a_setting_of_the_server_stops_no_other_command(
    registry: Registry, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, text in {"PORT": "eight", "WORKERS": "many", "DATABASE_URL": "mysql://me:secret@host/x"}.items():
        monkeypatch.setenv(f"DIGITSERVE_{name}", text)
    assert typed(capsys, "verify", "digits@1")[0] == 0
    code = main(["serve"])
    (sentence,) = capsys.readouterr().err.splitlines()
    assert code == 2 and all(word in sentence for word in ("'eight'", "'many'", "DIGITSERVE_DATABASE_URL"))
    assert "secret" not in sentence
    assert main(["openapi"]) == 0


def test_a_store_that_may_only_be_read_is_listed_and_stays_as_it_is(
    registry: Registry, capsys: pytest.CaptureFixture[str]
) -> None:
    republished(registry)
    with read_only(registry.root):
        assert typed(capsys, "list")[0] == typed(capsys, "show", "digits@2")[0] == typed(capsys, "verify")[0] == 0
        code, (sentence,) = typed(capsys, "promote", "digits@2")
        assert code == 1 and "The store may only be read here" in sentence
    assert registry.aliases("digits") == {"champion": 1}


def test_an_alias_is_taken_away_and_its_version_stays(registry: Registry, capsys: pytest.CaptureFixture[str]) -> None:
    registry.promote("digits", 1, expected=None, alias="beta")
    assert typed(capsys, "unalias", "digits@beta") == (0, ["digits@beta is taken away; digits@1 stays."])
    assert registry.aliases("digits") == {"champion": 1} and registry.versions("digits") == [1]
    for ref, why in (
        ("digits@beta", "no alias beta"),
        ("digits@1", "Name the alias"),
        ("digits", "champion can't be taken away"),
    ):
        code, (line,) = typed(capsys, "unalias", ref)
        assert code == 1 and why in line


def test_what_a_job_needs_that_has_not_ended_is_not_deleted_here_either(
    registry: Registry, capsys: pytest.CaptureFixture[str]
) -> None:
    old = republished(registry, accepted=False)
    with closing(Database(WorkerSettings().database)) as database:
        job = JobStore(database).add(order(training_file=FEEDBACK, base=old.ref)).id
        code, (line,) = typed(capsys, "delete", "digits@2")
        assert code == 1 and f"The job {job} starts from digits@2" in line
        assert typed(capsys, "prune") == (0, ["There is nothing to delete."])
        JobStore(database).cancel(job)
    assert typed(capsys, "prune") == (0, ["digits@2 is deleted"])
