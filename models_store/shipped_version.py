"""The version that comes with this software, and how it gets into a store."""

import contextlib
import shutil
from pathlib import Path

from models_store import durable
from models_store.errors import StoreError
from models_store.refs import Ref
from models_store.registry import Registry, Version
from models_store.store.aliases import locked

SHIPPED = Path(__file__).parent / "shipped"


def open_store(root: Path) -> Registry:
    """The store at `root`, made where there is none, with the version that comes with this software in it.

    What else is there can be used where that one can't be put beside it. Raises OSError where the folder can't be made.
    """
    registry = Registry(root)
    with contextlib.suppress(StoreError):
        install_shipped(registry)
    return registry


def install_shipped(registry: Registry) -> None:
    """Makes the store's folder where there is none, and copies the version that comes with this software into it, under
    its own number or the next free one.

    Raises OSError where the folder can't be made; StoreReadOnly, StoreFull or VersionCorrupt where the version is not
    in it and can't be put there.
    """
    registry.root.mkdir(parents=True, exist_ok=True)
    registry.mend()
    shipped = Registry(SHIPPED)
    for name in shipped.models():
        versions = [shipped.resolve(Ref(name, None, number)) for number in shipped.versions(name)]
        if not _has_all(registry, name, versions):
            with durable.refusals():
                _install(registry, name, versions)


def _has_all(registry: Registry, name: str, versions: list[Version]) -> bool:
    """Said without a lock: in a store that may only be read there is none to be had."""
    return {one.manifest.digest for one in versions} <= set(registry.digests(name)) and registry.has_champion(name)


def _install(registry: Registry, name: str, versions: list[Version]) -> None:
    (registry.root / name).mkdir(parents=True, exist_ok=True)
    with locked(registry.root / name / ".lock-install"):  # processes that start together copy once
        here = registry.digests(name)
        for one in versions:
            one.manifest.check_files(one.folder)
            if one.manifest.digest in here:
                number = here[one.manifest.digest]
                registry.crown(Version(name, number, registry.root / name / str(number), one.manifest))
                continue
            with registry.stage(name) as folder:
                shutil.copytree(one.folder, folder, dirs_exist_ok=True)
                registry.place(name, folder, one.manifest, one.number)
