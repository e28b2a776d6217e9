"""The command line: serve, models, doctor, openapi. It parses and prints; imports stand inside the commands, so that
`--help` is quick and commands about files load no torch."""

import argparse
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.settings import Settings
    from models_store.registry import Registry


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code: 1 where something is wrong, 2 where the command was."""
    options = _parser().parse_args(arguments)
    from pydantic import ValidationError

    from app.errors import CannotListen
    from models_store.errors import StoreError

    try:
        return int(options.command(options) or 0)
    except ValidationError as error:
        first = error.errors()[0]
        name = f"DIGITSERVE_{'_'.join(map(str, first['loc']))}".upper()
        return _refuse(f"The setting {name} is not usable: {first['msg']}.", 2)
    except (StoreError, CannotListen) as refusal:
        return _refuse(str(refusal), 1)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # the reader of our output, such as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        return _refuse(f"{error.strerror or 'The system refused'}: {error.filename or ''}", 1)


def _refuse(sentence: str, code: int) -> int:
    print(f"digitserve: {sentence}", file=sys.stderr)
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="digitserve", description="Reads handwritten digits on people's pictures.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    serve = commands.add_parser("serve", help="answer HTTP requests until stopped")
    serve.add_argument("--host", help="address to listen on (default 127.0.0.1: this machine only)")
    serve.add_argument("--port", type=int, help="port to listen on (default 8000; 0 takes a free one)")
    serve.add_argument("--workers", type=int, help="API processes (default: one per CPU core that may be used)")
    serve.add_argument("--fd", type=int, help="be one API process on this listening socket (what `serve` starts)")
    serve.add_argument("--lifeline", type=int, help="with --fd: a pipe that ends with the parent")
    serve.set_defaults(command=_serve)

    models = commands.add_parser("models", help="what is in the store").add_subparsers(required=True, metavar="ACTION")
    listed = models.add_parser("list", help="every model and version")
    listed.set_defaults(command=_list)
    show = models.add_parser("show", help="one version's facts")
    show.add_argument("ref", help="name, name@alias or name@7")
    show.set_defaults(command=_show)
    promote = models.add_parser("promote", help="make a version the champion, which serves by default")
    promote.add_argument("ref", help="name@7")
    promote.add_argument("--expected", type=int, help="only if this version is the champion now")
    promote.set_defaults(command=_promote)
    rollback = models.add_parser("rollback", help="swap champion and previous")
    rollback.add_argument("name")
    rollback.set_defaults(command=_rollback)
    delete = models.add_parser("delete", help="remove a version that no alias names, for good")
    delete.add_argument("ref", help="name@7")
    delete.set_defaults(command=_delete)
    prune = models.add_parser("prune", help="remove rejected versions after 7 days and all but the newest 20 unaliased")
    prune.set_defaults(command=_prune)
    export = models.add_parser("export", help="take a version elsewhere, checked against its own answers")
    export.add_argument("ref", help="name, name@alias or name@7")
    export.add_argument("path", help="the file to write")
    export.add_argument("--to", choices=("onnx", "state_dict", "torchscript"), required=True)
    export.add_argument("--overwrite", action="store_const", const="", help="replace the file where there is one")
    export.set_defaults(command=_train, word="export", places=("ref", "path"), switches=("to", "overwrite"))
    importing = models.add_parser("import", help="publish your own safetensors weights of a known net")
    importing.add_argument("recipe", help="a TOML file or a shipped recipe's name: the net and the data that judge it")
    importing.add_argument("weights", help="a safetensors file")
    importing.add_argument("--data", help="mnist, bundled or files of your own, instead of the recipe's")
    importing.add_argument("--labels", help="separated by commas, in the net's order (default: the data set's)")
    importing.add_argument("--publish-to", metavar="NAME", help="instead of the recipe's")
    switches = ("data", "labels", "publish_to")
    importing.set_defaults(command=_train, word="import", places=("recipe", "weights"), switches=switches)
    verify = models.add_parser("verify", help="check every byte of versions against their digests")
    verify.add_argument("refs", nargs="*", metavar="ref", help="default: all")
    verify.set_defaults(command=_verify)

    doctor = commands.add_parser("doctor", help="what is wrong on this machine, and what to do")
    doctor.set_defaults(command=_doctor)
    openapi = commands.add_parser("openapi", help="print the OpenAPI document")
    openapi.set_defaults(command=_openapi)
    return parser


def _settings(**given: object) -> "Settings":
    from app.settings import Settings

    return Settings(**{key: value for key, value in given.items() if value is not None})  # type: ignore[arg-type]


def _registry() -> "Registry":
    from models_store.registry import open_store

    return open_store(_settings().store_dir)


def _serve(options: argparse.Namespace) -> None:
    settings = _settings(host=options.host, port=options.port, workers=options.workers)
    if options.fd is not None:
        from app import process

        process.run(settings, options.fd, options.lifeline)
    else:
        from app import supervisor

        supervisor.serve(settings)


def _list(_: argparse.Namespace) -> None:
    from app import tables

    tables.print_models(_registry())


def _show(options: argparse.Namespace) -> None:
    from app import tables
    from models_store.refs import Ref

    registry = _registry()
    tables.print_version(registry, registry.resolve(Ref.parse(options.ref)))


def _promote(options: argparse.Namespace) -> None:
    from models_store.refs import CHAMPION, Ref

    registry = _registry()
    version = registry.resolve(Ref.parse(options.ref))
    current = registry.aliases(version.name).get(CHAMPION)
    expected = current if options.expected is None else options.expected
    registry.promote(version.name, version.number, expected=expected)
    print(f"{version.ref} is the champion; it was {version.name}@{current}.")


def _rollback(options: argparse.Namespace) -> None:
    from models_store.refs import CHAMPION, PREVIOUS

    aliases = _registry().rollback(options.name)
    print(f"{options.name}@{aliases[CHAMPION]} is the champion again; {options.name}@{aliases[PREVIOUS]} is previous.")


def _delete(options: argparse.Namespace) -> None:
    from models_store.refs import Ref

    registry = _registry()
    version = Ref.parse(options.ref)
    registry.delete(version.name, registry.number(version))
    print(f"{options.ref} is deleted; its number will not be used again.")


def _prune(_: argparse.Namespace) -> None:
    import datetime

    from models_store.retention import prune

    deleted = prune(_registry(), datetime.datetime.now(datetime.UTC))
    print("\n".join(f"{ref} is deleted" for ref in deleted) or "There is nothing to delete.")


def _train(options: argparse.Namespace) -> int:
    """Has `python -m training` do it in a process of its own: what serves and what trains never share one."""
    import subprocess

    command = [sys.executable, "-m", "training", options.word, "--store", str(_settings().store_dir)]
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


def _doctor(_: argparse.Namespace) -> int:
    from app import doctor

    return doctor.run(_settings())


def _openapi(_: argparse.Namespace) -> None:
    import json

    from app.main import create_app

    print(json.dumps(create_app(_settings()).openapi(), indent=1, sort_keys=True))
