"""A version from a base version and a person's own labelled pictures. The gate says whether it may serve.

It knows no command line and no job.
"""

import dataclasses
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from models_store.errors import DataSetRejected, RecipeRejected
from models_store.manifest import Calibration
from models_store.model import Model
from models_store.recipe import Recipe
from models_store.registry import Registry, Version
from models_store.specs import FineTuneSpec
from training import data, sources
from training.data import DataSet, Rows
from training.evaluate import score
from training.gate import Decision, Judged, decide
from training.learn import kept, key, learn, teacher
from training.loop import Fitted, Run, measure
from training.nets.catalog import skeleton
from training.publish import Outcome, publish
from training.replay import known
from training.report import Report
from training.weights import rebuild

_FEW = 50  # new pictures; below, one hold-out of a handful says nothing, so five folds judge in turn
_FOLDS = 5
_LEAST_HELD_OUT = 10
_LEAST = 5  # new pictures, of any labels


@dataclass(frozen=True)
class _Task:
    """What is learned, from what, and what must not be forgotten."""

    base: Version
    recipe: Recipe
    spec: FineTuneSpec
    rows: Rows  # the new pictures, all of them
    labels: tuple[str, ...]
    new_labels: bool
    replay: Rows | None  # the base's own training pictures, or others of its kind
    stand_in: bool  # they are others
    test: Rows | None  # and of test pictures


def finetune(
    base: Version, recipe: Recipe, data_folder: Path, registry: Registry, run: Run, report: Report, fresh: bool = False
) -> Version:
    """Trains from `base` by a recipe with a `finetune` table, judges the result beside the base, and publishes it.

    A result that the gate rejects is published too, to be looked at; no alias may point at it. The labels of the new
    pictures must be the base's, unless the recipe publishes to a model of another name: then they may be any, and the
    net gets a new head. Raises DataSetRejected, BadRef, RunBusy, CheckpointRejected, TrainingDiverged, WeightsRejected,
    and RecipeRejected where the recipe's net or pictures are not the base's.
    """
    report.stage("reading the new pictures")
    task = _task(base, recipe, data_folder, report)
    facts = DataSet(task.rows, task.rows, task.labels, f"files: {Path(recipe.data.path).resolve().name}")
    with registry.stage(recipe.publish_to) as folder, kept(registry.root, key(recipe, facts), fresh) as runs:
        fitted, rest, held_out, new, how = _judged(task, run, report, runs)
        before = None if task.test is None else score(Model.load(base.folder, base.manifest), task.test).accuracy
        test = held_out if task.test is None else task.test
        numbers = {"new_accuracy": new.candidate, "new_rows": float(new.rows)}
        # After five folds the version has learned from every row that it could be measured on.
        numbers |= {"accuracy": new.candidate} if task.test is None else {}
        numbers |= {} if new.base is None else {"new_accuracy_of_base": new.base}
        numbers |= {} if before is None else {"accuracy_of_base": before}

        def judge(read: float) -> Decision:
            old = None if before is None else Judged(len(test), before, read)
            return decide(new, old, task.spec, how)

        outcome = Outcome(
            fitted.net, recipe, dataclasses.replace(facts, train=rest, test=test), fitted.precision,
            calibration=Calibration() if task.new_labels else _inherited(base),
            runs={"training": fitted.epochs}, parent=base.ref, judge=judge,
            numbers=numbers, pictures=False, sample=_sample(task, rest),
        )  # fmt: skip
        return publish(outcome, registry, folder, report)


