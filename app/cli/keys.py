"""`digitserve keys`: who may ask the server for what. It works on the database of the settings, and needs no server."""

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from app.cli.asides import aside
from app.cli.refusal import Refusal

if TYPE_CHECKING:
    from app.web.access.key_store import KeyStore

    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

_LONGEST_NAME = 100  # characters
_MOST_DAYS = 36_500.0


def add_commands(commands: "Commands") -> None:
    """Adds `keys` and its actions."""
    from app.web.access.scopes import MEANINGS

    actions = commands.add_parser("keys", help="who may ask the server for what").add_subparsers(
        required=True, metavar="ACTION"
    )
    create = actions.add_parser("create", help="make a key and print it, once")
    create.add_argument("name", help="what people call it, such as whose it is")
    create.add_argument(
        "--scope", action="append", required=True, choices=list(MEANINGS), dest="scopes",
        help="what it allows, once or more: " + "; ".join(f"{scope}: {what}" for scope, what in MEANINGS.items()),
    )  # fmt: skip
    create.add_argument("--days", type=float, help="how long it counts (default: until it is revoked)")
    create.set_defaults(command=_create)
    listed = actions.add_parser("list", help="every key that was ever made, without its secret")
    listed.set_defaults(command=_list)
    revoke = actions.add_parser("revoke", help="end a key: within a second every process refuses it")
    revoke.add_argument("id", help="as `keys list` shows it")
    revoke.set_defaults(command=_revoke)


@contextmanager
def _store() -> Iterator["KeyStore"]:
    """The keys of the settings' database. Raises Refusal."""
    from app.errors import AppError
    from app.settings import WorkerSettings
    from app.storage.db import Database
    from app.web.access.key_store import KeyStore

    database = Database(WorkerSettings().database)
    try:
        with aside():
            yield KeyStore(database)
    except AppError as refusal:
        raise Refusal(str(refusal)) from None
    finally:
        database.close()


def _create(options: argparse.Namespace) -> None:
    name = options.name.strip()
    if not 0 < len(name) <= _LONGEST_NAME or not name.isprintable():
        raise Refusal(f"A key's name has 1 to {_LONGEST_NAME} characters, all of which can be printed.", 2)
    if options.days is not None and not 0 < options.days <= _MOST_DAYS:
        raise Refusal(f"--days takes a number above 0 and up to {_MOST_DAYS:.0f}.", 2)
    from app.cli import key_tables
    from app.storage.audit.acting import as_system_user

    as_system_user()
    with _store() as store:
        is_first = not store.found().ever_made
        key, row = store.create(name, options.scopes, options.days)
    print(key, flush=True)
    key_tables.say_created(row, is_first=is_first)


def _list(_: argparse.Namespace) -> None:
    import time

    from app.cli import key_tables

    with _store() as store:
        rows = store.all()
    key_tables.print_keys(rows, time.time())


def _revoke(options: argparse.Namespace) -> None:
    from app.cli import key_tables
    from app.storage.audit.acting import as_system_user
    from app.web.access.keys import id_of

    as_system_user()
    with _store() as store:
        row = store.revoke(id_of(options.id) or options.id)
    if row is None:
        raise Refusal("There is no key with that id. `digitserve keys list` shows all.")
    key_tables.say_revoked(row)
