"""A job's folder, as the process sees it that does the job."""

import dataclasses
import errno
import json
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch

from models_store.defaults import recipe_for
from models_store.errors import DataSetRejected, ManifestMismatch, RecipeRejected, StoreFull, StoreReadOnly
from models_store.refs import Ref
from models_store.registry import Registry
from tests.conftest import republished
from training import job
from training.errors import BaseUnusable, JobAbandoned, TrainingDiverged
from training.job import JobFolder


def of(registry: Registry, name: str) -> dict[str, object]:
    """A manifest's recipe that says which job made it."""
    recipe = recipe_for(registry.resolve(Ref("digits")), "file-a", None)
    assert recipe.finetune is not None
    return {"recipe": dataclasses.replace(recipe, finetune=dataclasses.replace(recipe.finetune, job=name))}


def opened(folder: Path, registry: Registry, name: str = "ftjob-1", **changes: str) -> JobFolder:
    recipe = recipe_for(registry.resolve(Ref("digits")), "file-a", None)
    assert recipe.finetune is not None
    recipe = dataclasses.replace(recipe, finetune=dataclasses.replace(recipe.finetune, job=name, **changes))  # type: ignore[arg-type]
    folder.mkdir(exist_ok=True)
    (folder / "recipe.json").write_text(recipe.to_json())
    return job.open_job(folder)


def test_names_in_the_recipe_are_files_in_the_folder(tmp_path: Path, registry: Registry) -> None:
    plain = opened(tmp_path / "a", registry)
    assert (plain.id, plain.recipe.data.path) == ("ftjob-1", str(tmp_path / "a" / "file-a"))
    assert plain.recipe.finetune is not None and plain.recipe.finetune.validation == ""
    judged = opened(tmp_path / "a", registry, validation="file-b").recipe.finetune
    assert judged is not None and judged.validation == str(tmp_path / "a" / "file-b")


def test_givers_are_read_where_the_worker_told_them(tmp_path: Path, registry: Registry) -> None:
    assert opened(tmp_path / "a", registry).givers is None
    (tmp_path / "a" / "givers.json").write_text('{"fb-1": "g1", "fb-2": ""}')
    assert opened(tmp_path / "a", registry).givers == {"fb-1": "g1", "fb-2": ""}


@pytest.mark.parametrize("text", ["", "[]", '{"fb-1": 3}', '{"fb-1": null}'])
def test_givers_that_are_none_are_refused(text: str, tmp_path: Path, registry: Registry) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "givers.json").write_text(text)
    with pytest.raises(RecipeRejected, match=r"givers\.json"):
        opened(tmp_path / "a", registry)


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"publish_to": 3}'])
def test_a_recipe_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "recipe.json").write_text(text)
    with pytest.raises(RecipeRejected):
        job.open_job(tmp_path)


def test_a_recipe_from_scratch_is_no_job(tmp_path: Path, registry: Registry) -> None:
    (tmp_path / "recipe.json").write_text(registry.resolve(Ref("digits")).manifest.recipe.to_json())
    with pytest.raises(RecipeRejected, match="table finetune"):
        job.open_job(tmp_path)


def test_a_jobs_version_is_found_among_the_others(tmp_path: Path, registry: Registry) -> None:
    asked = opened(tmp_path / "a", registry)
    assert asked.published(registry) is None
    republished(registry, **of(registry, "ftjob-2"))
    made = republished(registry, **of(registry, "ftjob-1"))
    unreadable = republished(registry, **of(registry, "ftjob-3"))
    (unreadable.folder / "manifest.json").write_bytes(b"{}")
    assert asked.published(registry) == made
    assert dataclasses.replace(asked, id="ftjob-4").published(registry) is None
    assert dataclasses.replace(asked, id="ftjob-3").published(registry) is None
    republished(registry, **of(registry, ""))
    assert opened(tmp_path / "b", registry, name="").published(registry) is None  # by hand: each run makes its own
    assert registry.aliases("digits") == {"champion": 1}


