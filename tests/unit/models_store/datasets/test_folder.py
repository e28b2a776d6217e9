"""Files that the reader's user may not open: told, never a traceback."""

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.unit.models_store.datasets.test_formats import folder, refusals, rejected

_NOBODY = 65534


@contextlib.contextmanager
def without_privileges() -> Iterator[None]:
    """Root may read everything, so it becomes nobody for a while."""
    user = os.geteuid()
    os.seteuid(_NOBODY if user == 0 else user)
    try:
        yield
    finally:
        os.seteuid(user)


def test_what_may_not_be_read_is_told() -> None:
    with tempfile.TemporaryDirectory() as place:  # pytest's own folder is closed to others
        root = Path(place)
        root.chmod(0o755)
        folder(root, {"1/a.png": b"x", "2/b.png": b"y", "3/c.png": b"z"})
        (root / "1" / "a.png").chmod(0)
        (root / "2").chmod(0)
        with without_privileges():
            found = refusals(root)
        root.chmod(0)
        with without_privileges():
            codes = rejected(root), rejected(root / "x.csv")
        root.chmod(0o700)
        (root / "2").chmod(0o700)
    assert found == [("1/a.png", "file_unreadable"), ("2/", "file_unreadable")]
    assert codes == ("data_unreadable", "data_unreadable")
