"""The command line of training. The only place here that reads the environment and picks a device."""

import argparse
import contextlib
import dataclasses
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from models_store import records
from models_store.errors import ManifestMismatch, RecipeRejected, StoreError, VersionCorrupt
from models_store.machine import cores
from models_store.recipe import Recipe
from models_store.specs import DataSpec
from training.commands import RECIPES, change, changed, parser, shipped_recipes

if TYPE_CHECKING:
    from models_store.registry import Registry, Version
    from training.distributed import World
    from training.loop import Run
    from training.report import Report

STORE = Path(__file__).parent.parent / "models_store" / "artifacts"
_REFUSED = 2  # the exit code where the input is at fault
_INTERRUPTED = 130


def main(arguments: list[str] | None = None) -> int:
    """Runs one command and returns its exit code: 2 where the input is at fault, in one sentence on standard error."""
    from training.errors import TrainingError, sentence

    store = Path(os.environ.get("DIGITSERVE_STORE_DIR") or STORE)
    options = parser(_COMMANDS, store, Path(os.environ.get("DIGITSERVE_DATA_DIR") or "data")).parse_args(arguments)
    try:
        options.command(options)
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
    if int(os.environ.get("LOCAL_RANK", "0")) == 0:  # of several processes one of each machine speaks
        print(f"training: {text}", file=sys.stderr)
    return code


def _train(options: argparse.Namespace) -> None:
    from training.train import train

    recipe = _recipe(options)
    with _running(options, recipe) as (run, report):
        train(recipe, options.data_folder, _registry(options), run, report, options.fresh)


def _crossval(options: argparse.Namespace) -> None:
    from training.train import cross_validate

    recipe = _recipe(options)
    with _running(options, recipe) as (run, report):
        cross_validate(recipe, options.data_folder, options.folds, run, report)


def _finetune(options: argparse.Namespace) -> None:
    from models_store.finetuning import recipe_for
    from training.finetune import finetune

    base = _version(options, options.ref)
    recipe = recipe_for(base, options.data, options.suffix)
    if options.unfreeze:
        options.set.insert(0, change(f"train.unfreeze={options.unfreeze}"))
    recipe = Recipe.read(changed(records.plain(recipe), _changes(options)))
    with _running(options, recipe) as (run, report):
        finetune(base, recipe, options.data_folder, _registry(options), run, report, options.fresh)


def _compress(options: argparse.Namespace) -> None:
    from training.compress import compress, recipe_for

    parent = _version(options, options.ref)
    student = _read_recipe(options.student) if options.way == "distil" else None
    recipe = recipe_for(parent, options.way, _data(options.data), student)
    recipe = Recipe.read(changed(records.plain(recipe), _changes(options)))
    with _running(options, recipe) as (run, report):
        compress(
            parent, options.way, options.amount, recipe, options.data_folder, _registry(options), run, report,
            options.fresh,
        )  # fmt: skip


def _search(options: argparse.Namespace) -> None:
    from training.search import search

    recipe = _recipe(options)
    with _running(options, recipe) as (run, report):
        search(recipe, options.data_folder, options.trials, options.storage, options.out, run, report)


def _evaluate(options: argparse.Namespace) -> None:
    from training.assess import evaluate, judging_rows

    version = _version(options, options.ref)
    with _running(options) as (_, report):
        rows = judging_rows(version, _data(options.data), options.data_folder, report)
        evaluate(version, rows, report, options.mistakes, options.candidate)


def _compare(options: argparse.Namespace) -> None:
    from training.assess import compare, judging_rows

    left, right = _version(options, options.left), _version(options, options.right)
    with _running(options) as (_, report):
        compare(left, right, judging_rows(left, _data(options.data), options.data_folder, report), report)


def _export(options: argparse.Namespace) -> None:
    from training.transfer import export

    version = _version(options, options.ref)
    with _running(options) as (_, report):
        export(version, options.to, options.path, report, overwrite=options.overwrite)


