"""The folders of a store: which versions are in one, and that none is a link."""

from collections.abc import Iterator
from pathlib import Path

from models_store import manifest
from models_store.errors import ManifestMismatch
from models_store.refs import is_number


def numbers(folder: Path) -> Iterator[int]:
    """Those of the published versions in a model's folder, in no order. Raises OSError."""
    return (int(p.name) for p in folder.iterdir() if is_number(p.name) and (p / manifest.FILE).is_file())


def check_is_no_link(folder: Path, what: str) -> None:
    """Raises ManifestMismatch for a link, `what` being what it stands for: what it leads to, others may need."""
    if folder.is_symlink():
        raise ManifestMismatch(
            f"{what} is a link to another folder, so it is refused. Copy what it leads to into the store in its place."
        )
