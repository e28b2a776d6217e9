"""How much room is left where versions, and where people's pictures and rows lie."""

import os
from collections.abc import Mapping
from pathlib import Path


def free_bytes(places: Mapping[str, Path]) -> Mapping[str, int]:
    """Of each place that can be asked; one that is still to be made has its disk where the nearest above it lies."""
    found = {name: _free(path) for name, path in places.items()}
    return {name: free for name, free in found.items() if free is not None}


def _free(path: Path) -> int | None:
    for place in (path, *path.parents):
        try:
            disk = os.statvfs(place)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError:
            return None
        return disk.f_bavail * disk.f_frsize
    return None