@pytest.mark.parametrize("accepted", [True, False])
def test_a_kill_between_publishing_and_crowning_is_made_good(
    tmp_path: Path, registry: Registry, accepted: bool
) -> None:
    asked = opened(tmp_path / "a", registry)
    made = republished(registry, **of(registry, "ftjob-1"), accepted=accepted)
    (registry.root / "digits" / "aliases.json").unlink()
    assert asked.published(registry) == made
    assert registry.aliases("digits") == ({"champion": made.number} if accepted else {})


def test_publishing_waits_for_leave(tmp_path: Path, registry: Registry, capsys: pytest.CaptureFixture[str]) -> None:
    asked = dataclasses.replace(opened(tmp_path / "a", registry), patience_seconds=0.0)
    with pytest.raises(JobAbandoned, match="Nobody gave leave"):
        asked.wait()
    assert capsys.readouterr().out == '{"event": "ready"}\n'
    (asked.folder / "go").touch()
    asked.wait()


def test_of_many_processes_of_one_job_one_publishes(tmp_path: Path, registry: Registry) -> None:
    asked = opened(tmp_path / "a", registry)

    def publish(_: int) -> int:
        with registry.alone("digits"):
            return (asked.published(registry) or republished(registry, **of(registry, "ftjob-1"))).number

    with ThreadPoolExecutor(6) as pool:
        assert set(pool.map(publish, range(6))) == {2}
    assert registry.versions("digits") == [1, 2]


def no_memory() -> Exception:
    with pytest.raises(RuntimeError) as raised:
        torch.empty(1 << 55, dtype=torch.uint8)
    return raised.value


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (DataSetRejected("label_unknown", "Correct row 3."), "label_unknown", "Correct row 3."),
        (BaseUnusable("digits@7: gone."), "base_unusable", "digits@7: gone."),
        (TrainingDiverged("lower train.learning_rate"), "training_diverged", "Take a lower learning rate."),
        (RecipeRejected("Unknown key x."), "recipe_rejected", "Unknown key x."),
        (ManifestMismatch("Train it again."), "version_unservable", "Train it again."),
        (JobAbandoned("Make it again."), "job_abandoned", "Make it again."),
        (OSError(errno.ENOSPC, "No space left", "/secret"), "storage_full", "Free some space"),
        (OSError(errno.EDQUOT, "Quota", "/secret"), "storage_full", "Free some space"),
        (StoreFull("Full."), "storage_full", "Free some space"),
        (OSError(errno.EROFS, "Read-only", "/secret"), "store_read_only", "may not write into the store"),
        (OSError(errno.EACCES, "Denied", "/secret"), "store_read_only", "may not write into the store"),
        (StoreReadOnly("No."), "store_read_only", "may not write into the store"),
        (MemoryError(), "out_of_memory", "Take a smaller batch_size."),
        (no_memory(), "out_of_memory", "Take a smaller batch_size."),
    ],
)
def test_whatever_is_foreseen_has_a_code_and_a_sentence(
    error: Exception, code: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def work() -> None:
        raise error

    assert job.run(work) == 2
    out, err = capsys.readouterr()
    told = json.loads(out)
    assert (told["event"], told["code"]) == ("error", code)
    assert words in told["text"] and "/secret" not in told["text"] and "train." not in told["text"]
    assert err == ""


@pytest.mark.parametrize(
    "error", [ZeroDivisionError("at 0x7f"), OSError(errno.EIO, "bad disk", "/secret"), RuntimeError()]
)
def test_what_nobody_foresaw_is_told_to_the_operator_only(error: Exception, capsys: pytest.CaptureFixture[str]) -> None:
    def work() -> None:
        raise error

    assert job.run(work) == 1
    out, err = capsys.readouterr()
    told = json.loads(out)
    assert (told["event"], told["code"]) == ("error", "internal_error")
    assert "0x7f" not in out and "/secret" not in out
    assert "Traceback" in err and type(error).__name__ in err


def test_a_full_disk_that_takes_no_line_either_still_has_its_exit_code(monkeypatch: pytest.MonkeyPatch) -> None:
    def work() -> None:
        raise OSError(errno.ENOSPC, "No space left")

    full = Path("/dev/full").open("w")  # noqa: SIM115 (closing it fails, as it should)
    monkeypatch.setattr(sys, "stdout", full)
    assert job.run(work) == 2
    with pytest.raises(OSError, match="No space left"):
        full.close()
