"""Says of a full disk what was not done, and that nothing of it stays."""

import contextlib
from collections.abc import Iterator

from app.errors import StorageFull
from app.storage import refusals


@contextlib.contextmanager
def needed(sentence: str) -> Iterator[None]:
    """Raises StorageFull with `sentence` where the block finds a disk full."""
    full = StorageFull("storage_full", f"storage_full: {sentence}")
    try:
        yield
    except StorageFull:
        raise full from None
    except OSError as error:
        if error.errno in refusals.FULL:
            raise full from None
        raise
