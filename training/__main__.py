"""The command line of training. The only place here that reads the environment and picks a device."""

import argparse
import contextlib
import os
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

from models_store import variables
from models_store.errors import ManifestMismatch, RecipeRejected, StoreError, VersionCorrupt
from models_store.machine import cores
from models_store.recipe import Recipe
from models_store.refs import Ref
from training.commands import (
    check_finetune,
    compress_recipe,
    data_of,
    finetune_recipe,
    parser,
    read_recipe,
    recipe_of,
)
from training.errors import TrainingError, sentence

if TYPE_CHECKING:
    from models_store.registry import Registry, Version
    from training.fit.distributed import World
    from training.learn import Session

_REFUSED = 2  # the exit code where the input is at fault
_INTERRUPTED = 130
_OF_TORCHRUN = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE")


def main(arguments: list[str] | None = None, *, own_process: bool = False) -> int:
    """Runs one command and returns its exit code: 2 where the input is at fault, in one sentence on standard error.

    A job says so as a JSON line instead. Its own process dies with the parent that gave it a job, and ends untidied:
    torch would take a second, and may abort where several trained as one (gloo's threads, pytorch/pytorch#179291).
    """
    store = variables.folder(os.environ.get("DIGITSERVE_STORE_DIR", "")) or variables.STORE
    data = variables.folder(os.environ.get("DIGITSERVE_DATA_DIR", "")) or variables.absolute(variables.DATA)
    options = parser(_COMMANDS, store, data).parse_args(arguments)
    code = _job(options, own_process) if getattr(options, "job", None) is not None else _done(options)
    if own_process:
        os._exit(code)
    return code


