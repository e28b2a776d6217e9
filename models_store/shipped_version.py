"""The version that comes with this software, and how it gets into a store."""

from pathlib import Path

from models_store.registry import Registry

SHIPPED = Path(__file__).parent / "shipped"


def open_store(root: Path) -> Registry:
    """The store at `root`, made where there is none, with the version that comes with this software in it."""
    registry = Registry(root)
    install_shipped(registry)
    return registry


def install_shipped(registry: Registry) -> None:
    """Makes the store's folder where there is none, and copies the version that comes with this software into it."""
    registry.root.mkdir(parents=True, exist_ok=True)
    registry.install(Registry(SHIPPED))
