"""A version from scratch: data, loop, calibration, publish; or several in turn to see how well a recipe does.

It knows no command line.
"""

import contextlib
import statistics
from pathlib import Path

from models_store.errors import RecipeRejected
from models_store.manifest import Calibration
from models_store.model import Model
from models_store.recipe import Recipe
from models_store.registry import Registry, Version
from training.data import rows as data
from training.data.rows import DataSet
from training.errors import DataDiffers
from training.fit.loop import Fitted, Runtime, measure
from training.judge import calibrate
from training.judge.score import score
from training.learn import kept, key, learn, load
from training.publish.assemble import Outcome, manifest, publish
from training.publish.candidates import export
from training.report.progress import Reporter
from training.synthetic.widen import PhotoAugmenter


def train(
    recipe: Recipe, data_folder: Path, registry: Registry, run: Runtime, report: Reporter, fresh: bool = False
) -> Version | None:
    """Trains by the recipe and publishes the result. Test rows are looked at once, when nothing changes any more.

    A run that was killed goes on after its last whole epoch, unless `fresh`. Of several processes only the leading one
    publishes; the others return None. Raises BadRef, DataMissing, DataSetRejected, RecipeRejected, RunBusy,
    CheckpointRejected, TrainingDiverged; then nothing is published.
    """
    with run.world.joined(run.device):
        report.stage(f"reading the data set {recipe.data.source}")
        with run.world.in_turn():
            rows = load(recipe, data_folder, report)
        mine = rows.digest().encode()
        if run.world.told_bytes(mine, run.device) != mine:
            raise DataDiffers("This process has other pictures than the leading one: give all the same data set.")
        return _trained(recipe, rows, registry, run, report, fresh)


def _trained(
    recipe: Recipe, rows: DataSet, registry: Registry, run: Runtime, report: Reporter, fresh: bool
) -> Version | None:
    if recipe.train.unfreeze != "all" and recipe.net.options.get("weights", "none") == "none":
        report.note("Frozen layers with random weights have learned nothing: expect little, or set train.unfreeze=all.")
    if recipe.calibration.held_out > len(rows.train) // 2:
        raise RecipeRejected(f"calibration.held_out takes more than half of the {len(rows.train)} training pictures.")
    if recipe.train.batch_size < 2 * run.world.size:
        raise RecipeRejected(f"train.batch_size must be {2 * run.world.size} or more: two rows for each process.")
    with contextlib.ExitStack() as ends:
        runs = None
        if run.world.leads:
            registry.prepare(recipe.publish_to)  # a bad name or a full disk shows before hours of training
            runs = ends.enter_context(kept(registry.root, key(recipe, rows), fresh))
        camera = PhotoAugmenter(recipe, report, runs)
        fitted = learn("training", recipe, camera.widened(rows.train), len(rows.labels), run, report, folder=runs)
        histories, calibration = {"training": fitted.epochs}, Calibration()
        if recipe.calibration.held_out:
            sibling, calibration = _calibrated(recipe, rows, camera, registry, run, report, runs)
            histories["calibration"] = sibling.epochs
        if not run.world.leads:
            return None
        sample = data.mixed(rows.train, camera.of(rows.train), recipe.seed).pictures
        outcome = Outcome(fitted.net, recipe, rows, fitted.precision, calibration, histories, sample=sample)
        with registry.stage(recipe.publish_to) as folder:
            return publish(outcome, registry, folder, report)


def cross_validate(recipe: Recipe, data_folder: Path, folds: int, run: Runtime, report: Reporter) -> list[float]:
    """Accuracy on each of `folds` stratified parts of the training rows, by a run that learned from all other parts.

    Publishes nothing and never looks at the test rows. Raises as `train` does.
    """
    rows = load(recipe, data_folder, report)
    accuracies, camera = [], PhotoAugmenter(recipe, report)
    for number, (rest, part) in enumerate(data.folds(rows.train, folds, recipe.seed), start=1):
        fitted = learn(f"fold {number}", recipe, camera.widened(rest), len(rows.labels), run, report)
        accuracies.append(measure(fitted.net, part, recipe, run.device)[1])
    spread = statistics.stdev(accuracies)
    lines = [(f"fold {number}", f"{accuracy:.2%}") for number, accuracy in enumerate(accuracies, start=1)]
    lines.append(("mean +- deviation", f"{statistics.mean(accuracies):.2%} +- {spread:.2%}"))
    report.table(f"{folds}-fold cross-validation on {len(rows.train):,} training rows", ["", "read right"], lines)
    return accuracies


def _calibrated(
    recipe: Recipe,
    rows: DataSet,
    camera: PhotoAugmenter,
    registry: Registry,
    run: Runtime,
    report: Reporter,
    runs: Path | None,
) -> tuple[Fitted, Calibration]:
    """Fits the temperature on a sibling: the same recipe, trained without the rows that it is then asked about.

    The version itself learns from all rows, so nothing that it has not seen is left to fit on.
    """
    rest, held_out = data.hold_out(rows.train, recipe.calibration.held_out, recipe.seed)
    sibling = learn("calibration", recipe, camera.widened(rest), len(rows.labels), run, report, folder=runs)
    if not run.world.leads:
        return sibling, Calibration()
    with registry.stage(recipe.publish_to) as folder:
        export(sibling.net, recipe.input, rest.pictures, folder)
        draft = manifest(Outcome(sibling.net, recipe, rows, sibling.precision))
        model, photographed = Model.load(folder, draft), camera.of(held_out)
        result = score(model, held_out)
        pictures = score(model, photographed) if len(photographed) else None
    sentence = f"{len(held_out)} held-out training pictures, read {result.accuracy:.2%} right by a sibling run"
    sentence += "" if pictures is None else f", and photographs of them, {pictures.accuracy:.2%} right"
    return sibling, calibrate.fit(result, sentence, pictures)
