"""The command line: serve, worker, models, jobs, keys, audit, backup, restore, doctor, openapi. It parses, and says in
one sentence what went wrong; imports stand inside the commands, so that `--help` is quick and commands about files load
no torch.
"""

import argparse
import contextvars
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from app.cli import audit, backup, jobs, keys, models
from app.cli.refusal import Refusal

if TYPE_CHECKING:
    from app.supervision.lifeline import Lifeline


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code: 1 where something is wrong, 2 where the command was."""
    try:
        return _run(_parser().parse_args(arguments))
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # the reader of our output, such as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _run(options: argparse.Namespace) -> int:
    from pydantic import ValidationError

    from app.errors import CannotListen, CannotStart
    from models_store.errors import StoreError

    try:
        return int(contextvars.copy_context().run(options.command, options) or 0)  # who acts is of this command
    except ValidationError as error:
        from app.settings import sentences

        typed = {name for name, value in vars(options).items() if value is not None}
        return _refuse(" ".join(sentences(error, typed)), 2)
    except Refusal as refusal:
        return _refuse(str(refusal), refusal.exit_code)
    except (StoreError, CannotListen, CannotStart) as refusal:
        return _refuse(str(refusal), 1)
    except UnicodeEncodeError:  # the system hands over other bytes in a form that can't be sent or stored
        return _refuse("A word of the command is not in UTF-8. Write it in UTF-8.", 2)
    except BrokenPipeError:
        raise
    except OSError as error:
        return _refuse(f"{error.strerror or 'The system refused'}: {error.filename or ''}", 1)


def _refuse(sentence: str, code: int) -> int:
    print(f"digitserve: {sentence}", file=sys.stderr)
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="digitserve", description="Reads handwritten digits on people's pictures.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    serve = commands.add_parser("serve", help="answer HTTP requests and do fine-tune jobs until stopped")
    serve.add_argument("--host", help="address to listen on (default 127.0.0.1: this machine only)")
    serve.add_argument("--port", type=int, help="port to listen on (default 8000; 0 takes a free one)")
    serve.add_argument("--workers", type=int, help="API processes (default: one per CPU core that may be used)")
    serve.add_argument("--fd", type=int, help="be one API process on this listening socket (what `serve` starts)")
    serve.add_argument("--lifeline", type=int, help="with --fd: a pipe that ends with the parent")
    serve.add_argument("--ready", type=int, metavar="FD", help="with --fd: a pipe on which to say that it answers")
    serve.add_argument(
        "--counts", type=int, nargs=2, metavar=("FD", "ROW"), help="with --fd: memory to count visitors' requests in"
    )
    serve.add_argument("--board", type=int, nargs=2, metavar=("FD", "ROW"), help="with --fd: memory to count in")
    serve.add_argument("--again", action="store_true", help="with --fd: in the place of a process that has ended")
    serve.add_argument(
        "--insecure", action="store_true", default=None, help="serve without a key at an address that others reach"
    )
    serve.set_defaults(command=_serve)

    worker = commands.add_parser("worker", help="do fine-tune jobs until stopped; `serve` starts one")
    worker.add_argument("--beside", action="store_true", help="leave a core to serving, which runs on this machine too")
    worker.add_argument("--lifeline", type=int, metavar="FD", help="a pipe that ends with the parent")
    worker.add_argument("--board", type=int, nargs=2, metavar=("FD", "ROW"), help="memory to count in")
    worker.set_defaults(command=_worker)

    models.add_commands(commands)
    jobs.add_commands(commands)
    keys.add_commands(commands)
    audit.add_commands(commands)
    backup.add_commands(commands)

    doctor = commands.add_parser("doctor", help="what is wrong on this machine, and what to do")
    doctor.add_argument("--json", action="store_true", help="one object with all findings, for programs")
    doctor.set_defaults(command=_doctor)
    openapi = commands.add_parser("openapi", help="print the OpenAPI document")
    openapi.set_defaults(command=_openapi)
    return parser


def _serve(options: argparse.Namespace) -> None:
    lifeline = _lifeline(options.lifeline, options.fd)
    from app.settings import Settings

    given = {"host": options.host, "port": options.port, "workers": options.workers, "insecure": options.insecure}
    settings = Settings(**{name: value for name, value in given.items() if value is not None})
    if options.fd is not None:
        from app import process

        shared = options.counts, options.board
        process.run(settings, options.fd, lifeline, options.ready, *shared, is_first=not options.again)
    else:
        from app.supervision import supervisor

        supervisor.serve(settings)


def _worker(options: argparse.Namespace) -> None:
    lifeline = _lifeline(options.lifeline)
    from app import background
    from app.settings import WorkerSettings

    background.run(WorkerSettings(), lifeline=lifeline, beside=options.beside, board=options.board)


def _lifeline(fd: int | None, listener: int | None = None) -> "Lifeline | None":
    """Before anything large is imported: a child of a server that has ended shall not even start."""
    from app.supervision.lifeline import Lifeline

    return None if fd is None else Lifeline(fd, listener)


def _doctor(options: argparse.Namespace) -> int:
    from app.cli.asides import aside
    from app.cli.doctor import looked, printed

    say = printed.document if options.json else printed.lines
    with aside():
        return 0 if say(looked.everything()) else 1


def _openapi(_: argparse.Namespace) -> None:
    import json

    from app.main import create_app
    from app.settings import Settings

    print(json.dumps(create_app(Settings.model_construct()).openapi(), indent=1, sort_keys=True))  # of any server
