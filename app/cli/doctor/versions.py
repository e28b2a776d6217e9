"""The store: its room, every version's bytes, its aliases and what stands beside them."""

import os
from collections.abc import Iterator
from pathlib import Path

from app.cli.doctor.finding import Finding, bad, note, ok
from app.cli.doctor.room import held, room
from app.settings import Settings
from app.storage import state
from models_store.errors import StoreError
from models_store.refs import CHAMPION, Ref, is_name
from models_store.registry import Registry
from models_store.store import triton


def store(settings: Settings) -> Iterator[Finding]:
    """All of it. What is not there yet a first start makes."""
    root = settings.store_dir
    try:
        if not root.exists():
            yield from _missing(root)
            return
        next(root.iterdir(), None)
    except OSError as error:
        yield _unusable(root, error.strerror)
        return
    registry = Registry(root)
    if not os.access(root, os.W_OK):
        owner = f"it belongs to user {state.user(root.stat().st_uid)}, this is {state.user(os.geteuid())}"
        yield note(
            "store", f"store {root}: it may only be read: versions serve, none can be made or promoted ({owner})"
        )
    yield from room("store", root)
    yield from held("store", registry.ballast.bytes())
    yield from _versions(registry)
    if settings.default_model not in registry.models():
        yield bad(
            "store", f"the default model {settings.default_model} is not in the store",
            "set DIGITSERVE_DEFAULT_MODEL, or start the server: it brings one.",
        )  # fmt: skip


def _missing(root: Path) -> Iterator[Finding]:
    nearest = next(place for place in root.parents if place.exists())
    if nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK):
        yield note("store", f"store {root}: it is not there yet; the first start makes it, with the shipped version")
    else:
        yield _unusable(root, "it is not there and can't be made")


def _unusable(root: Path, why: str | None) -> Finding:
    return bad(
        "store",
        f"store {root}: {why or 'the system refuses'}.",
        "Set DIGITSERVE_STORE_DIR to another folder",
    )


def _versions(registry: Registry) -> Iterator[Finding]:
    for link in [path for path in registry.root.iterdir() if path.is_symlink() and is_name(path.name)]:
        yield bad("store", f"{link.name} in the store is a link", "copy what it leads to into the store in its place")
    for name in registry.models():
        try:
            aliases = registry.aliases(name)
        except StoreError as refusal:
            yield bad("aliases", f"{name}: {refusal}", _restored(name))
            aliases = {}
        names = {number: alias for alias, number in aliases.items()}
        for number in registry.versions(name):
            yield _version(registry, name, number, names.get(number, ""))
        yield from _aliases(registry, name, aliases)


def _version(registry: Registry, name: str, number: int, alias: str) -> Finding:
    try:
        facts = registry.verify(Ref(name, None, number)).manifest
    except StoreError as refusal:
        do = f"restore {name}/{number} in the store from a backup, or `digitserve models delete {name}@{number}`"
        return bad("versions", f"{name}@{number} {alias}: {refusal}", f"{do}.")
    if alias and not facts.accepted:
        return bad(
            "versions", f"{name}@{number} {alias}: its gate rejected it, and an alias points at it all the same",
            f"promote another: `digitserve models promote {name}@N`.",
        )  # fmt: skip
    accuracy = facts.metrics.get("accuracy", 0)
    return ok("versions", f"{name}@{number} {alias}: every byte as published, accuracy {accuracy:.2%}")


def _aliases(registry: Registry, name: str, aliases: dict[str, int]) -> Iterator[Finding]:
    there = registry.versions(name)
    for alias, number in aliases.items():
        if number not in there:
            do = f"`digitserve models promote {name}@N`" if alias == CHAMPION else f"take it out of {name}/aliases.json"
            yield bad("aliases", f"{name}@{alias} points at version {number}, which is not there", f"{do}.")
    if CHAMPION not in aliases:
        yield note(
            "aliases", f"{name} has no champion, so that only its numbers answer",
            f"`digitserve models promote {name}@N`.",
        )  # fmt: skip
    elif aliases[CHAMPION] in there and not triton.is_true(registry.root / name, aliases[CHAMPION]):
        yield note(
            "aliases", f"{triton.CONFIG} and {triton.LABELS} of {name} do not say what its champion is",
            "promote or roll back once, or restart the server: they are written again.",
        )  # fmt: skip


def _restored(name: str) -> str:
    return f"restore {name}/aliases.json from a backup, or take it away and promote a version."
