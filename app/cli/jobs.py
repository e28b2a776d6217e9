"""`digitserve jobs`: what one does with fine-tune jobs. A client of the HTTP interface like any other."""

import argparse
from typing import TYPE_CHECKING, Any

from app.cli.refusal import Refusal

if TYPE_CHECKING:
    from app.cli.client import Client

    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

_SAID = {"cancel": "is cancelled", "pause": "is paused; `digitserve jobs resume` lets it go on", "resume": "goes on"}


def add_commands(commands: "Commands") -> None:
    """Adds `jobs` and its actions."""
    jobs = commands.add_parser("jobs", help="teach a model your own pictures while it serves")
    actions = jobs.add_subparsers(required=True, metavar="ACTION")
    server = argparse.ArgumentParser(add_help=False)
    server.add_argument("--url", help="the server (default: DIGITSERVE_HOST and DIGITSERVE_PORT on this machine)")
    server.add_argument(
        "--key", help="what the server asks for (default: DIGITSERVE_KEY, which is better: others on this machine see "
        "what is typed)",
    )  # fmt: skip

    create = actions.add_parser("create", parents=[server], help="send pictures and start a job")
    create.add_argument("model", help="what to start from: name, name@alias or name@7")
    create.add_argument(
        "--file", required=True, metavar="PATH",
        help="labelled pictures: a folder per label, a zip of one, a CSV of pixels or with the files beside it, JSONL, "
        "the id of a file on the server, or feedback: all corrections of the model",
    )  # fmt: skip
    create.add_argument("--validation", metavar="PATH", help="pictures that judge in place of a part of the others")
    create.add_argument("--suffix", help="publish as a model of its own, which may have other labels: MODEL-SUFFIX")
    create.add_argument("--promote", choices=("never", "if_better", "shadow"), help="serve the result (default never)")
    create.add_argument("--epochs", type=int, metavar="N", help="times that every picture is shown (default auto)")
    create.add_argument("--batch-size", type=int, metavar="N", help="pictures a step (default auto)")
    create.add_argument("--learning-rate", type=float, metavar="X", help="times the usual rate (default auto)")
    create.add_argument("--unfreeze", metavar="BLOCKS", help="which part learns: head, last_block, gradual, all, auto")
    create.add_argument("--seed", type=int, help="of everything that is drawn at random")
    create.add_argument("--watch", action="store_true", help="show how it goes until it ends")
    create.set_defaults(action=_create)

    listed = actions.add_parser("list", parents=[server], help="the newest jobs first")
    listed.add_argument("--limit", type=int, default=20, help="how many (default 20)")
    listed.add_argument("--after", metavar="ID", help="those that were made before this one")
    listed.set_defaults(action=_list)
    words = {
        "show": (_show, "one job's facts"),
        "watch": (_watch, "how it goes, until it ends: 0 where it succeeded, 1 where not"),
        "cancel": (_move, "end a job without a result"),
        "pause": (_move, "let a job rest; it keeps its whole epochs"),
        "resume": (_move, "let a paused job go on"),
    }
    for word, (action, text) in words.items():
        one = actions.add_parser(word, parents=[server], help=text)
        one.add_argument("id", help="the job, as `jobs list` names it")
        one.set_defaults(action=action, word=word)
    jobs.set_defaults(command=_run)


def _run(options: argparse.Namespace) -> int:
    from app.cli.client import Client

    with Client(options.url or _address(), key=options.key or _key()) as client:
        return int(options.action(client, options) or 0)


def _address() -> str:
    """Where `digitserve serve` answers with the same settings."""
    from app.logs.urls import from_here, url_of
    from app.settings import AddressSettings

    settings = AddressSettings()
    if settings.port == 0:
        raise Refusal("With DIGITSERVE_PORT=0 the server's port is in its log only. Name it with --url.", 2)
    return url_of(from_here(settings.host), settings.port)


def _key() -> str:
    """What the server is shown where nothing is typed."""
    from app.settings import KeySettings

    return KeySettings().key


def _create(client: "Client", options: argparse.Namespace) -> int:
    import secrets

    from app.cli import parcel
    from app.cli.terminal import print_plainly

    places = _given({"training_file": options.file, "validation_file": options.validation})
    request = _request(options)
    to_send = [place for place in places.values() if parcel.check(place)]
    if to_send:
        client.rehearse(request)
    uploaded: list[str] = []
    with parcel.taken_back(client, uploaded):
        for field, place in places.items():
            request[field] = parcel.sent(client, place)
            if place in to_send:
                uploaded.append(request[field])
        job = client.create(request, key=secrets.token_hex(16))
    print_plainly(f"The job is {job['id']}.")
    for warning in job.get("warnings") or ():
        print_plainly(warning)
    options.id = str(job["id"])
    if options.watch:
        return _watch(client, options)
    print_plainly(f"See how it goes: digitserve jobs watch {options.id}{_where(options)}")
    return 0


def _request(options: argparse.Namespace) -> dict[str, Any]:
    """What is asked for but for the files."""
    known = {"suffix": options.suffix, "seed": options.seed}
    numbers = {
        "n_epochs": options.epochs,
        "batch_size": options.batch_size,
        "learning_rate_multiplier": options.learning_rate,
    }
    ours = {"promote": options.promote, "unfreeze": options.unfreeze}
    supervised = _given(ours) | ({"hyperparameters": _given(numbers)} if _given(numbers) else {})
    method = {"method": {"type": "supervised", "supervised": supervised}} if supervised else {}
    return {"model": options.model} | _given(known) | method


def _given(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _where(options: argparse.Namespace) -> str:
    """What a further command needs to reach the same server."""
    return (f" --url {options.url}" if options.url else "") + (" --key KEY" if options.key else "")


def _watch(client: "Client", options: argparse.Namespace) -> int:
    from app.cli import watch

    return watch.watch(client, options.id, _where(options))


def _list(client: "Client", options: argparse.Namespace) -> None:
    from app.cli import job_tables

    page = client.jobs(options.limit, options.after)
    job_tables.print_jobs(page["data"])
    if page.get("has_more"):
        print(f"Older ones: digitserve jobs list --after {page['data'][-1]['id']}{_where(options)}")


def _show(client: "Client", options: argparse.Namespace) -> None:
    from app.cli import job_tables

    job_tables.print_job(client.job(options.id))


def _move(client: "Client", options: argparse.Namespace) -> None:
    from app.cli.terminal import print_plainly

    job = client.tell(options.id, options.word)
    print_plainly(f"{job['id']} {_SAID[options.word]}.")
