"""What one fine-tuning learns from, what judges it, and what it must not forget."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from models_store.datasets.rows import Split
from models_store.errors import DataSetRejected, RecipeRejected
from models_store.recipe import Recipe
from models_store.registry import Version
from models_store.specs import FineTuneSpec
from training.data import parts
from training.data.parts import Parts
from training.data.rows import DataSet, Rows, join, split
from training.finetune.replay import known
from training.judge.learned import Memory, digests
from training.report.progress import Reporter

LEAST = 5  # pictures to learn from, of any labels; and to be judged by
_HOW_LABELS = "To teach {} other labels, publish a model of their own: pass {}."


@dataclass(frozen=True)
class Task:
    """A fine-tuning whose data were read."""

    base: Version
    recipe: Recipe
    spec: FineTuneSpec
    rows: Rows  # the new pictures to learn from
    judges: Rows | None  # those that somebody gave to judge by
    test: Rows | None  # those that somebody set apart, to be looked at once: nothing hangs on what they say
    labels: tuple[str, ...]
    new_labels: bool
    by_heart: Rows  # those of all these that the base has learned from: to judge beside it by them would favour it
    known: DataSet | None  # the base's own pictures, or others of its kind: to repeat, and to test
    stand_in: bool  # they are others
    names: Sequence[tuple[str, ...]]  # what each of `rows`, and its copies, are called in the data set
    held: int = 0  # pictures that were left out until a person has looked at them

    def fair(self, rows: Rows) -> Rows:
        """Those of the rows that may judge beside the base: it has not learned from them."""
        return parts.without(rows, self.by_heart)


def read(base: Version, recipe: Recipe, data_folder: Path, report: Reporter, drawings: Path | None = None) -> Task:
    """Reads the recipe's data; says what of them was left out, and why. What is drawn is kept in `drawings`.

    Raises DataSetRejected, and RecipeRejected where the recipe's net or pictures are not the base's.
    """
    spec = recipe.finetune
    if spec is None:
        raise RecipeRejected("Fine-tuning needs the recipe's table finetune: leave it in.")
    if recipe.input != base.manifest.input:
        raise RecipeRejected("A fine-tuned net takes the same pictures as its base: change nothing of input.")
    if recipe.net != base.manifest.recipe.net:
        raise RecipeRejected(
            "A fine-tuned net has its base's shape: change nothing of net; its dropout is finetune.dropout."
        )
    own, new_labels = _new(base, recipe)
    asked: dict[Split, str] = {"validation": spec.validation or recipe.data.validation, "test": recipe.data.test}
    divided = parts.apart(own, recipe.input, asked, report.note)
    rows, judges, test = divided.train, divided.judges.get("validation"), divided.judges.get("test")
    if judges is not None and len(judges) < LEAST:
        raise DataSetRejected(
            "too_few_examples",
            f"{len(judges)} usable validation pictures are too few to judge by: give {LEAST} or more.",
        )
    if new_labels:
        own.check_labels(rows, divided.left_out)
        rows = join(*split(rows, recipe.data.test_share, recipe.seed))  # in the order of earlier releases
    if len(rows) < LEAST:
        few = f"{len(rows)} usable pictures are too few to learn from: give {LEAST} or more. {divided.left_out}"
        raise DataSetRejected("too_few_examples", few.rstrip())
    called = dict(zip(digests(own.train).tolist(), own.train_names, strict=True))
    names = [called[each] for each in digests(rows).tolist()]
    given = [own.train, *divided.judges.values()]
    by_heart = own.train[:0] if new_labels else _learned(base, join(*given), Memory(data_folder, recipe.data))
    kept = None if new_labels else known(base, data_folder, drawings)
    stand_in = kept is not None and kept.source == "bundled" != base.manifest.data.source
    if stand_in:
        report.note(
            f"MNIST is not on this machine: scikit-learn's digits and drawn ones stand for what "
            f"{base.ref} must not forget."
        )
    return Task(base, recipe, spec, rows, judges, test, own.labels, new_labels, by_heart, kept, stand_in, names)


def _learned(base: Version, rows: Rows, memory: Memory) -> Rows:
    return rows[torch.from_numpy(memory.of(base, rows)[0])]


def _new(base: Version, recipe: Recipe) -> tuple[Parts, bool]:
    """The new pictures, and whether their labels are others than the base's."""
    path = Path(recipe.data.path)
    try:
        own, new_labels = parts.labelled(path, recipe.input, base.manifest.labels), False
    except DataSetRejected as refusal:
        if refusal.code != "label_unknown":
            raise
        if recipe.publish_to == base.name:
            way = "a suffix" if recipe.finetune and recipe.finetune.job else "--suffix"
            raise DataSetRejected(refusal.code, f"{refusal} {_HOW_LABELS.format(base.name, way)}") from None
        own, new_labels = parts.own(path, recipe.input), True
    return own, new_labels
