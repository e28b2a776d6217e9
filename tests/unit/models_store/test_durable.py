import errno
from pathlib import Path

import pytest

from models_store import durable
from models_store.errors import StoreError, StoreFull, StoreReadOnly


def test_write_replaces_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    durable.write(path, b"one")
    durable.write(path, b"two")
    assert path.read_bytes() == b"two"
    assert [p.name for p in tmp_path.iterdir()] == ["a.json"]


def test_a_write_that_fails_leaves_the_old_file_and_no_rest(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    durable.write(path, b"one")
    with pytest.raises(TypeError):
        durable.write(path, "no bytes")  # type: ignore[arg-type]
    assert path.read_bytes() == b"one"
    assert [p.name for p in tmp_path.iterdir()] == ["a.json"]


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        (errno.EROFS, StoreReadOnly), (errno.EACCES, StoreReadOnly), (errno.EPERM, StoreReadOnly),
        (errno.ENOSPC, StoreFull), (errno.EDQUOT, StoreFull),
    ],
)  # fmt: skip
def test_what_the_system_refuses_becomes_a_sentence_without_a_path(number: int, kind: type[StoreError]) -> None:
    with pytest.raises(kind) as refused, durable.refusals():
        raise OSError(number, "no", "/srv/models/digits")
    assert str(refused.value).endswith(".") and "/srv" not in str(refused.value)


def test_other_errors_are_left_alone() -> None:
    with pytest.raises(NotADirectoryError), durable.refusals():
        raise NotADirectoryError(errno.ENOTDIR, "no")
