"""How much room uploads may take: all that are kept together, and how many may be on their way at once."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from app.errors import StorageFull, TooBusy
from app.files.tables import files

_AT_ONCE = 64  # uploads of one process; each has a file on disk, and waits to be looked at
_OF_ONE_CLIENT = 48  # of these: a class behind one address uploads together, and others always get in


@dataclass(frozen=True)
class FileLimits:
    """What may be kept at once."""

    files: int = 1000
    bytes: int = 2 * 2**30

    def check(self, connection: Connection, more_files: int, more_bytes: int) -> None:
        """Raises StorageFull (`files_full`) where so many more, of so many bytes together, would be too many."""
        query = select(func.count(), func.coalesce(func.sum(files.c.bytes), 0)).select_from(files)
        count, size = connection.execute(query).one()
        if count + more_files > self.files or size + more_bytes > self.bytes:
            raise StorageFull(
                "files_full",
                f"{count:,} data sets of {size / 2**20:,.0f} MiB are kept, and {self.files:,} of "
                f"{self.bytes / 2**20:,.0f} MiB together are the most. Delete some that are no longer needed: "
                "GET /v1/files lists them, DELETE /v1/files/{id} deletes one.",
            )


class OpenUploads:
    """Those that are on their way in this process. Lives on one event loop."""

    def __init__(self, at_once: int = _AT_ONCE, of_one_client: int = _OF_ONE_CLIENT) -> None:
        self._at_once = at_once
        self._of_one_client = of_one_client
        self._open: Counter[str] = Counter()

    @contextmanager
    def one(self, client: str) -> Iterator[None]:
        """Counts an upload until the end of the block. Raises TooBusy (`too_many_uploads`)."""
        if self._open.total() >= self._at_once or self._open[client] >= self._of_one_client:
            raise TooBusy(
                "too_many_uploads", "Too many data sets arrive at once. Repeat the upload when some are done."
            )
        self._open[client] += 1
        try:
            yield
        finally:
            self._open[client] -= 1
            if not self._open[client]:
                del self._open[client]
