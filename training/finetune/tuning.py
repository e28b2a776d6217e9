"""Trains the candidate of one fine-tuning, and has pictures judge it that it has not learned from."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from training.data.parts import without
from training.data.rows import Rows, folds, join, split
from training.errors import CheckpointRejected
from training.finetune.replay import reminders, repeated
from training.finetune.task import LEAST, Task
from training.fit.learner import Fitted
from training.fit.material import Distillation, Material, Replay
from training.fit.measure import measure
from training.judge.gate import Judged
from training.judge.score import most_frequent
from training.learn import Session, learn, teacher
from training.nets.catalog import options, skeleton
from training.publish.weights import rebuild
from training.synthetic.kept import FOLDER

_FEW = 50  # new pictures; below, one hold-out of a handful says nothing, so five folds judge in turn
_FOLDS = 5
LAST = "training"  # what is published; folds before it learn for a shorter time, and say no more than is true
_LEAST_HELD_OUT = 10


@dataclass(frozen=True)
class Tuning:
    """A task, and all that its trainings have in common."""

    task: Task
    session: Session
    checkpoints: Path
    forgiving: bool  # a checkpoint that can't be gone on from is begun anew


@dataclass(frozen=True)
class Trained:
    """The candidate, the rows that it learned from, those that judged it, and what they said."""

    fitted: Fitted
    rows: Rows
    judges: Rows
    judged: Judged
    how: str  # the judges were kept apart


def train_candidate(tuning: Tuning) -> Trained:
    """Judges by the task's own judges, by held-out rows, or where there are few rows by folds in turn.

    Rows that the base has learned from judge only where too few others are left.
    """
    task = tuning.task
    if task.judges is not None:
        judges, _ = _fair(tuning, task.judges, "validation pictures")
        return _judged_by(tuning, task.rows, judges, "validation pictures")
    judging, others = _fair(tuning, task.rows, "new pictures")
    if len(judging) >= _FEW:
        share = max(task.spec.held_out, 1.2 * _LEAST_HELD_OUT / len(judging))
        rest, held_out = split(judging, share, task.recipe.seed)
        if len(held_out) >= _LEAST_HELD_OUT:  # labels that come once are on one side: fewer may be held out
            return _judged_by(tuning, join(rest, others), held_out, "held-out new pictures")
    return _judged_in_folds(tuning, judging, others)


def _fair(tuning: Tuning, rows: Rows, kind: str) -> tuple[Rows, Rows]:
    """The rows that may judge, and the others."""
    task = tuning.task
    fair = task.fair(rows)
    known = f"{task.base.ref} has learned from {len(rows) - len(fair):,} of {len(rows):,} {kind}"
    if len(fair) < LEAST:
        tuning.session.report.note(f"{known}: too few others are left to judge, so these judge too, and favour it.")
        return rows, rows[:0]
    if len(fair) < len(rows):
        tuning.session.report.note(f"{known}: only the others judge.")
    return fair, without(rows, fair)


def _judged_by(tuning: Tuning, rows: Rows, judges: Rows, kind: str) -> Trained:
    recipe, device = tuning.task.recipe, tuning.session.runtime.device
    fitted = _tuned(tuning, LAST, rows)
    base = _base(tuning)
    before = None if base is None else measure(base, judges, recipe, device)[1]
    after = measure(fitted.net, judges, recipe, device)[1]
    judged = Judged(len(judges), before, after, guess=most_frequent(judges.labels.numpy()))
    return Trained(fitted, rows, judges, judged, _how(tuning.task, judges, kind))


def _judged_in_folds(tuning: Tuning, judges: Rows, others: Rows) -> Trained:
    """Every judge is left out of one fold; the others are learned in all of them."""
    task, device = tuning.task, tuning.session.runtime.device
    base, right, was_right = _base(tuning), 0.0, 0.0
    for number, (rest, part) in enumerate(folds(judges, _FOLDS, task.recipe.seed), start=1):
        fold = _tuned(tuning, f"fold {number}", join(rest, others))
        right += len(part) * measure(fold.net, part, task.recipe, device)[1]
        if base is not None:
            was_right += len(part) * measure(base, part, task.recipe, device)[1]
    count, fitted = len(judges), _tuned(tuning, LAST, task.rows)
    before = None if base is None else round(was_right) / count
    judged = Judged(count, before, round(right) / count, guess=most_frequent(judges.labels.numpy()))
    return Trained(fitted, task.rows, judges, judged, _how(task, judges, f"new pictures in {_FOLDS} folds"))


def _how(task: Task, judges: Rows, kind: str) -> str:
    """How the judges were kept apart, for the gate's sentence."""
    known = len(judges) - len(task.fair(judges))
    return f"{len(judges)} {kind}" + (f", of which {task.base.ref} has learned from {known}" if known else "")


def _base(tuning: Tuning) -> nn.Module | None:
    """The base's net to compare with; None where it does not have these labels."""
    return None if tuning.task.new_labels else rebuild(tuning.task.base).to(tuning.session.runtime.device)


def _tuned(tuning: Tuning, name: str, rows: Rows) -> Fitted:
    try:
        return _learned(tuning, name, rows)
    except CheckpointRejected:
        if not tuning.forgiving:
            raise
        tuning.session.report.note(f"{name}: began anew, because the checkpoint of an earlier attempt is of no use")
        (tuning.checkpoints / f"{name}.pt").unlink()
        return _learned(tuning, name, rows)


def _learned(tuning: Tuning, name: str, rows: Rows) -> Fitted:
    task, runtime = tuning.task, tuning.session.runtime
    net = _started(task)
    if task.new_labels:
        torch.manual_seed(task.recipe.seed)
        head = net.get_submodule("head")
        assert isinstance(head, nn.Linear), "every net of the catalog ends in one"
        net.head = nn.Linear(head.in_features, len(task.labels))
    rows, drawings = repeated(rows, task.spec.epoch_rows if name == LAST else 0), tuning.session.registry.root / FOLDER
    material = _material(task, rows, runtime.device, drawings)
    return learn(
        name, task.recipe, material, len(task.labels), runtime, tuning.session.report,
        folder=tuning.checkpoints, net=net,
    )  # fmt: skip


def _material(task: Task, rows: Rows, device: torch.device, drawings: Path) -> Material:
    """The new rows; and where there are rows of the base's kind, reminders and what the base says of them."""
    if task.known is None or not task.spec.replay_rows:
        return Material(rows)
    replay = Replay(reminders(task.known, task.base, drawings), task.spec.replay_rows)
    if not task.spec.distil:
        return Material(rows, replay=replay)
    base = teacher(rebuild(task.base), task.recipe.input, device)
    return Material(rows, replay=replay, distillation=Distillation(base, task.spec.distil))


def _started(task: Task) -> nn.Module:
    """The base's net, with the dropout that the fine-tuning wants where the net has any."""
    spec = task.recipe.net
    if "dropout" in options(spec.name):
        spec = dataclasses.replace(spec, options={**spec.options, "dropout": task.spec.dropout})
    net = skeleton(spec, task.recipe.input, len(task.base.manifest.labels))
    net.load_state_dict(rebuild(task.base).state_dict())
    return net
