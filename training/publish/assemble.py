"""A trained net -> a published version: export, candidates, numbers, pictures, one rename. It trains nothing."""

import dataclasses
import datetime
import json
import platform
from collections.abc import Callable, Mapping, Sequence
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
from models_store.refs import CHAMPION
from models_store.registry import Registry, Version
from training.data.rows import DataSet, Rows
from training.errors import TrainingDiverged
from training.fit.loop import Epoch
from training.judge import plots
from training.judge import score as evaluate
from training.judge.gate import Decision
from training.judge.score import Score
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
    judge: Callable[[float], Decision] | None = None  # of the share of test rows that the worst candidate reads right
    numbers: Mapping[str, float] = dataclasses.field(default_factory=dict)  # beside accuracy and nll
    facts: Callable[[Path, Manifest], Mapping[str, object]] = lambda folder, draft: {}  # more for report/metrics.json
    sample: Tensor | None = None  # pictures that set the int8 ranges, if others than the training rows
    pictures: bool = True  # draw the report's PNGs, by libraries that take seconds to import


def publish(
    outcome: Outcome,
    registry: Registry,
    folder: Path,
    report: Reporter,
    *,
    leave: Callable[[], None] = lambda: None,
    made: Callable[[], Version | None] = lambda: None,
) -> Version:
    """Fills `folder` (staged by the registry) and publishes it under the recipe's name.

    Candidates that disagree with the plain one on the probes are left out. `leave` is called when only the publishing
    is missing and returns when it may be done; a version that `made` knows then is taken instead: it is another
    process's of the same job. Raises TrainingDiverged where the net answers with what is no number, and
    ManifestMismatch where the version could not be served afterwards: better here than there.
    """
    report.stage("exporting")
    recipe, data = outcome.recipe, outcome.data
    export(outcome.net, recipe.input, data.train.pictures if outcome.sample is None else outcome.sample, folder)
    report.stage("evaluating")
    draft = manifest(outcome)
    plain = Model.load(folder, draft)
    read = evaluate.score(plain, data.test)
    if not np.isfinite(read.probabilities).all():
        raise TrainingDiverged("The new net's answers are no finite numbers: lower train.learning_rate.")
    draft, least = _with_candidates(folder, draft, plain, read, data.test)
    if outcome.judge is not None:
        decision = outcome.judge(least)
        report.note(decision.why)
        draft = dataclasses.replace(draft, accepted=decision.accepted, gate=decision.why)
    draft = _with_numbers(folder, draft, read, outcome)
    leave()
    with registry.alone(recipe.publish_to):
        version = made() or registry.publish(recipe.publish_to, folder, draft)
    announce(version, registry, report)
    return version


def announce(version: Version, registry: Registry, report: Reporter) -> None:
    """Says what was published, and all its numbers to programs."""
    found = version.manifest
    report.result(
        version=version.ref,
        accuracy=found.metrics["accuracy"],
        parameters=found.parameters,
        candidates=", ".join(name for name in FILES if name in found.candidates),
        accepted=found.accepted,
        gate=found.gate,
        champion=registry.aliases(version.name).get(CHAMPION) == version.number,
        folder=str(version.folder),
        numbers=dict(found.metrics),
    )


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
    data = dataclasses.replace(recipe.data, path=_name(recipe.data.path))
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
        model = plain if name == PLAIN else Model.load(folder, draft, name)
        answers = read if model is plain else evaluate.score(model, test)
        if agrees(model.predict(probes), expected):  # warm by now, as it will be when it serves
            changed, least = evaluate.changed(answers, read), min(least, answers.accuracy)
            kept[name] = dataclasses.replace(candidate, labels_changed=changed, test_rows=len(test))
        else:
            (folder / candidate.file).unlink()
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


def _with_numbers(folder: Path, draft: Manifest, read: Score, outcome: Outcome) -> Manifest:
    """The draft with its numbers on the test rows; writes the report for people."""
    labels = outcome.data.labels
    runs = {name: [dataclasses.asdict(epoch) for epoch in run] for name, run in outcome.runs.items()}
    more = outcome.facts(folder, draft)
    folder = folder / "report"
    folder.mkdir()
    if outcome.pictures:
        measured = evaluate.metrics(read, labels)
        told = {**dataclasses.asdict(measured), **more, "runs": runs}
        numbers = {"accuracy": measured.accuracy, "nll": measured.nll, "ece": measured.ece, **outcome.numbers}
        plots.confusion(measured.confusion, labels, folder / "confusion.png")
        plots.reliability(read.confidence, read.right, folder / "reliability.png")
        if outcome.runs:
            plots.curves(outcome.runs, folder / "curves.png")
    else:
        numbers = {"accuracy": read.accuracy, **outcome.numbers}
        told = {"rows": len(read.truth), **numbers, **more, "runs": runs}
    (folder / "metrics.json").write_text(json.dumps(told, indent=1) + "\n")
    return dataclasses.replace(draft, metrics=numbers)
