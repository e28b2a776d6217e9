"""The aliases of one model: a small file, replaced whole, moved only by compare-and-swap."""

import contextlib
import fcntl
import json
from collections.abc import Callable, Iterator
from pathlib import Path

from models_store import durable
from models_store.errors import (
    AliasConflict,
    AliasesCorrupt,
    AliasFixed,
    StoreError,
    TooManyAliases,
    VersionInUse,
    VersionNotFound,
)
from models_store.refs import CHAMPION, PREVIOUS, is_alias
from models_store.store import triton

MOST = 32  # of one model
FILE = "aliases.json"
_LONGEST = 2**20  # bytes: thousands of aliases, from when they had no end


class Aliases:
    """`aliases.json` in the folder of one model. Any number of processes may use it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self) -> dict[str, int]:
        """Alias -> version number. Raises AliasesCorrupt where the file can't be read or does not say that, StoreBusy
        where too many files are open to read it now."""
        try:
            aliases = json.loads(durable.read(self._folder / FILE, _LONGEST))
        except (FileNotFoundError, NotADirectoryError):  # also where the store itself is no folder
            return {}
        except OSError:  # another user's, or a bad disk
            raise AliasesCorrupt(self._folder.name, "cannot be read") from None
        except (ValueError, RecursionError):
            aliases = None
        if not isinstance(aliases, dict) or not all(
            is_alias(alias) and type(number) is int and number > 0 for alias, number in aliases.items()
        ):
            raise AliasesCorrupt(self._folder.name, "does not hold alias names and version numbers")
        return aliases

    def point(self, alias: str, version: int, expected: int | None, exists: Callable[[], object]) -> dict[str, int]:
        """Moves `alias` from `expected` (None: nowhere) to `version`; a champion that gives way becomes `previous`.

        `exists` is called under the lock and raises where the version has been deleted meanwhile. Returns the aliases
        after it. Raises AliasConflict where the alias is not at `expected`, TooManyAliases for a new one beyond MOST,
        AliasesCorrupt.
        """
        with self._locked():
            exists()
            aliases = self.read()
            current = aliases.get(alias)
            if current != expected:
                raise AliasConflict(alias, current)
            if current is None and alias not in (CHAMPION, PREVIOUS) and len(aliases) >= MOST:
                raise TooManyAliases(
                    f"The model {self._folder.name} has {len(aliases)} aliases, and {MOST} are the most. "
                    "Take one away that is no longer needed, or move it."
                )
            if alias == CHAMPION and current is not None and current != version:
                aliases[PREVIOUS] = current
            return self._write({**aliases, alias: version})

    def remove(self, alias: str, expected: int) -> dict[str, int]:
        """Takes an alias away that points at `expected`. Returns those that stay.

        Raises AliasFixed for the champion and previous, VersionNotFound where there is no such alias, and AliasConflict
        where it is elsewhere.
        """
        if alias in (CHAMPION, PREVIOUS):
            raise AliasFixed(f"The alias {alias} can't be taken away. Promote another version, or roll back.")
        with self._locked():
            aliases = self.read()
            current = aliases.pop(alias, None)
            if current is None:
                raise VersionNotFound(f"The model {self._folder.name} has no alias {alias}. See the list of models.")
            if current != expected:
                raise AliasConflict(alias, current)
            return self._write(aliases)

    def swap(self) -> dict[str, int]:
        """Champion and previous change places. Returns the aliases after it. Raises VersionNotFound without both."""
        with self._locked():
            aliases = self.read()
            for alias in (CHAMPION, PREVIOUS):
                if alias not in aliases:
                    raise VersionNotFound(
                        f"The model {self._folder.name} has no alias {alias}. See the list of models."
                    )
            return self._write({**aliases, CHAMPION: aliases[PREVIOUS], PREVIOUS: aliases[CHAMPION]})

    def mend(self) -> None:
        """Has what stands beside the aliases follow them where it does not (`triton`). A store that may only be read,
        or whose aliases are damaged, stays as it is."""
        with contextlib.suppress(StoreError):
            if not triton.is_true(self._folder, self.read().get(CHAMPION)):
                with self._locked():
                    triton.follow(self._folder, self.read().get(CHAMPION))

    @contextlib.contextmanager
    def without(self, version: int) -> Iterator[None]:
        """Holds the aliases still while no one of them points at `version`. Raises VersionInUse where one does."""
        with self._locked():
            pointing = sorted(alias for alias, number in self.read().items() if number == version)
            if pointing:
                raise VersionInUse(f"The alias {pointing[0]} points at version {version}. Move it first.")
            yield

    def _write(self, aliases: dict[str, int]) -> dict[str, int]:
        durable.write(self._folder / FILE, json.dumps(aliases, indent=1, sort_keys=True).encode() + b"\n")
        triton.follow(self._folder, aliases.get(CHAMPION))
        return aliases

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """Whoever changes something comes here; reading needs no lock. Raises StoreReadOnly, StoreFull, StoreBusy."""
        with durable.refusals(), locked(self._folder / ".lock-aliases"):
            yield


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """One process at a time. The kernel's own lock: it falls with its holder, so that a kill -9 blocks nobody."""
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
