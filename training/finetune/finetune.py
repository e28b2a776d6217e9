"""A version from a base version and a person's own labelled pictures. The gate says whether it may serve.

It knows no command line and no job.
"""

import contextlib
import dataclasses
import functools
from pathlib import Path

import torch
from torch import Tensor, nn

from models_store.errors import ManifestMismatch, VersionCorrupt, VersionNotFound
from models_store.manifest import Calibration
from models_store.model import Model
from models_store.recipe import Recipe
from models_store.refs import Ref
from models_store.registry import Registry, Version
from training.data import rows as data
from training.data.rows import DataSet, Rows
from training.errors import BaseUnusable, CheckpointRejected
from training.finetune.replay import reminders, repeated
from training.finetune.task import Task
from training.finetune.task import read as read_task
from training.fit.loop import Fitted, Runtime, measure
from training.job import JobFolder
from training.judge.gate import OWN_TEST, Decision, Judged, decide
from training.judge.score import score
from training.learn import kept, key, learn, teacher
from training.nets.catalog import options, skeleton
from training.publish.assemble import Outcome, announce, publish
from training.publish.weights import rebuild
from training.report.progress import Reporter

_FEW = 50  # new pictures; below, one hold-out of a handful says nothing, so five folds judge in turn
_FOLDS = 5
_LAST = "training"  # the run that is published; folds before it learn for a shorter time, and say no more than is true
_LEAST_HELD_OUT = 10
_STAND_IN = "drawn digits in place of its own test"


def do(job: JobFolder, data_folder: Path, registry: Registry, run: Runtime, report: Reporter) -> Version:
    """Does a job once, however often it is begun: a version that an earlier attempt published is not made again.

    Checkpoints lie in the job's folder; one that is of no use is begun anew. Raises BaseUnusable, JobAbandoned, and
    what `finetune` raises but RunBusy and CheckpointRejected.
    """
    made = job.published(registry)
    if made is not None:
        job.wait()
        announce(made, registry, report)
        return made
    assert job.recipe.finetune is not None, "a job without it is not opened"
    ref = job.recipe.finetune.base
    try:
        base = registry.verify(Ref.parse(ref))
    except VersionNotFound as refusal:
        raise BaseUnusable(str(refusal)) from None
    except (VersionCorrupt, ManifestMismatch) as refusal:
        raise BaseUnusable(f"{ref}: {refusal}") from None
    return finetune(base, job.recipe, data_folder, registry, run, report, job=job)


def finetune(
    base: Version,
    recipe: Recipe,
    data_folder: Path,
    registry: Registry,
    run: Runtime,
    report: Reporter,
    fresh: bool = False,
    job: JobFolder | None = None,
) -> Version:
    """Trains from `base` by a recipe with a `finetune` table, judges the result beside the base, and publishes it.

    A result that the gate rejects is published too, to be looked at; no alias may point at it. The labels of the new
    pictures must be the base's, unless the recipe publishes to a model of another name: then they may be any, and the
    net gets a new head. Raises DataSetRejected, BadRef, RunBusy, CheckpointRejected, TrainingDiverged, WeightsRejected,
    and RecipeRejected where the recipe's net or pictures are not the base's.
    """
    report.stage("reading the new pictures")
    task = read_task(base, recipe, data_folder, report)
    facts = DataSet(task.rows, task.rows, task.labels, f"files: {Path(recipe.data.path).resolve().name}")
    checkpoints = kept(registry.root, key(recipe, facts), fresh) if job is None else contextlib.nullcontext(job.folder)
    registry.prepare(recipe.publish_to)  # a bad name or a full disk shows before hours of training
    with checkpoints as runs:
        fitted, rest, judges, new, how = _judged(_Tuning(task, run, report, runs, forgiving=job is not None))
        before = _before(task)
        test = judges if task.known is None else task.known.test
        numbers = {"new_accuracy": new.candidate, "new_rows": float(new.rows)}
        # After five folds the version has learned from every row that it could be measured on.
        numbers |= {"accuracy": new.candidate} if task.known is None else {}
        numbers |= {} if new.base is None else {"new_accuracy_of_base": new.base}
        numbers |= {} if before is None else {"accuracy_of_base": before}
        alike = _alike(fitted.net, task, run) if task.known is not None and task.stand_in else None
        numbers |= {} if alike is None else {"read_as_base": alike}

        def judge(read: float) -> Decision:
            old = None if before is None else Judged(len(test), before, read, _STAND_IN if task.stand_in else OWN_TEST)
            return decide(new, old, task.spec, how, alike)

        outcome = Outcome(
            fitted.net, recipe, dataclasses.replace(facts, train=rest, test=test), fitted.precision,
            calibration=Calibration() if task.new_labels else _inherited(base),
            runs={_LAST: fitted.epochs}, parent=base.ref, judge=judge,
            numbers=numbers, pictures=False, sample=_sample(task, rest),
        )  # fmt: skip
        with registry.stage(recipe.publish_to) as folder:
            if job is None:
                return publish(outcome, registry, folder, report)
            made = functools.partial(job.published, registry)
            return publish(outcome, registry, folder, report, leave=job.wait, made=made)


