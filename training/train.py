"""A version from scratch: data, training, calibration, publishing; or several in turn to see how well a recipe does."""

import contextlib
import statistics
from dataclasses import dataclass
from pathlib import Path

from models_store.errors import RecipeRejected
from models_store.manifest import Calibration
from models_store.model import Model
from models_store.recipe import Recipe
from models_store.registry import Version
from training.data.rows import DataSet, Rows, folds, hold_out, mixed
from training.errors import DataDiffers
from training.fit.learner import Fitted
from training.fit.material import Material
from training.fit.measure import measure
from training.judge import calibrate
from training.judge.gate import from_scratch
from training.judge.learned import of_data
from training.judge.score import score
from training.learn import Session, experiment, key, learn, load
from training.publish.assemble import Outcome, assemble, manifest
from training.publish.candidates import export
from training.publish.release import complete, release
from training.synthetic.widen import PhotoAugmenter


def train(recipe: Recipe, session: Session) -> Version | None:
    """Trains by the recipe and publishes the result. Test rows are looked at once, when nothing changes any more; a
    version that does not beat guessing on them is rejected: it is kept to be looked at, and no alias points at it.

    A training that was killed goes on after its last whole epoch, unless `session.fresh`. Of several processes only the
    leading one publishes; the others return None. Raises BadRef, DataMissing, DataSetRejected, RecipeRejected,
    ExperimentBusy, CheckpointRejected, TrainingDiverged; then nothing is published.
    """
    world, device = session.runtime.world, session.runtime.device
    with world.joined(device):
        session.report.stage(f"reading the data set {recipe.data.source}")
        with world.in_turn():
            data = load(recipe, session.data_folder, session.report)
        mine = data.digest().encode()
        if world.told_bytes(mine, device) != mine:
            raise DataDiffers("This process has other pictures than the leading one: give all the same data set.")
        _check(recipe, data, session)
        return _trained(recipe, data, session)


def _check(recipe: Recipe, data: DataSet, session: Session) -> None:
    if recipe.train.unfreeze != "all" and recipe.net.options.get("weights", "none") == "none":
        session.report.note(
            "Frozen layers with random weights have learned nothing: expect little, or set train.unfreeze=all."
        )
    if recipe.calibration.held_out > len(data.train) // 2:
        raise RecipeRejected(f"calibration.held_out takes more than half of the {len(data.train)} training pictures.")
    least = 2 * session.runtime.world.size
    if recipe.train.batch_size < least:
        raise RecipeRejected(f"train.batch_size must be {least} or more: two rows for each process.")


@dataclass(frozen=True)
class _Training:
    """What a version and its calibration's sibling have in common."""

    recipe: Recipe
    data: DataSet
    photos: PhotoAugmenter
    session: Session
    folder: Path | None  # of checkpoints

    def run(self, name: str, rows: Rows) -> Fitted:
        material, labels = Material(self.photos.widened(rows), self.data.validation), len(self.data.labels)
        return learn(name, self.recipe, material, labels, self.session.runtime, self.session.report, folder=self.folder)


def _trained(recipe: Recipe, data: DataSet, session: Session) -> Version | None:
    registry, report, leads = session.registry, session.report, session.runtime.world.leads
    with contextlib.ExitStack() as ends:
        folder = None
        if leads:
            registry.prepare(recipe.publish_to)  # a bad name or a full disk shows before hours of training
            folder = ends.enter_context(experiment(session, key(recipe, data)))
        training = _Training(recipe, data, PhotoAugmenter(recipe, report, folder), session, folder)
        fitted = training.run("training", data.train)
        histories, calibration = {"training": fitted.epochs}, Calibration()
        if recipe.calibration.held_out:
            sibling, calibration = _calibrated(training)
            histories["calibration"] = sibling.epochs
        if not leads:
            return None
        sample = mixed(data.train, training.photos.of(data.train), recipe.seed).pictures
        outcome = Outcome(
            fitted.net, recipe, data, fitted.precision, calibration, histories, learned=of_data(data), sample=sample
        )
        with registry.stage(recipe.publish_to) as staged:
            draft = assemble(outcome, staged, report)
            return release(complete(draft, report, from_scratch(draft.judged())), registry, report)


def _calibrated(training: _Training) -> tuple[Fitted, Calibration]:
    """Fits the temperature on a sibling: the same recipe, trained without the rows that it is then asked about.

    The version itself learns from all rows, so nothing that it has not seen is left to fit on.
    """
    recipe, data, session = training.recipe, training.data, training.session
    rest, held_out = hold_out(data.train, recipe.calibration.held_out, recipe.seed)
    sibling = training.run("calibration", rest)
    if not session.runtime.world.leads:
        return sibling, Calibration()
    with session.registry.stage(recipe.publish_to) as staged:
        export(sibling.net, recipe.input, rest.pictures, staged)
        draft = manifest(Outcome(sibling.net, recipe, data, sibling.precision))
        model, photographed = Model.load(staged, draft), training.photos.of(held_out)
        result = score(model, held_out)
        pictures = score(model, photographed) if len(photographed) else None
    sentence = f"{len(held_out)} held-out training pictures, read {result.accuracy:.2%} right by a sibling training"
    sentence += "" if pictures is None else f", and photographs of them, {pictures.accuracy:.2%} right"
    return sibling, calibrate.fit(result, sentence, pictures)


def cross_validate(recipe: Recipe, parts: int, session: Session) -> list[float]:
    """Accuracy on each of the stratified parts of the training rows, by a net that learned from all other parts.

    Publishes nothing and never looks at the test rows. Raises as `train` does.
    """
    runtime, report = session.runtime, session.report
    data = load(recipe, session.data_folder, report)
    accuracies, photos = [], PhotoAugmenter(recipe, report)
    for number, (rest, part) in enumerate(folds(data.train, parts, recipe.seed), start=1):
        material = Material(photos.widened(rest), data.validation)
        fitted = learn(f"fold {number}", recipe, material, len(data.labels), runtime, report)
        accuracies.append(measure(fitted.net, part, recipe, runtime.device)[1])
    spread = statistics.stdev(accuracies)
    lines = [(f"fold {number}", f"{accuracy:.2%}") for number, accuracy in enumerate(accuracies, start=1)]
    lines.append(("mean +- deviation", f"{statistics.mean(accuracies):.2%} +- {spread:.2%}"))
    report.table(f"{parts}-fold cross-validation on {len(data.train):,} training rows", ["", "read right"], lines)
    return accuracies