def _done(options: argparse.Namespace) -> int:
    try:
        options.command(options)
        sys.stdout.flush()
    except (StoreError, TrainingError) as refusal:
        return _said(str(refusal), _REFUSED)
    except OSError as error:  # a full disk, a folder without permission, a reader such as `head` that is gone
        if isinstance(error, BrokenPipeError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what Python still holds goes there
        written = (getattr(options, name, None) for name in ("path", "out", "mistakes", "folder"))
        return _said(sentence(error, next(filter(None, written), options.store)), _REFUSED)
    except KeyboardInterrupt:
        again = " The same command goes on after the last whole epoch." if hasattr(options, "fresh") else ""
        return _said(f"interrupted, nothing was published.{again}", _INTERRUPTED)
    return 0


def _said(text: str, code: int) -> int:
    rank = variables.meant(os.environ.get("LOCAL_RANK", ""))
    if rank in ("", "0"):  # of several processes one of each machine speaks
        print(f"training: {text}", file=sys.stderr)
    return code


def _train(options: argparse.Namespace) -> None:
    from training.train import train

    recipe = recipe_of(options)
    with _session(options, recipe, publishes=True) as session:
        train(recipe, session)


def _crossval(options: argparse.Namespace) -> None:
    from training.train import cross_validate

    recipe = recipe_of(options)
    with _session(options, recipe) as session:
        cross_validate(recipe, options.folds, session)


def _job(options: argparse.Namespace, own_process: bool) -> int:
    from training import job

    check_finetune(options)
    if own_process:
        job.obey(options.parent)

    def work() -> None:
        folder, options.json = job.open_job(options.job), True
        with _session(options, folder.recipe, publishes=True) as session:
            from training.finetune.finetune import do

            do(folder, session)

    return job.run(work)


def _finetune(options: argparse.Namespace) -> None:
    check_finetune(options)
    from models_store.defaults import recipe_for
    from training.finetune.finetune import finetune

    base = _version(options, options.ref)
    recipe = recipe_for(base, options.data, options.suffix, corrections=options.corrections)
    recipe = finetune_recipe(recipe, options)
    with _session(options, recipe) as session:
        finetune(base, recipe, session)


def _compress(options: argparse.Namespace) -> None:
    from training.compress import compress, recipe_for

    parent = _version(options, options.ref)
    student = read_recipe(options.student) if options.way == "distil" else None
    recipe = compress_recipe(recipe_for(parent, options.way, data_of(options.data), student), options)
    with _session(options, recipe) as session:
        compress(parent, options.way, options.amount, recipe, session)


def _search(options: argparse.Namespace) -> None:
    from training.search import search

    recipe = recipe_of(options)
    with _session(options, recipe) as session:
        search(recipe, options.trials, options.storage, options.out, session)


def _evaluate(options: argparse.Namespace) -> None:
    from training.judge import compare, judges, learned

    version, data = _version(options, options.ref), data_of(options.data)
    with _session(options) as session:
        rows = judges.judging_rows(version, data, options.data_folder, session.report)
        memory = learned.Memory(options.data_folder, data)
        compare.evaluate(version, rows, session.report, memory, options.mistakes, options.candidate)


def _compare(options: argparse.Namespace) -> None:
    from training.judge import compare, judges, learned

    left, right, data = _version(options, options.left), _version(options, options.right), data_of(options.data)
    with _session(options) as session:
        rows = judges.judging_rows(left, data, options.data_folder, session.report)
        compare.compare(left, right, rows, session.report, learned.Memory(options.data_folder, data))


def _export(options: argparse.Namespace) -> None:
    from training.convert import export

    version = _version(options, options.ref)
    with _session(options) as session:
        export(version, options.to, options.path, session.report, overwrite=options.overwrite)


def _import(options: argparse.Namespace) -> None:
    from training.convert import import_weights

    recipe = recipe_of(options)
    labels = tuple(options.labels.split(",")) if options.labels else None
    with _session(options, recipe, publishes=True) as session:
        import_weights(options.weights, recipe, labels, session)


def _examples(options: argparse.Namespace) -> None:
    from training.synthetic.examples import write

    for path in write(options.folder):
        print(path, flush=True)


_COMMANDS = {
    "train": _train, "crossval": _crossval, "finetune": _finetune, "compress": _compress, "search": _search,
    "evaluate": _evaluate, "compare": _compare, "export": _export, "import": _import, "examples": _examples,
}  # fmt: skip


def _registry(options: argparse.Namespace) -> "Registry":
    """The store, made where there is none. Commands that publish nothing and name no version touch none."""
    from models_store.shipped_version import open_store

    return open_store(options.store)


def _version(options: argparse.Namespace, ref: str) -> "Version":
    try:
        return _registry(options).verify(Ref.parse(ref))
    except (VersionCorrupt, ManifestMismatch) as refusal:  # which of several refs it was
        raise TrainingError(f"{ref}: {refusal}") from None


@contextlib.contextmanager
def _session(options: argparse.Namespace, recipe: Recipe | None = None, publishes: bool = False) -> Iterator["Session"]:
    """Prepares torch for one command, and the store where it publishes without naming a version before; of several
    processes only the leading one is heard."""
    if recipe is not None and recipe.deterministic:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # cuBLAS repeats itself only so
    import torch

    from models_store.registry import Registry
    from training.fit.runtime import Runtime
    from training.learn import Session
    from training.report.progress import Silent, reporting

    world = _world(options)
    torch.set_num_threads(options.threads or max(1, cores() // world.local_size))
    profile = getattr(options, "profile", None) if world.leads else None
    runtime, fresh = Runtime(world.device(options.device), world, profile=profile), getattr(options, "fresh", False)
    registry = _registry(options) if publishes else Registry(options.store)
    if not world.leads:
        yield Session(options.data_folder, registry, runtime, Silent(), fresh)
        return
    with reporting(options.json) as report:
        if getattr(options, "tensorboard", None) is not None:
            from training.report.tensorboard import TensorBoardReporter

            report = TensorBoardReporter(report, options.tensorboard)
        if getattr(options, "told", None):  # of the recipe
            report.note(options.told)
        yield Session(options.data_folder, registry, runtime, report, fresh)


def _world(options: argparse.Namespace) -> "World":
    """What torchrun says of this process. Raises RecipeRejected where several cannot work as one."""
    from training.fit.distributed import World

    told = [variables.meant(os.environ.get(name, "")) for name in _OF_TORCHRUN]
    if not all(told):
        return World()
    if not all(text.isdecimal() for text in told):
        pairs = zip(_OF_TORCHRUN, map(variables.without_secrets, told), strict=True)
        listed = ", ".join(f"{name}={text}" for name, text in pairs)
        raise RecipeRejected(f"{listed} are not what torchrun sets: start with torchrun, or unset them.")
    world = World(*map(int, told))
    if world.size > 1 and options.command not in (_train, _import):
        raise RecipeRejected("Only train runs as several processes: start this command once, without torchrun.")
    return world


if __name__ == "__main__":
    sys.exit(main(own_process=True))