def _before(task: Task) -> float | None:
    """The share of the base's own test that its plain candidate reads right; None where that test is not here.

    The manifest knows it where base and test come from these very pictures; otherwise it is measured.
    """
    if task.known is None:
        return None
    manifest = task.base.manifest
    if manifest.data.sha256 == task.known.digest() and "accuracy" in manifest.metrics:
        return manifest.metrics["accuracy"]
    return score(Model.load(task.base.folder, manifest), task.known.test).accuracy


def _alike(net: nn.Module, task: Task, run: Runtime) -> float:
    """The share of the rows in place of the base's own test to which net and base give the same label."""
    assert task.known is not None, "who asks has looked"
    pictures = task.known.test.pictures
    base = teacher(rebuild(task.base), task.recipe.input, run.device)
    said = torch.cat([base(part.to(run.device).float() / 255).argmax(1) for part in pictures.split(500)])
    return measure(net, Rows(pictures, said.cpu()), task.recipe, run.device)[1]


@dataclasses.dataclass(frozen=True)
class _Tuning:
    """A task, and all that its runs have in common."""

    task: Task
    run: Runtime
    report: Reporter
    checkpoints: Path
    forgiving: bool  # a checkpoint that can't be gone on from is begun anew


def _judged(tuning: _Tuning) -> tuple[Fitted, Rows, Rows, Judged, str]:
    """The candidate, the rows that it learned from, those that judged it, and what they said."""
    task, device = tuning.task, tuning.run.device
    before = None if task.new_labels else rebuild(task.base).to(device)
    rest, judges, kind = task.rows, task.judges, "validation pictures"
    if judges is None and len(task.rows) >= _FEW:  # labels that come once are on one side: fewer may be held out
        share = max(task.spec.held_out, 1.2 * _LEAST_HELD_OUT / len(task.rows))
        some, held_out = data.split(task.rows, share, task.recipe.seed)
        if len(held_out) >= _LEAST_HELD_OUT:
            rest, judges, kind = some, held_out, "held-out new pictures"
    if judges is not None:
        fitted = _tuned(tuning, _LAST, rest)
        after = measure(fitted.net, judges, task.recipe, device)[1]
        base = None if before is None else measure(before, judges, task.recipe, device)[1]
        return fitted, rest, judges, Judged(len(judges), base, after), f"{len(judges)} {kind}"
    right = was_right = 0.0
    for number, (rest, part) in enumerate(data.folds(task.rows, _FOLDS, task.recipe.seed), start=1):
        fold = _tuned(tuning, f"fold {number}", rest)
        right += len(part) * measure(fold.net, part, task.recipe, device)[1]
        if before is not None:
            was_right += len(part) * measure(before, part, task.recipe, device)[1]
    count = len(task.rows)
    fitted = _tuned(tuning, _LAST, task.rows)
    judged = Judged(count, None if before is None else round(was_right) / count, round(right) / count)
    return fitted, task.rows, task.rows, judged, f"{count} new pictures in {_FOLDS} folds"


def _tuned(tuning: _Tuning, name: str, rows: Rows) -> Fitted:
    try:
        return _learned(tuning, name, rows)
    except CheckpointRejected:
        if not tuning.forgiving:
            raise
        tuning.report.note(f"{name}: began anew, because the checkpoint of an earlier attempt is of no use")
        (tuning.checkpoints / f"{name}.pt").unlink()
        return _learned(tuning, name, rows)


def _learned(tuning: _Tuning, name: str, rows: Rows) -> Fitted:
    task = tuning.task
    net = _started(task)
    replay, taught = None, None
    if task.known is not None and task.spec.replay_rows:
        replay = reminders(task.known, task.base)
        taught = teacher(rebuild(task.base), task.recipe.input, tuning.run.device) if task.spec.distil else None
    if task.new_labels:
        torch.manual_seed(task.recipe.seed)
        head = net.get_submodule("head")
        assert isinstance(head, nn.Linear), "every net of the catalog ends in one"
        net.head = nn.Linear(head.in_features, len(task.labels))
    return learn(
        name, task.recipe, repeated(rows, task.spec.epoch_rows if name == _LAST else 0), len(task.labels),
        tuning.run, tuning.report, folder=tuning.checkpoints, net=net, replay=replay, replay_rows=task.spec.replay_rows,
        taught_by=taught, distil=task.spec.distil,
    )  # fmt: skip


def _started(task: Task) -> nn.Module:
    """The base's net, with the dropout that the fine-tuning wants where the net has any."""
    spec = task.recipe.net
    if "dropout" in options(spec.name):
        spec = dataclasses.replace(spec, options={**spec.options, "dropout": task.spec.dropout})
    net = skeleton(spec, task.recipe.input, len(task.base.manifest.labels))
    net.load_state_dict(rebuild(task.base).state_dict())
    return net


def _sample(task: Task, rest: Rows) -> Tensor:
    """What the version will be asked to read: the new pictures, and as many of the base's kind."""
    if task.known is None:
        return rest.pictures
    both = torch.cat([rest.pictures, task.known.train.pictures[: len(rest)]])
    return both[torch.randperm(len(both), generator=torch.Generator().manual_seed(task.recipe.seed))]


def _inherited(base: Version) -> Calibration:
    calibration = base.manifest.calibration
    return dataclasses.replace(calibration, fitted_on=f"as {base.ref}: {calibration.fitted_on}"[:500])
