"""What lies on disk for rows: named by them, copied with what stands beside it."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text

from app.cli.kept import NAMES
from app.jobs.store import JobStore
from app.storage.backup import pictures
from app.storage.backup.archive import ArchiveWriter
from app.storage.backup.pictures import NamedFile, OpenJob
from tests.unit.app.storage.backup.conftest import Kept


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[ArchiveWriter]:
    with closing(ArchiveWriter(tmp_path / "x.tar")) as made:
        yield made


def test_rows_name_their_files_and_open_jobs(kept: Kept) -> None:
    waiting = kept.job("digits@2")
    ended = kept.job()
    JobStore(kept.database).cancel(ended)
    with kept.database.reading() as connection:
        files, jobs = pictures.named(connection, NAMES)
    assert len([one for one in files if one.place.startswith("feedback/")]) == 2
    assert len([one for one in files if one.place.startswith("files/")]) == 3
    assert len(files) == 5  # of a picture that has its label only the row is left
    assert {(job.id == waiting, job.attempt, job.version) for job in jobs} == {
        (False, 1, ("digits", 1)), (True, 0, ("digits", 2)),
    }  # fmt: skip


def test_a_table_that_a_release_did_not_know_names_nothing(kept: Kept) -> None:
    with kept.database.writing() as connection:
        connection.execute(text("DROP TABLE differences"))
        connection.execute(text("DROP TABLE feedback"))
        assert len(pictures.named(connection, NAMES)[0]) == 1


def test_a_picture_goes_with_what_lies_beside_it(kept: Kept, archive: ArchiveWriter) -> None:
    name = kept.correct(3)
    folder = kept.places.state / "feedback" / name
    (folder / "thumbnail.png").write_bytes(b"small")
    (folder / ".hidden").write_bytes(b"")
    assert pictures.copy(kept.places.state, NamedFile(f"feedback/{name}", "picture.png"), archive)
    assert set(archive.files) == {f"state/feedback/{name}/{file}" for file in ("picture.png", "thumbnail.png")}
    (folder / "picture.png").unlink()
    assert not pictures.copy(kept.places.state, NamedFile("feedback/gone", "picture.png"), archive)


def test_checkpoints_go_where_no_later_attempt_finds_its_folder(kept: Kept, archive: ArchiveWriter) -> None:
    state = kept.places.state
    for number, file in ((1, "old.pt"), (2, "fold 1.pt"), (2, "training.pt"), (3, "events.jsonl")):
        path = state / "jobs" / "ftjob-9" / f"attempt-{number}" / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.encode())
    pictures.copy_checkpoints(state, OpenJob("ftjob-9", 0, "digits@1"), archive)
    assert archive.files == {}  # nobody had it at that moment
    pictures.copy_checkpoints(state, OpenJob("ftjob-9", 1, "digits@1"), archive)
    assert set(archive.files) == {f"state/jobs/ftjob-9/attempt-1/{file}" for file in ("fold 1.pt", "training.pt")}
    pictures.copy_checkpoints(state, OpenJob("ftjob-none", 1, "digits"), archive)
    assert OpenJob("x", 1, "digits").version is None
