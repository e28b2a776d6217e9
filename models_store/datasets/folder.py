"""The files of a folder on this machine, links that lead out of it left alone."""

import os
from pathlib import Path
from typing import BinaryIO

from models_store.datasets.passed_over import PassedOver, clutter
from models_store.datasets.rows import RowRejected, missing
from models_store.text import shown

_LEADS_OUT = "is a link to a folder or leads out of this one. Put the files themselves there."


class Folder:
    """A folder whose files are opened by names relative to it, and no other file is."""

    def __init__(self, root: Path) -> None:
        self._root = root.resolve()

    def names(self) -> tuple[list[str], list[PassedOver]]:
        """Relative names with slashes, sorted, and what is none of a person's own: hidden folders and those that
        systems add are not walked.

        A name that ends in a slash is a folder that is not walked either: a link, or one that can't be read. `open`
        says why. Raises OSError where the folder itself can't be read.
        """
        found: list[str] = []

        def unreadable(error: OSError) -> None:
            if Path(error.filename) == self._root:
                raise error
            found.append(self._name(str(error.filename)) + "/")

        for here, folders, files in os.walk(self._root, onerror=unreadable):
            found += [self._name(here, name) for name in files]
            found += [
                self._name(here, name) + "/" for name in folders if clutter(name) or Path(here, name).is_symlink()
            ]
            folders[:] = [name for name in folders if not clutter(name)]
        reasons = {name: clutter(name) for name in sorted(found)}
        passed_over = [PassedOver(shown(name), reason) for name, reason in reasons.items() if reason]
        return [name for name, reason in reasons.items() if not reason], passed_over

    def open(self, name: str) -> BinaryIO:
        """The file of that name. Raises RowRejected where it is none, can't be read or lies outside."""
        said = shown(name)
        try:
            real = (self._root / name).resolve(strict=True)
            if not real.is_relative_to(self._root):
                raise RowRejected("path_outside", f"{said} {_LEADS_OUT}")
            if real.is_file():  # opening a pipe would wait for ever
                return real.open("rb")
            if name.endswith("/") and (self._root / name.rstrip("/")).is_symlink():
                raise RowRejected("path_outside", f"{said} {_LEADS_OUT}")
        except (FileNotFoundError, NotADirectoryError):
            raise missing(name) from None
        except (OSError, RuntimeError, ValueError):  # no permission, too long a name, a ring of links, a NUL
            raise RowRejected("file_unreadable", f"{said} can't be read. Check its permissions.") from None
        raise RowRejected("file_unreadable", f"{said} is no readable file. Check its permissions, or take it out.")

    def _name(self, *parts: str) -> str:
        return Path(*parts).relative_to(self._root).as_posix()
