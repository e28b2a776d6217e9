"""What the system refuses, told apart: a full disk, one that may only be read, and what is a bug of ours."""

import errno

import pytest

from app.errors import AppError, DatabaseUnavailable, StateReadOnly, StorageFull
from app.storage import refusals


@pytest.mark.parametrize(
    ("number", "kind", "code"),
    [
        *((number, DatabaseUnavailable, "too_many_open_files") for number in (errno.EMFILE, errno.ENFILE)),
        (errno.ENOSPC, StorageFull, "storage_full"), (errno.EDQUOT, StorageFull, "storage_full"),
        (errno.EROFS, StateReadOnly, "state_read_only"), (errno.EACCES, StateReadOnly, "state_read_only"),
        (errno.EPERM, StateReadOnly, "state_read_only"),
        *((number, StateReadOnly, "state_unusable") for number in (
            errno.EEXIST, errno.ENOTDIR, errno.ENOENT, errno.ELOOP, errno.EIO, errno.ESTALE, errno.ENOTCONN,
        )),
    ],
)  # fmt: skip
def test_each_number_has_its_refusal_and_no_path_is_shown(number: int, kind: type[AppError], code: str) -> None:
    with pytest.raises(kind) as refused, refusals.of_files():
        raise OSError(number, "no", "/srv/state/files")
    assert refused.value.code == code and str(refused.value).endswith(".")
    assert "/srv" not in str(refused.value)


def test_any_other_error_is_left_alone() -> None:
    with pytest.raises(OSError, match="bug"), refusals.of_files():
        raise OSError(errno.EBADF, "bug")
