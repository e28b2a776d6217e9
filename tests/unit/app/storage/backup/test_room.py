"""A full disk is said in the words of whoever needed it."""

import errno

import pytest

from app.errors import StorageFull
from app.storage import refusals
from app.storage.backup import room


@pytest.mark.parametrize("error", [refusals.full(), OSError(errno.ENOSPC, "x"), OSError(errno.EDQUOT, "x")])
def test_a_full_disk_has_one_sentence(error: Exception) -> None:
    with (
        pytest.raises(StorageFull, match=r"^storage_full: nothing was made\.$") as caught,
        room.needed("nothing was made."),
    ):
        raise error
    assert caught.value.code == "storage_full"


def test_other_errors_are_others_matter() -> None:
    with pytest.raises(PermissionError), room.needed("x"):
        raise PermissionError(errno.EACCES, "x")