def _import(options: argparse.Namespace) -> None:
    from training.transfer import publish_weights

    recipe = _recipe(options)
    labels = tuple(options.labels.split(",")) if options.labels else None
    with _running(options, recipe) as (run, report):
        publish_weights(options.weights, recipe, labels, options.data_folder, _registry(options), run, report)


def _examples(options: argparse.Namespace) -> None:
    from training.examples import write

    for path in write(options.folder):
        print(path, flush=True)


_COMMANDS = {
    "train": _train, "crossval": _crossval, "finetune": _finetune, "compress": _compress, "search": _search,
    "evaluate": _evaluate, "compare": _compare, "export": _export, "import": _import, "examples": _examples,
}  # fmt: skip


def _recipe(options: argparse.Namespace) -> Recipe:
    """The recipe that a command names, with all that the command line says otherwise."""
    recipe = _read_recipe(options.recipe)
    data = _data(options.data)
    if data is not None:
        recipe = dataclasses.replace(recipe, data=dataclasses.replace(recipe.data, source=data.source, path=data.path))
    changes = _changes(options)
    if options.held_out is not None:
        changes.append((["calibration", "held_out"], options.held_out))
    if options.publish_to is not None:
        changes.append((["publish_to"], options.publish_to))
    return Recipe.read(changed(records.plain(recipe), changes))


def _changes(options: argparse.Namespace) -> list[tuple[list[str], object]]:
    changes = list(options.set)
    changes += [(["seed"], options.seed)] if options.seed is not None else []
    changes += [(["train", "epochs"], options.epochs)] if options.epochs is not None else []
    changes += [(["deterministic"], True)] if options.deterministic else []
    return changes


def _read_recipe(name: str) -> Recipe:
    path = RECIPES / f"{name}.toml" if name in shipped_recipes() else Path(name)
    try:
        return Recipe.from_toml(path.read_text())
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        raise RecipeRejected(
            f"There is no recipe {name}: give a TOML file or one of {', '.join(shipped_recipes())}."
        ) from None
    except UnicodeDecodeError:
        raise RecipeRejected(f"{name} is no TOML file, as it is not in UTF-8: give another, or save it anew.") from None


def _data(text: str | None) -> DataSpec | None:
    if text is None:
        return None
    if text == "mnist" or text == "bundled":
        return DataSpec(source=text)  # type: ignore[arg-type]
    return DataSpec(source="files", path=text)


def _registry(options: argparse.Namespace) -> "Registry":
    from models_store.registry import open_store

    return open_store(options.store)


def _version(options: argparse.Namespace, ref: str) -> "Version":
    from models_store.refs import Ref
    from training.errors import TrainingError

    try:
        return _registry(options).verify(Ref.parse(ref))
    except (VersionCorrupt, ManifestMismatch) as refusal:  # which of several refs it was
        raise TrainingError(f"{ref}: {refusal}") from None


@contextlib.contextmanager
def _running(options: argparse.Namespace, recipe: Recipe | None = None) -> Iterator[tuple["Run", "Report"]]:
    """Prepares torch for one command; of several processes only the leading one is heard."""
    if recipe is not None and recipe.deterministic:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # cuBLAS repeats itself only so
    import torch

    from training.loop import Run
    from training.report import Silent, reporting

    world = _world(options)
    torch.set_num_threads(options.threads or max(1, cores() // world.local_size))
    run = Run(world.device(options.device), world, trace=getattr(options, "profile", None) if world.leads else None)
    if not world.leads:
        yield run, Silent()
        return
    with reporting(options.json) as report:
        if getattr(options, "tensorboard", None) is not None:
            from training.board import Board

            report = Board(report, options.tensorboard)
        yield run, report


def _world(options: argparse.Namespace) -> "World":
    """What torchrun says of this process. Raises RecipeRejected where several cannot work as one."""
    from training.distributed import World

    names = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE")
    if not all(name in os.environ for name in names):
        return World()
    world = World(*(int(os.environ[name]) for name in names))
    if world.size > 1 and options.command not in (_train, _import):
        raise RecipeRejected("Only train runs as several processes: start this command once, without torchrun.")
    return world


if __name__ == "__main__":
    sys.exit(main())
