"""The command line of training. The only place here that reads the environment and picks a device.

python -m training train fast            a recipe that comes with the software
python -m training train my-recipe.toml  a recipe of your own
"""

import argparse
import dataclasses
import os
import sys
from pathlib import Path

from models_store.errors import RecipeRejected, StoreError
from models_store.machine import cores
from models_store.recipe import Recipe

RECIPES = Path(__file__).parent / "recipes"
STORE = Path(__file__).parent.parent / "models_store" / "artifacts"


def main(arguments: list[str] | None = None) -> int:
    """Runs one command and returns its exit code: 2 where the input is at fault, in one sentence on standard error."""
    from training.errors import TrainingError

    options = _parser().parse_args(arguments)
    try:
        options.command(options)
    except (StoreError, TrainingError) as refusal:
        print(f"training: {refusal}", file=sys.stderr)
        return 2
    except OSError as error:  # a full disk, a folder without permission
        print(f"training: {error.strerror or 'the system refused'}: {error.filename or options.store}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("training: interrupted, nothing was published", file=sys.stderr)
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m training", description="Makes versions of models.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    train = commands.add_parser("train", help="train a version from scratch and publish it")
    train.add_argument("recipe", help=f"a TOML file, or one of: {', '.join(shipped_recipes())}")
    train.add_argument("--seed", type=int, help="instead of the recipe's")
    train.add_argument("--epochs", type=int, help="instead of the recipe's")
    train.add_argument(
        "--held-out", type=int, help="instead of the recipe's calibration.held_out; 0 calibrates nothing"
    )
    train.add_argument("--publish-to", metavar="NAME", help="instead of the recipe's")
    train.add_argument("--store", type=Path, default=Path(os.environ.get("DIGITSERVE_STORE_DIR") or STORE))
    train.add_argument("--threads", type=int, help="CPU threads (default: what this process may use)")
    train.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    train.add_argument("--json", action="store_true", help="JSON lines on standard output, as where nobody watches")
    train.set_defaults(command=_train)
    examples = commands.add_parser("examples", help="draw the example pictures of the documentation")
    examples.add_argument("folder", type=Path)
    examples.set_defaults(command=_examples, store=None)
    return parser


def shipped_recipes() -> list[str]:
    """Names of the recipes that come with the software."""
    return sorted(path.stem for path in RECIPES.glob("*.toml"))


def _train(options: argparse.Namespace) -> None:
    import torch

    from models_store.registry import Registry
    from training.report import reporting
    from training.train import train

    recipe = _recipe(options)
    torch.set_num_threads(options.threads or cores())
    gpu = options.device == "cuda" or (options.device == "auto" and torch.cuda.is_available())
    data_folder = Path(os.environ.get("DIGITSERVE_DATA_DIR") or "data")
    with reporting(options.json) as report:
        train(recipe, data_folder, Registry(options.store), torch.device("cuda" if gpu else "cpu"), report)


def _recipe(options: argparse.Namespace) -> Recipe:
    path = RECIPES / f"{options.recipe}.toml" if options.recipe in shipped_recipes() else Path(options.recipe)
    try:
        recipe = Recipe.from_toml(path.read_text())
    except (FileNotFoundError, IsADirectoryError, UnicodeDecodeError):
        raise RecipeRejected(
            f"There is no recipe {options.recipe}: give a TOML file or one of {', '.join(shipped_recipes())}."
        ) from None
    given = {"seed": options.seed, "publish_to": options.publish_to}
    recipe = dataclasses.replace(recipe, **{key: value for key, value in given.items() if value is not None})
    if options.epochs is not None:
        recipe = dataclasses.replace(recipe, train=dataclasses.replace(recipe.train, epochs=options.epochs))
    if options.held_out is not None:
        held_out = dataclasses.replace(recipe.calibration, held_out=options.held_out)
        recipe = dataclasses.replace(recipe, calibration=held_out)
    return recipe


def _examples(options: argparse.Namespace) -> None:
    from training.examples import write

    for path in write(options.folder):
        print(path)


if __name__ == "__main__":
    sys.exit(main())
