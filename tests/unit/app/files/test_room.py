"""How many uploads there may be: the last place of all and of one client, and what a refusal says."""

from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from sqlalchemy import insert

from app.errors import StorageFull, TooBusy
from app.files.room import FileLimits, OpenUploads
from app.files.tables import files
from app.storage.db import Database


def test_one_client_never_holds_every_place() -> None:
    uploads = OpenUploads(at_once=3, of_one_client=2)
    with ExitStack() as first:
        for _ in range(2):
            first.enter_context(uploads.one("a"))
        with pytest.raises(TooBusy, match="Repeat the upload"), uploads.one("a"):
            pass
        with uploads.one("b"):
            with pytest.raises(TooBusy) as refused, uploads.one("c"):
                pass
            assert refused.value.code == "too_many_uploads"
        with pytest.raises(KeyError), uploads.one("c"):
            raise KeyError  # an upload that breaks gives its place back
        with uploads.one("c"):
            pass
    with uploads.one("a"), uploads.one("a"):
        pass


def test_both_limits_hold_to_the_last_byte_and_say_what_to_do(tmp_path: Path) -> None:
    row = {"created_at": 0.0, "filename": "a", "purpose": "fine-tune", "sha256": "0" * 64, "report": {}}
    with closing(Database(f"sqlite:///{tmp_path / 'x.db'}")) as database, database.writing() as connection:
        FileLimits(files=1, bytes=2**20).check(connection, 1, 2**20)
        for number in range(3):
            connection.execute(insert(files).values(**row, id=f"file-{number}", bytes=2**20))
        FileLimits(files=4, bytes=4 * 2**20).check(connection, 1, 2**20)
        for limits in (FileLimits(files=3, bytes=2**40), FileLimits(files=9, bytes=4 * 2**20 - 1)):
            with pytest.raises(StorageFull, match=r"3 data sets of 3 MiB are kept.*DELETE /v1/files/\{id\}") as refused:
                limits.check(connection, 1, 2**20)
            assert refused.value.code == "files_full"
