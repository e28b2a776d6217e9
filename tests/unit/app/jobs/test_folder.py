"""The folder of a job's attempt: what is put there, what is read from it, and what of it goes."""

import json
import stat
from pathlib import Path

import pytest

from app.jobs.folder import AttemptFolders, EventLines, is_too_loud, let_publish
from app.jobs.job import Job, JobSpec, State
from models_store.handover import Note, Stage


def job(attempt: int = 1, validation: str | None = None) -> Job:
    spec = JobSpec(
        base="digits@1", model="digits", training_file="file-a", validation_file=validation, publish_to="digits",
        promote="never", recipe='{"seed": 1}', options={}, metadata={},
    )  # fmt: skip
    return Job(id="ftjob-1", state=State.RUNNING, spec=spec, created_at=0.0, attempt=attempt)


@pytest.fixture
def uploads(tmp_path: Path) -> Path:
    for name in ("file-a", "file-b"):
        (tmp_path / "files" / name).mkdir(parents=True)
        (tmp_path / "files" / name / "data").write_bytes(name.encode())
    return tmp_path / "files"


def folders(tmp_path: Path, uploads: Path) -> AttemptFolders:
    return AttemptFolders(tmp_path / "jobs", lambda name: uploads / name / "data")


def prepared(tmp_path: Path, uploads: Path, what: Job) -> Path:
    return folders(tmp_path, uploads).prepare(what)


def test_it_holds_the_recipe_and_the_data_under_the_names_in_it(tmp_path: Path, uploads: Path) -> None:
    folder = prepared(tmp_path, uploads, job(validation="file-b"))
    assert folder == tmp_path / "jobs" / "ftjob-1" / "attempt-1"
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {
        "recipe.json": b'{"seed": 1}',
        "file-a": b"file-a",
        "file-b": b"file-b",
    }


def test_nobody_else_looks_into_it(tmp_path: Path, uploads: Path) -> None:
    folder = prepared(tmp_path, uploads, job())
    assert [stat.S_IMODE(path.stat().st_mode) for path in (folder.parent, folder)] == [0o700, 0o700]
    assert stat.S_IMODE((folder / "recipe.json").stat().st_mode) == 0o600


def test_the_data_outlive_the_upload(tmp_path: Path, uploads: Path) -> None:
    folder = prepared(tmp_path, uploads, job())
    (uploads / "file-a" / "data").unlink()
    assert (folder / "file-a").read_bytes() == b"file-a"


def test_the_newest_checkpoints_come_along(tmp_path: Path, uploads: Path) -> None:
    first = prepared(tmp_path, uploads, job(1))
    (first / "training.pt").write_bytes(b"epoch 1")
    second = prepared(tmp_path, uploads, job(2))
    (second / "training.pt").unlink()  # as the child does it: a new file under the old name
    (second / "training.pt").write_bytes(b"epoch 2")
    assert not list(prepared(tmp_path, uploads, job(3)).glob("events*"))
    fourth = prepared(tmp_path, uploads, job(4))
    assert (fourth / "training.pt").read_bytes() == b"epoch 2"
    assert (first / "training.pt").read_bytes() == b"epoch 1"


def test_lines_are_read_whole_and_once(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(b'{"event": "stage", "text": "reading"}\n{"event": "no')
    lines = EventLines(tmp_path)
    assert list(lines.new()) == [Stage("reading")]
    assert list(lines.new()) == []
    with path.open("ab") as file:
        file.write('te", "text": "ä"}\nWarning: a library speaks\n[1]\n{"no": "event"}\n'.encode())
    assert list(lines.new()) == [Note("ä")]


def test_a_line_without_an_end_is_passed_over(tmp_path: Path) -> None:
    path, mebibyte = tmp_path / "events.jsonl", 2**20
    lines = EventLines(tmp_path)
    path.write_bytes(b'{"event": "note", "text": "a"}\n' + bytes(3 * mebibyte))
    heard = list(lines.new())
    assert heard == [Note("a")] and lines.more
    while lines.more:
        assert list(lines.new()) == []
    with path.open("ab") as file:
        file.write(b'"}\n{"event": "note", "text": "b"}\n{"event": "note", "text": "c"')
    assert list(lines.new()) == [Note("b")]
    with path.open("ab") as file:
        file.write(b"}\n")
    assert list(lines.new()) == [Note("c")]


def test_one_look_takes_a_mebibyte_and_the_next_goes_on(tmp_path: Path) -> None:
    told = 10_000 * (json.dumps({"event": "note", "text": 300 * "x"}) + "\n")
    (tmp_path / "events.jsonl").write_text(told)
    lines, looks = EventLines(tmp_path), list[int]()
    while not looks or lines.more:
        looks.append(len(list(lines.new())))
    assert sum(looks) == 10_000 and len(looks) == len(told) // 2**20 + 1
    assert max(looks) < 4000


def test_what_is_nested_without_an_end_is_no_event(tmp_path: Path) -> None:
    (tmp_path / "events.jsonl").write_text(100_000 * "[" + '\n{"event": "note", "text": "b"}\n')
    assert list(EventLines(tmp_path).new()) == [Note("b")]


def test_of_errors_the_first_stay_and_the_last(tmp_path: Path) -> None:
    (tmp_path / "events.jsonl").touch()
    path = tmp_path / "stderr.txt"
    with path.open("ab") as errors:  # as the launcher opens it
        errors.write(b"first" + bytes(2**20))
        errors.flush()
        assert not is_too_loud(tmp_path)
        errors.write(b"last")
        errors.flush()
        assert not is_too_loud(tmp_path)
    kept = path.read_bytes()
    assert kept.startswith(b"first") and kept.endswith(b"last") and len(kept) < 100_000


@pytest.mark.parametrize(("mebibytes", "too_loud"), [(60, False), (65, True)])
def test_events_have_an_end(tmp_path: Path, mebibytes: int, too_loud: bool) -> None:
    with (tmp_path / "events.jsonl").open("wb") as file:
        file.truncate(mebibytes * 2**20)
    assert is_too_loud(tmp_path) == too_loud


def test_leave_to_publish_is_a_file(tmp_path: Path) -> None:
    let_publish(tmp_path)
    assert (tmp_path / "go").exists()


def test_what_is_stripped_has_no_pictures_and_no_weights(tmp_path: Path, uploads: Path) -> None:
    folder = prepared(tmp_path, uploads, job())
    (folder / "training.pt").write_bytes(b"weights")
    (folder / "events.jsonl").write_text(json.dumps({"event": "note"}))
    attempts = folders(tmp_path, uploads)
    for name in ("ftjob-1", "ftjob-unknown"):
        attempts.strip(name)
    assert sorted(path.name for path in folder.iterdir()) == ["events.jsonl", "recipe.json"]
    assert attempts.present() == ["ftjob-1"]
    attempts.remove(["ftjob-1", "ftjob-unknown"])
    assert attempts.present() == []
