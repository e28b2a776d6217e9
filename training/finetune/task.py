"""What one fine-tuning learns from, what judges it, and what it must not forget."""

from dataclasses import dataclass
from pathlib import Path

import torch

from models_store.datasets.clean import CleaningReport
from models_store.errors import DataSetRejected, RecipeRejected
from models_store.recipe import Recipe
from models_store.registry import Version
from models_store.specs import FineTuneSpec
from training.data import sources
from training.data.rows import DataSet, Rows, join
from training.finetune.replay import known
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
    labels: tuple[str, ...]
    new_labels: bool
    known: DataSet | None  # the base's own pictures, or others of its kind: to repeat, and to test
    stand_in: bool  # they are others


def read(base: Version, recipe: Recipe, data_folder: Path, report: Reporter) -> Task:
    """Reads the recipe's data; says what of them was left out, and why.

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
    rows, labels, new_labels = _new(base, recipe, report)
    judges = _judging(Path(spec.validation), recipe, labels, report) if spec.validation else None
    if judges is not None:
        rows = _without(rows, judges, report)
    if len(rows) < LEAST:
        raise DataSetRejected(
            "too_few_examples", f"{len(rows)} usable pictures are too few to learn from: give {LEAST} or more."
        )
    kept = None if new_labels else known(base, data_folder)
    stand_in = kept is not None and kept.source == "bundled" != base.manifest.data.source
    if stand_in:
        report.note(
            f"MNIST is not on this machine: scikit-learn's digits and drawn ones stand for what "
            f"{base.ref} must not forget."
        )
    return Task(base, recipe, spec, rows, judges, labels, new_labels, kept, stand_in)


def _new(base: Version, recipe: Recipe, report: Reporter) -> tuple[Rows, tuple[str, ...], bool]:
    """The new pictures, their labels, and whether these are others than the base's."""
    path, labels = Path(recipe.data.path), base.manifest.labels
    try:
        rows, found = sources.labelled(path, recipe.input, labels)
    except DataSetRejected as refusal:
        if refusal.code != "label_unknown":
            raise
        if recipe.publish_to == base.name:
            way = "a suffix" if recipe.finetune and recipe.finetune.job else "--suffix"
            raise DataSetRejected(refusal.code, f"{refusal} {_HOW_LABELS.format(base.name, way)}") from None
        whole = sources.files(path, recipe.input, recipe.data.test_share, recipe.seed)
        assert whole.report is not None, "files are always cleaned"
        _tell(whole.report, "", report)
        return join(whole.train, whole.test), whole.labels, True
    _tell(found, "", report)
    return rows, labels, False


def _judging(path: Path, recipe: Recipe, labels: tuple[str, ...], report: Reporter) -> Rows:
    try:
        rows, found = sources.labelled(path, recipe.input, labels)
    except DataSetRejected as refusal:
        raise DataSetRejected(refusal.code, f"Of the validation data: {refusal}") from None
    _tell(found, "Of the validation data: ", report)
    if len(rows) < LEAST:
        raise DataSetRejected(
            "too_few_examples", f"{len(rows)} usable validation pictures are too few to judge by: give {LEAST} or more."
        )
    return rows


def _without(rows: Rows, judges: Rows, report: Reporter) -> Rows:
    """The rows whose pictures are not among the judges: what was learned by heart says nothing."""
    seen = {picture.tobytes() for picture in judges.pictures.numpy()}
    new = torch.tensor([picture.tobytes() not in seen for picture in rows.pictures.numpy()], dtype=torch.bool)
    if not new.all():
        count = int((~new).sum())
        report.note(f"Not learned from, as the validation data have them too: {count:,} of {len(rows):,} pictures.")
    return rows[new]


def _tell(found: CleaningReport, which: str, report: Reporter) -> None:
    if found.kept < found.rows:
        report.note(f"{which}{found}")