def _task(base: Version, recipe: Recipe, data_folder: Path, report: Report) -> _Task:
    if recipe.finetune is None:
        raise RecipeRejected("Fine-tuning needs the recipe's table finetune: leave it in.")
    if recipe.input != base.manifest.input:
        raise RecipeRejected("A fine-tuned net takes the same pictures as its base: change nothing of input.")
    labels, path, new_labels = base.manifest.labels, Path(recipe.data.path), False
    try:
        rows, found = sources.labelled(path, recipe.input, labels)
    except DataSetRejected as refusal:
        if refusal.code != "label_unknown":
            raise
        if recipe.publish_to == base.name:
            hint = f"{refusal} To teach {base.name} other labels, publish a model of their own: pass --suffix."
            raise DataSetRejected(refusal.code, hint) from None
        whole = sources.files(path, recipe.input, recipe.data.test_share, recipe.seed)
        assert whole.report is not None, "files are always cleaned"
        rows, found, labels, new_labels = data.join(whole.train, whole.test), whole.report, whole.labels, True
    if found.kept < found.rows:
        report.note(str(found))
    if len(rows) < _LEAST:
        raise DataSetRejected(
            "too_few_examples", f"{len(rows)} usable pictures are too few to learn from: give {_LEAST} or more."
        )
    kept_rows = None if new_labels else known(base, data_folder)
    replay, test = (kept_rows.train, kept_rows.test) if kept_rows else (None, None)
    stand_in = kept_rows is not None and kept_rows.source == "bundled" != base.manifest.data.source
    return _Task(base, recipe, recipe.finetune, rows, labels, new_labels, replay, stand_in, test)


def _judged(task: _Task, run: Run, report: Report, runs: Path) -> tuple[Fitted, Rows, Rows, Judged, str]:
    """The candidate, the rows that it learned from, those that judged it, and what they said."""
    before = None if task.new_labels else rebuild(task.base).to(run.device)
    held_out = task.rows[:0]
    if len(task.rows) >= _FEW:  # labels that come once are on one side: fewer may be held out than wanted
        share = max(task.spec.held_out, 1.2 * _LEAST_HELD_OUT / len(task.rows))
        rest, held_out = data.split(task.rows, share, task.recipe.seed)
    if len(held_out) >= _LEAST_HELD_OUT:
        fitted = _tuned(task, "training", rest, run, report, runs)
        after = measure(fitted.net, held_out, task.recipe, run.device)[1]
        base = None if before is None else measure(before, held_out, task.recipe, run.device)[1]
        return fitted, rest, held_out, Judged(len(held_out), base, after), f"{len(held_out)} held-out new pictures"
    right = was_right = 0.0
    for number, (rest, part) in enumerate(data.folds(task.rows, _FOLDS, task.recipe.seed), start=1):
        fold = _tuned(task, f"fold {number}", rest, run, report, runs)
        right += len(part) * measure(fold.net, part, task.recipe, run.device)[1]
        if before is not None:
            was_right += len(part) * measure(before, part, task.recipe, run.device)[1]
    count = len(task.rows)
    fitted = _tuned(task, "training", task.rows, run, report, runs)
    judged = Judged(count, None if before is None else round(was_right) / count, round(right) / count)
    return fitted, task.rows, task.rows, judged, f"{count} new pictures in {_FOLDS} folds"


def _tuned(task: _Task, name: str, rows: Rows, run: Run, report: Report, runs: Path) -> Fitted:
    net = _started(task)
    distil = task.spec.distil if task.stand_in else 0.0
    taught = teacher(rebuild(task.base), task.recipe.input, run.device) if distil else None
    if task.new_labels:
        torch.manual_seed(task.recipe.seed)
        head = net.get_submodule("head")
        assert isinstance(head, nn.Linear), "every net of the catalog ends in one"
        net.head = nn.Linear(head.in_features, len(task.labels))
    return learn(
        name, task.recipe, rows, len(task.labels), run, report, folder=runs, net=net,
        replay=task.replay, replay_rows=task.spec.replay_rows, taught_by=taught, distil=distil,
    )  # fmt: skip


def _started(task: _Task) -> nn.Module:
    """The base's net, with the options of the recipe that starts from it, such as another dropout."""
    net = skeleton(task.recipe.net, task.recipe.input, len(task.base.manifest.labels))
    try:
        net.load_state_dict(rebuild(task.base).state_dict())
    except RuntimeError:
        raise RecipeRejected("A fine-tuned net has its base's shape: change no other net.options.") from None
    return net


def _sample(task: _Task, rest: Rows) -> Tensor:
    """What the version will be asked to read: the new pictures, and as many of the base's kind."""
    if task.replay is None:
        return rest.pictures
    both = torch.cat([rest.pictures, task.replay.pictures[: len(rest)]])
    return both[torch.randperm(len(both), generator=torch.Generator().manual_seed(task.recipe.seed))]


def _inherited(base: Version) -> Calibration:
    calibration = base.manifest.calibration
    return dataclasses.replace(calibration, fitted_on=f"as {base.ref}: {calibration.fitted_on}"[:500])
