"""`digitserve models`: what one does with the versions in the store. They need no server."""

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING

from app.cli import trailed
from app.cli.refusal import Refusal

if TYPE_CHECKING:
    from pathlib import Path

    from app.jobs.needs import JobNeeds
    from models_store.registry import Registry

    Commands = argparse._SubParsersAction[argparse.ArgumentParser]


def add_commands(commands: "Commands") -> None:
    """Adds `models` and its actions."""
    actions = commands.add_parser("models", help="what is in the store").add_subparsers(required=True, metavar="ACTION")
    listed = actions.add_parser("list", help="every model and version")
    listed.set_defaults(command=_list)
    show = actions.add_parser("show", help="one version's facts")
    show.add_argument("ref", help="name, name@alias or name@7")
    show.set_defaults(command=_show)
    promote = actions.add_parser("promote", help="make a version the champion, which serves by default")
    promote.add_argument("ref", help="name@7")
    promote.add_argument("--expected", type=int, help="only if this version is the champion now")
    promote.set_defaults(command=_promote)
    rollback = actions.add_parser("rollback", help="swap champion and previous")
    rollback.add_argument("name")
    rollback.set_defaults(command=_rollback)
    unalias = actions.add_parser("unalias", help="take an alias away; the version stays")
    unalias.add_argument("ref", help="name@alias; not champion, not previous")
    unalias.set_defaults(command=_unalias)
    delete = actions.add_parser("delete", help="remove a version that no alias names, for good")
    delete.add_argument("ref", help="name@7")
    delete.set_defaults(command=_delete)
    prune = actions.add_parser(
        "prune", help="remove rejected versions after 7 days and all but the newest 20 unaliased"
    )
    prune.set_defaults(command=_prune)
    export = actions.add_parser("export", help="take a version elsewhere, checked against its own answers")
    export.add_argument("ref", help="name, name@alias or name@7")
    export.add_argument("path", help="the file to write")
    export.add_argument("--to", choices=("onnx", "state_dict", "torchscript"), required=True)
    export.add_argument("--overwrite", action="store_const", const="", help="replace the file where there is one")
    export.set_defaults(command=_train, word="export", places=("ref", "path"), switches=("to", "overwrite"))
    importing = actions.add_parser("import", help="publish your own safetensors weights of a known net")
    importing.add_argument("recipe", help="a TOML file or a shipped recipe's name: the net and the data that judge it")
    importing.add_argument("weights", help="a safetensors file")
    importing.add_argument("--data", help="mnist, bundled or files of your own, instead of the recipe's")
    importing.add_argument("--labels", help="separated by commas, in the net's order (default: the data set's)")
    importing.add_argument("--publish-to", metavar="NAME", help="instead of the recipe's")
    switches = ("data", "labels", "publish_to")
    importing.set_defaults(command=_train, word="import", places=("recipe", "weights"), switches=switches)
    verify = actions.add_parser("verify", help="check every byte of versions against their digests")
    verify.add_argument("refs", nargs="*", metavar="ref", help="default: all")
    verify.set_defaults(command=_verify)


def _store() -> "Path":
    from app.settings import StoreSettings

    return StoreSettings().store_dir


def _registry() -> "Registry":
    from models_store.shipped_version import open_store

    return open_store(_store())


@contextmanager
def _jobs() -> "Iterator[JobNeeds | None]":
    """What the jobs of the service beside this store need; None where there is no database. Raises Refusal."""
    from app.errors import AppError
    from app.jobs.needs import JobNeeds
    from app.settings import WorkerSettings
    from app.storage.db import Database

    settings = WorkerSettings()
    file = settings.database_file
    if file is not None and not file.exists():
        yield None
        return
    database = Database(settings.database)
    try:
        yield JobNeeds(database)
    except AppError as refusal:
        raise Refusal(str(refusal)) from None
    finally:
        database.close()


def _list(_: argparse.Namespace) -> None:
    from app.cli import tables

    tables.print_models(_registry())


def _show(options: argparse.Namespace) -> None:
    from app.cli import tables
    from models_store.refs import Ref

    registry = _registry()
    tables.print_version(registry, registry.resolve(Ref.parse(options.ref)))


def _promote(options: argparse.Namespace) -> None:
    from models_store.refs import CHAMPION, Ref

    with trailed.moving(_registry()) as registry:
        version = registry.resolve(Ref.parse(options.ref))
        current = registry.aliases(version.name).get(CHAMPION)
        expected = current if options.expected is None else options.expected
        registry.promote(version.name, version.number, expected=expected)
    before = "there was none" if current is None else f"it was {version.name}@{current}"
    print(f"{version.ref} is the champion; {before}.")


def _rollback(options: argparse.Namespace) -> None:
    from models_store.refs import CHAMPION, PREVIOUS

    with trailed.moving(_registry()) as registry:
        aliases = registry.rollback(options.name)
    print(f"{options.name}@{aliases[CHAMPION]} is the champion again; {options.name}@{aliases[PREVIOUS]} is previous.")


def _unalias(options: argparse.Namespace) -> None:
    from models_store.errors import BadRef
    from models_store.refs import Ref

    ref = Ref.parse(options.ref)
    if ref.alias is None:
        raise BadRef("Name the alias to take away, such as digits@candidate.")
    with trailed.moving(_registry()) as registry:
        number = registry.number(ref)
        registry.unalias(ref.name, ref.alias, expected=number)
    print(f"{ref.name}@{ref.alias} is taken away; {ref.name}@{number} stays.")


def _delete(options: argparse.Namespace) -> None:
    from app.storage.audit.record import What
    from models_store.refs import Ref

    registry = _registry()
    version = Ref.parse(options.ref)
    number = registry.number(version)
    ref = f"{version.name}@{number}"
    with trailed.deleting(What.VERSION_DELETED, ref), _jobs() as jobs, jobs.without(ref) if jobs else nullcontext():
        registry.delete(version.name, number)
    print(f"{options.ref} is deleted; its number will not be used again.")


def _prune(_: argparse.Namespace) -> None:
    import datetime

    from app.storage.audit.record import What
    from models_store.retention import prune

    with trailed.deleting(What.VERSIONS_PRUNED, None) as told, _jobs() as jobs:
        is_needed = (lambda ref: jobs.needing(ref) is not None) if jobs else (lambda ref: False)
        deleted = prune(_registry(), datetime.datetime.now(datetime.UTC), is_needed)
        told["versions"] = deleted
    print("\n".join(f"{ref} is deleted" for ref in deleted) or "There is nothing to delete.")


def _train(options: argparse.Namespace) -> int:
    """Has `python -m training` do it in a process of its own: what serves and what trains never share one."""
    import subprocess

    command = [sys.executable, "-m", "training", options.word, "--store", str(_store())]
    for name in options.switches:
        value = getattr(options, name)
        command += [] if value is None else [f"--{name.replace('_', '-')}{'=' if value else ''}{value}"]
    command += ["--", *(getattr(options, name) for name in options.places)]
    return subprocess.run(command, check=False).returncode  # noqa: S603 (our own program, no shell)


def _verify(options: argparse.Namespace) -> int:
    from models_store.errors import StoreError
    from models_store.refs import Ref

    registry = _registry()
    everything = [f"{name}@{number}" for name in registry.models() for number in registry.versions(name)]
    failed = 0
    for ref in options.refs or everything:
        try:
            version = registry.verify(Ref.parse(ref))
            print(f"{version.ref}  whole: {len(version.manifest.files)} files")
        except StoreError as refusal:
            failed += 1
            print(f"{ref}  REFUSED: {refusal}")
    return 1 if failed else 0
