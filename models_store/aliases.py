"""The aliases of one model: a small file, replaced whole, moved only by compare-and-swap. It knows no manifest."""

import contextlib
import fcntl
import json
from collections.abc import Iterator
from pathlib import Path

from models_store import durable
from models_store.errors import AliasConflict, VersionCorrupt, VersionInUse
from models_store.refs import CHAMPION, PREVIOUS, check_alias

_FILE = "aliases.json"


class Aliases:
    """`aliases.json` in the folder of one model. Any number of processes may use it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self) -> dict[str, int]:
        """Alias -> version number. Raises VersionCorrupt where the file does not say that."""
        try:
            aliases = json.loads((self._folder / _FILE).read_bytes())
        except FileNotFoundError:
            return {}
        except ValueError:
            aliases = None
        if not isinstance(aliases, dict) or not all(type(n) is int and n > 0 for n in aliases.values()):
            raise VersionCorrupt(_FILE, "does not hold alias names and version numbers")
        return {check_alias(alias): number for alias, number in aliases.items()}

    def point(self, alias: str, version: int, expected: int | None) -> dict[str, int]:
        """Moves `alias` from `expected` (None: nowhere) to `version`; a champion that gives way becomes `previous`.

        Returns the aliases after it. Raises AliasConflict where the alias is not at `expected`.
        """
        with self._locked():
            aliases = self.read()
            current = aliases.get(alias)
            if current != expected:
                raise AliasConflict(alias, current)
            if alias == CHAMPION and current is not None and current != version:
                aliases[PREVIOUS] = current
            return self._write({**aliases, alias: version})

    def swap(self) -> dict[str, int]:
        """Champion and previous change places; both must be there. Returns the aliases after it."""
        with self._locked():
            aliases = self.read()
            return self._write({**aliases, CHAMPION: aliases[PREVIOUS], PREVIOUS: aliases[CHAMPION]})

    @contextlib.contextmanager
    def without(self, version: int) -> Iterator[None]:
        """Holds the aliases still while no one of them points at `version`. Raises VersionInUse where one does."""
        with self._locked():
            pointing = sorted(alias for alias, number in self.read().items() if number == version)
            if pointing:
                raise VersionInUse(f"The alias {pointing[0]} points at version {version}. Move it first.")
            yield

    def _write(self, aliases: dict[str, int]) -> dict[str, int]:
        durable.write(self._folder / _FILE, json.dumps(aliases, indent=1, sort_keys=True).encode() + b"\n")
        return aliases

    def _locked(self) -> contextlib.AbstractContextManager[None]:
        return locked(self._folder / ".lock-aliases")


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """One process at a time. The kernel's own lock: it falls with its holder, so that a kill -9 blocks nobody."""
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
