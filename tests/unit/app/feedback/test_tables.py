"""The table of corrections: a row becomes a record, and a picture stands in it once for each model."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError

from app.feedback.tables import Correction, feedback, to_correction
from app.storage.db import Database

ROW: dict[str, Any] = {
    "id": "fb-1", "created_at": 1.5, "changed_at": 2.5, "model": "digits", "label": "ä", "read_by": None,
    "read_as": None, "sha256": "0" * 64, "bytes": 120, "width": 28, "height": 30, "job": None,
}  # fmt: skip


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with closing(Database(f"sqlite:///{tmp_path / 'digitserve.db'}")) as opened:
        yield opened


def put(database: Database, **changes: Any) -> None:
    with database.writing() as connection:
        connection.execute(insert(feedback).values({**ROW, **changes}))


def test_a_row_comes_back_as_it_was_written(database: Database) -> None:
    put(database)
    with database.reading() as connection:
        assert to_correction(connection.execute(select(feedback)).one()) == Correction(**ROW)


def test_a_row_with_a_reading_and_a_job_comes_back_too(database: Database) -> None:
    facts = {"read_by": "digits@1", "read_as": "1", "job": "ftjob-1"}
    put(database, **facts)
    with database.reading() as connection:
        assert to_correction(connection.execute(select(feedback)).one()) == Correction(**{**ROW, **facts})


def test_the_same_pixels_are_kept_once_for_a_model(database: Database) -> None:
    put(database)
    put(database, id="fb-2", model="letters")
    put(database, id="fb-3", sha256="1" * 64)
    with pytest.raises(IntegrityError):
        put(database, id="fb-4", label="1")


@pytest.mark.parametrize("column", ["model", "label", "sha256", "created_at", "changed_at"])
def test_no_correction_is_without_what_it_is_about(database: Database, column: str) -> None:
    with pytest.raises(IntegrityError):
        put(database, **{column: None})
