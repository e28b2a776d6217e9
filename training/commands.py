"""What can be typed after `python -m training`, and the recipe that it means."""

import argparse
import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path

from models_store.defaults import RECOVERY, from_fresh_weights, rate_for
from models_store.errors import RecipeRejected
from models_store.recipe import Recipe
from models_store.specs import DataSpec
from training.changes import Change, change, changes_of, with_changes

RECIPES = Path(__file__).parent / "recipes"
Command = Callable[[argparse.Namespace], None]
Add = Callable[[str, str], argparse.ArgumentParser]  # a command's word, and what it does
_EXAMPLES = """examples:
  python -m training train lite                            a recipe that comes with the software
  python -m training train mine.toml --set train.epochs=3  a recipe of your own
  python -m training finetune digits --data corrections/   a folder per label, a zip, a CSV, a JSONL file
  python -m training compare digits@1 digits@2
  torchrun --nproc_per_node 2 -m training train cnn        several processes, or machines, as one
"""


def parser(commands: Mapping[str, Command], store: Path, data: Path) -> argparse.ArgumentParser:
    """The whole command line; `commands` says what each word does, `store` and `data` are the defaults."""
    whole = argparse.ArgumentParser(
        prog="python -m training",
        description="Makes versions of models, and says how good they are.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    words = whole.add_subparsers(required=True, metavar="COMMAND")

    def add(word: str, text: str) -> argparse.ArgumentParser:
        made = words.add_parser(word, help=text, description=f"{text[0].upper()}{text[1:]}.")
        made.set_defaults(command=commands[word])
        made.add_argument("--store", type=Path, default=store, help="where versions are kept")
        made.add_argument("--threads", type=_positive, help="CPU threads (default: what this process may use)")
        made.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
        made.add_argument("--json", action="store_true", help="JSON lines on standard output")
        made.set_defaults(data_folder=data)
        return made

    _add_training(add)
    _add_finetuning(add)
    _add_shrinking(add)
    _add_judging(add)
    return whole


def _add_training(add: Add) -> None:
    train = add("train", "train a version from scratch and publish it")
    _recipe(train)
    train.add_argument("--fresh", action="store_true", help="do not go on from the checkpoint of a killed training")

    folds = add("crossval", "train on all parts of the training rows but one, in turn, and judge by that one")
    _recipe(folds)
    folds.add_argument("--folds", type=_positive, default=5)


def _add_finetuning(add: Add) -> None:
    finetune = add("finetune", "teach a version your own pictures; the gate decides whether the result may serve")
    finetune.add_argument("ref", nargs="?", help="the version to start from: a name, name@alias or name@7")
    finetune.add_argument("--data", help="a folder per label, a zip of one, a CSV or a JSONL file")
    _parts(finetune)
    finetune.add_argument(
        "--job", type=Path, metavar="FOLDER", help="instead of all else: do what its recipe.json says"
    )
    finetune.add_argument("--suffix", help="publish as a model of its own, NAME-SUFFIX; needed for other labels")
    finetune.add_argument(
        "--corrections", action="store_true",
        help="the version has read these pictures wrong: learn them more slowly, and repeat more of what it knows",
    )  # fmt: skip
    finetune.add_argument(
        "--trust", action="store_true",
        help="you have looked at the pictures: learn those with a mark and look-alikes too",
    )  # fmt: skip
    finetune.add_argument("--parent", type=int, metavar="PID", help="the worker: if it is gone, the job ends at once")
    finetune.add_argument("--unfreeze", choices=("head", "last_block", "all", "gradual"), help="what may learn")
    finetune.add_argument("--fresh", action="store_true", help="do not go on from the checkpoint of a killed training")
    _changes(finetune)
    finetune.set_defaults(refuse=finetune.error)


def _add_shrinking(add: Add) -> None:
    compress = add("compress", "make a smaller version: pruned, rounded to int8, or a student's")
    compress.add_argument("way", choices=("prune", "int8", "distil"))
    compress.add_argument("ref")
    compress.add_argument("--amount", type=float, help="share of weights to prune (.5), or the teacher's weight (.7)")
    compress.add_argument("--student", default="lite", help="the recipe that a teacher's student learns by")
    compress.add_argument("--data", help="mnist, bundled or files of your own (default: what the version learned from)")
    compress.add_argument("--fresh", action="store_true", help="do not go on from the checkpoint of a killed training")
    _changes(compress)

    search = add("search", "try variants of a recipe on validation rows and write the best one down")
    _recipe(search)
    search.add_argument("--trials", type=_positive, default=20)
    search.add_argument("--storage", help="an SQLAlchemy URL: the search goes on there, and machines can share it")
    search.add_argument("--out", type=Path, default=Path("best.toml"), help="where the best recipe goes")


def _add_judging(add: Add) -> None:
    evaluate = add("evaluate", "measure a version on labelled pictures")
    evaluate.add_argument("ref")
    evaluate.add_argument("--data", help="mnist, bundled or files of your own (default: what the version learned from)")
    evaluate.add_argument("--candidate", default="fp32", help="which of the version's candidates answers")
    evaluate.add_argument("--mistakes", type=Path, metavar="PNG", help="draw the worst mistakes there")

    compare = add("compare", "put two versions side by side, with a test whether they differ at all")
    compare.add_argument("left")
    compare.add_argument("right")
    compare.add_argument("--data", help="mnist, bundled or files of your own (default: what the left one learned from)")

    export = add("export", "take a version elsewhere, checked against its own answers")
    export.add_argument("ref")
    export.add_argument("path", type=Path, help="the file to write")
    export.add_argument("--to", choices=("onnx", "state_dict", "torchscript"), required=True)
    export.add_argument("--overwrite", action="store_true", help="replace the file where there is one")

    importing = add("import", "publish your own safetensors weights of a known net")
    _recipe(importing)
    importing.add_argument("weights", type=Path, help="a safetensors file")
    importing.add_argument("--labels", help="separated by commas, in the net's order (default: the data set's)")

    examples = add("examples", "draw the example pictures of the documentation")
    examples.add_argument("folder", type=Path)


def check_finetune(options: argparse.Namespace) -> None:
    """Ends the process with a usage line unless there are a version and data, or a job and no word beside it."""
    words = ("data", "validation", "test", "suffix", "corrections", "trust", "unfreeze", "fresh", "set")
    others = (*words, "seed", "epochs", "deterministic")
    if options.job is None and not (options.ref and options.data):
        options.refuse("a version and --data are needed, or --job")
    if options.job is not None and (options.ref or any(getattr(options, name) for name in others)):
        options.refuse("everything of a job is in its folder: leave the version and the recipe's options out")


def _recipe(command: argparse.ArgumentParser) -> None:
    command.add_argument("recipe", help=f"a TOML file, or one of: {', '.join(shipped_recipes())}")
    command.add_argument("--data", help="mnist, bundled or files of your own, instead of the recipe's")
    _parts(command)
    command.add_argument("--held-out", type=int, help="as --set calibration.held_out=N; 0 calibrates nothing")
    command.add_argument("--publish-to", metavar="NAME", help="instead of the recipe's")
    _changes(command)


def _parts(command: argparse.ArgumentParser) -> None:
    names = "a path, or the name of a part of --data: validation or test (./test is a path)"
    command.add_argument("--validation", metavar="PART", help=f"labelled pictures that only watch or judge; {names}")
    command.add_argument(
        "--test", metavar="PART", help=f"labelled pictures that are looked at once, at the end; {names}"
    )


def _changes(command: argparse.ArgumentParser) -> None:
    command.add_argument("--seed", type=int, help="instead of the recipe's")
    command.add_argument("--epochs", type=int, help="as --set train.epochs=N")
    command.add_argument(
        "--set", action="append", default=[], type=change, metavar="TABLE.KEY=VALUE", help="any other of the recipe's"
    )
    command.add_argument("--deterministic", action="store_true", help="only operations that repeat bit for bit")
    command.add_argument("--tensorboard", type=Path, metavar="FOLDER", help="write TensorBoard files there")
    command.add_argument("--profile", type=Path, metavar="FILE", help="write what torch did in ten steps, as a trace")


def shipped_recipes() -> list[str]:
    """Names of the recipes that come with the software."""
    return sorted(path.stem for path in RECIPES.glob("*.toml"))


def recipe_of(options: argparse.Namespace) -> Recipe:
    """The recipe that a command names, with all that the command line says otherwise."""
    recipe = read_recipe(options.recipe)
    data = data_of(options.data)
    if data is not None:
        recipe = dataclasses.replace(recipe, data=dataclasses.replace(data, test_share=recipe.data.test_share))
    changes = changes_of(options)
    changes += [(["data", name], text) for name in ("validation", "test") if (text := getattr(options, name))]
    changes += [(["calibration", "held_out"], options.held_out)] if options.held_out is not None else []
    changes += [(["publish_to"], options.publish_to)] if options.publish_to is not None else []
    return _made(recipe, changes, options, from_fresh_weights)


def finetune_recipe(usual: Recipe, options: argparse.Namespace) -> Recipe:
    """The recipe of a fine-tuning, with all that the command line says otherwise."""
    changes = changes_of(options)
    if options.unfreeze:
        changes.insert(0, change(f"train.unfreeze={options.unfreeze}"))
    changes += [(["finetune", "validation"], options.validation)] if options.validation else []
    changes += [(["data", "test"], options.test)] if options.test else []
    changes += [(["finetune", "inspect"], False)] if options.trust else []
    return _made(usual, changes, options, lambda name: {"learning_rate": rate_for(name, options.corrections)})


def compress_recipe(usual: Recipe, options: argparse.Namespace) -> Recipe:
    """The recipe of a compression, with all that the command line says otherwise: a student starts from fresh weights,
    a pruned or rounded net from its own."""
    fall = 1 if options.way == "distil" else RECOVERY

    def numbers(name: str) -> dict[str, float]:
        fresh = from_fresh_weights(name)
        return {**fresh, "learning_rate": fresh["learning_rate"] / fall}

    return _made(usual, changes_of(options), options, numbers)


def _made(
    recipe: Recipe, changes: list[Change], options: argparse.Namespace, usual: Callable[[str], dict[str, float]]
) -> Recipe:
    """The recipe with the changes; what is to be told of them waits in the options until somebody listens."""
    made, options.told = with_changes(recipe, changes, usual)
    return made


def read_recipe(name: str) -> Recipe:
    """A recipe of the software by its name, or a TOML file. Raises RecipeRejected."""
    path = RECIPES / f"{name}.toml" if name in shipped_recipes() else Path(name)
    try:
        return Recipe.from_toml(path.read_text())
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        raise RecipeRejected(
            f"There is no recipe {name}: give a TOML file or one of {', '.join(shipped_recipes())}."
        ) from None
    except UnicodeDecodeError:
        raise RecipeRejected(f"{name} is no TOML file, as it is not in UTF-8: give another, or save it anew.") from None


def data_of(text: str | None) -> DataSpec | None:
    """What `--data` names: a data set with a name, or somebody's own files."""
    if text is None:
        return None
    if text == "mnist" or text == "bundled":
        return DataSpec(source=text)  # type: ignore[arg-type]
    return DataSpec(source="files", path=text)


def _positive(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number above 0")
    return int(text)
