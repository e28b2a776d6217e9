"""A trained net -> the draft of a version: its files, and the candidates that may serve."""

import dataclasses
import datetime
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from models_store.errors import ManifestMismatch
from models_store.files import PROBES, Pixels, Probabilities, save_probes
from models_store.manifest import Calibration, Candidate, DataFacts, Manifest
from models_store.model import PLAIN, Model, agrees
from models_store.recipe import Recipe
from training.data.rows import DataSet, Rows
from training.errors import TrainingDiverged
from training.fit.epoch import Epoch
from training.judge.gate import OWN_TEST, Judged
from training.judge.learned import Learned
from training.judge.score import Score, changed, most_frequent, score
from training.nets.catalog import parameters
from training.publish.candidates import FILES, export
from training.report.progress import Reporter
from training.synthetic import strokes

_PROBES_PER_DIGIT = 4
_PROBES_OF_PICTURES = 12
_CLEAR = 0.1  # how far the two best labels' probabilities of a probe lie apart


@dataclass(frozen=True)
class Outcome:
    """A net that is ready to be published, and what is to be said of it."""

    net: nn.Module
    recipe: Recipe
    data: DataSet  # its test rows give the numbers
    precision: torch.dtype
    calibration: Calibration = Calibration()
    runs: Mapping[str, Sequence[Epoch]] = dataclasses.field(default_factory=dict)
    parent: str | None = None
    learned: Learned | None = None  # from what, where the manifest does not say it
    numbers: Mapping[str, float] = dataclasses.field(default_factory=dict)  # beside accuracy and nll
    sample: Tensor | None = None  # pictures that set the int8 ranges, if others than the training rows
    pictures: bool = True  # draw the report's PNGs, by libraries that take seconds to import


@dataclass(frozen=True)
class Draft:
    """A version whose files are written, and what its candidates read; it is nobody's before it is released."""

    outcome: Outcome
    folder: Path
    manifest: Manifest
    read: Score  # the plain candidate's answers to the test rows
    worst_accuracy: float  # of all candidates on the test rows: what the gate judges

    def judged(self, base: float | None = None, what: str = OWN_TEST) -> Judged:
        """What the gate is told of the test rows, of which the base reads the share `base` right."""
        truth = self.read.truth
        return Judged(len(truth), base, self.worst_accuracy, what, most_frequent(truth))


def assemble(outcome: Outcome, folder: Path, report: Reporter) -> Draft:
    """Fills `folder` (staged by the registry): exports the net, and keeps the candidates that agree with the plain one
    on the probes.

    Raises TrainingDiverged where the net answers with what is no number, and ManifestMismatch where the version could
    not be served afterwards: better here than there.
    """
    report.stage("exporting")
    recipe, data = outcome.recipe, outcome.data
    export(outcome.net, recipe.input, data.train.pictures if outcome.sample is None else outcome.sample, folder)
    if outcome.learned is not None:
        outcome.learned.save(folder)
    report.stage("evaluating")
    draft = manifest(outcome)
    plain = Model.load(folder, draft)
    read = score(plain, data.test)
    if not np.isfinite(read.probabilities).all():
        raise TrainingDiverged("The new net's answers are no finite numbers: lower train.learning_rate.")
    draft, worst = _with_candidates(folder, draft, plain, read, data.test)
    return Draft(outcome, folder, draft, read, worst)


def manifest(outcome: Outcome) -> Manifest:
    """What is known of the version before its files are written."""
    recipe, data = outcome.recipe, outcome.data
    return Manifest(
        net=recipe.net.name,
        parameters=parameters(outcome.net),
        input=recipe.input,
        labels=data.labels,
        metrics={},
        data=DataFacts(source=data.source, sha256=data.digest(), train_rows=len(data.train), test_rows=len(data.test)),
        recipe=_anywhere(recipe),
        created_at=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        made_with={
            "torch": torch.__version__,
            "python": platform.python_version(),
            "precision": str(outcome.precision).removeprefix("torch."),
        },
        calibration=outcome.calibration,
        candidates={name: Candidate(file=file, labels_changed=0, test_rows=0) for name, file in FILES.items()},
        parent=outcome.parent,
    )


def _anywhere(recipe: Recipe) -> Recipe:
    """The recipe with the files' names only: where they lay on this machine is nobody's business."""
    task = recipe.finetune
    if task is not None:
        task = dataclasses.replace(task, validation=_name(task.validation))
    own = recipe.data
    data = dataclasses.replace(own, path=_name(own.path), validation=_name(own.validation), test=_name(own.test))
    return dataclasses.replace(recipe, data=data, finetune=task)


def _name(path: str) -> str:
    return Path(path).resolve().name if path else ""


def _with_candidates(folder: Path, draft: Manifest, plain: Model, read: Score, test: Rows) -> tuple[Manifest, float]:
    """The draft with those candidates that agree with the plain one on the probes, and the share of test rows that the
    worst of them reads right; the others' files go."""
    probes, expected = _probes(plain)
    save_probes(probes, expected, folder / PROBES)
    kept, least = {}, read.accuracy
    for name, candidate in draft.candidates.items():
        try:
            model = plain if name == PLAIN else Model.load(folder, draft, name)
            answers = read if model is plain else score(model, test)
            agreeing = agrees(model.predict(probes), expected)  # warm by now, as it will be when it serves
        except (FileNotFoundError, ManifestMismatch, RuntimeError):
            if name != "int8":  # for which this processor may have no engine, or that no such kernel
                raise
            agreeing = False
        if agreeing:
            different, least = changed(answers, read), min(least, answers.accuracy)
            kept[name] = dataclasses.replace(candidate, labels_changed=different, test_rows=len(test))
        else:
            (folder / candidate.file).unlink(missing_ok=True)
    if PLAIN not in kept:
        raise ManifestMismatch("The new version does not answer the same picture alike twice. Train it again.")
    return dataclasses.replace(draft, candidates=kept), least


def _probes(plain: Model) -> tuple[Pixels, Probabilities]:
    """Drawn pictures that the version is not in two minds about, because there rounding may turn the scale."""
    drawn = strokes.units(per_digit=_PROBES_PER_DIGIT, seed=0)
    if plain.picture.shape != drawn.shape[1:]:
        drawn = strokes.scenes(_PROBES_OF_PICTURES, plain.picture.shape, seed=0)
    expected = plain.predict(drawn)
    first, second = np.sort(expected, axis=1)[:, :-3:-1].T
    clear = first - second >= _CLEAR
    return (drawn[clear], expected[clear]) if clear.sum() >= 2 else (drawn, expected)
