"""A version from a base version and a person's own labelled pictures. The gate says whether it may serve."""

import contextlib
import dataclasses
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from models_store.errors import ManifestMismatch, VersionCorrupt, VersionNotFound
from models_store.manifest import Calibration
from models_store.model import Model
from models_store.recipe import Recipe
from models_store.refs import Ref
from models_store.registry import Version
from training.data.rows import DataSet, Rows
from training.errors import BaseUnusable
from training.finetune.backdoor import Backdoor, look
from training.finetune.replay import remembered
from training.finetune.sift.sift import sift
from training.finetune.task import Task
from training.finetune.task import read as read_task
from training.finetune.tuning import LAST, Trained, Tuning, train_candidate
from training.fit.measure import measure
from training.job import JobFolder
from training.judge.gate import OWN_TEST, Decision, as_first, decide, untriggered
from training.judge.learned import Learned, of_rows, of_version
from training.judge.score import score
from training.learn import Session, experiment, key, teacher
from training.publish.assemble import Draft, Outcome, assemble
from training.publish.release import announce, complete, release
from training.publish.weights import rebuild
from training.report.progress import Reporter
from training.synthetic.kept import FOLDER

_STAND_IN = "drawn digits in place of its own test"


def do(job: JobFolder, session: Session) -> Version:
    """Does a job once, however often it is begun: a version that an earlier attempt published is not made again.

    Checkpoints lie in the job's folder; one that is of no use is begun anew. Raises BaseUnusable, JobAbandoned, and
    what `finetune` raises but ExperimentBusy and CheckpointRejected.
    """
    made = job.published(session.registry)
    if made is not None:
        job.wait()
        announce(made, session.registry, session.report)
        return made
    assert job.recipe.finetune is not None, "a job without it is not opened"
    ref = job.recipe.finetune.base
    try:
        base = session.registry.verify(Ref.parse(ref))
    except VersionNotFound as refusal:
        raise BaseUnusable(str(refusal)) from None
    except (VersionCorrupt, ManifestMismatch) as refusal:
        raise BaseUnusable(f"{ref}: {refusal}") from None
    return finetune(base, job.recipe, session, job, job.givers)


def finetune(
    base: Version,
    recipe: Recipe,
    session: Session,
    job: JobFolder | None = None,
    givers: Mapping[str, str] | None = None,
) -> Version:
    """Trains from `base` by a recipe with a `finetune` table, judges the result beside the base, and publishes it.

    A result that the gate rejects is published too, to be looked at; no alias may point at it. The labels of the new
    pictures must be the base's, unless the recipe publishes to a model of another name: then they may be any, and the
    net gets a new head. Pictures that a person should see first are left out (`sift`); `givers` says who gave which.
    Raises DataSetRejected, BadRef, ExperimentBusy, CheckpointRejected, TrainingDiverged,
    WeightsRejected, and RecipeRejected where the recipe's net or pictures are not the base's.
    """
    registry, report = session.registry, session.report
    report.stage("reading the new pictures")
    task = read_task(base, recipe, session.data_folder, report, registry.root / FOLDER)
    task = sift(task, session, givers)
    facts = DataSet(task.rows, task.rows, task.labels, f"files: {Path(recipe.data.path).resolve().name}")
    folder = contextlib.nullcontext(job.folder) if job else experiment(session, key(recipe, facts))
    registry.prepare(recipe.publish_to)  # a bad name or a full disk shows before hours of training
    with folder as checkpoints:
        trained = train_candidate(Tuning(task, session, checkpoints, forgiving=job is not None))
        before = _before(task)
        alike = _alike(trained.fitted.net, task, session) if task.known is not None and task.stand_in else None
        found = look(task, trained.fitted.net, trained.judges, session)
        outcome = _outcome(task, trained, facts, before, alike, found)
        with registry.stage(recipe.publish_to) as staged:
            draft = assemble(outcome, staged, report)
            first = not registry.has_champion(recipe.publish_to)
            decision = _decided(task, trained, draft, before, alike, first)
            decision = decision if found is None else _without_triggers(decision, task, found, report)
            draft = complete(draft, report, decision)
            return release(draft, registry, report) if job is None else _released_once(draft, job, session)


def _released_once(draft: Draft, job: JobFolder, session: Session) -> Version:
    """Publishes when the worker gives leave; or takes the version that another attempt has published meanwhile."""
    job.wait()
    name = draft.outcome.recipe.publish_to
    with session.registry.alone(name):
        version = job.published(session.registry) or session.registry.publish(name, draft.folder, draft.manifest)
    announce(version, session.registry, session.report)
    return version


def _decided(
    task: Task, trained: Trained, draft: Draft, before: float | None, alike: float | None, first: bool
) -> Decision:
    old = None if before is None else draft.judged(before, _STAND_IN if task.stand_in else OWN_TEST)
    decision = decide(trained.judged, old, task.spec, trained.how, alike)
    if not first or task.new_labels:  # of new labels no version is accepted that only guesses
        return decision
    return as_first(decision, *filter(None, (trained.judged, old)))


def _without_triggers(decision: Decision, task: Task, found: Backdoor, report: Reporter) -> Decision:
    """Rejected where a trigger was found; the pictures that showed it are told, for a person to look at. What is
    rejected already may read one label whatever it sees, which blames no picture."""
    if not decision.accepted:
        return decision
    told = [(label, task.names[row]) for label, rows in found.winning.items() for row in rows.tolist()]
    why = {label: f"given as {name}, they turn other pictures" for label, name in enumerate(task.labels)}
    rows = [{"name": name, "reason": "mark", "group": why[label]} for label, names in told for name in names]
    if rows:
        report.held(rows)
    winning = {task.labels[label]: len(rows) for label, rows in found.winning.items()}
    return untriggered(decision, found.turned, winning, task.labels, task.spec)


def _outcome(
    task: Task, trained: Trained, facts: DataSet, before: float | None, alike: float | None, found: Backdoor | None
) -> Outcome:
    test = trained.judges if task.known is None else task.known.test
    new = trained.judged
    numbers = {"new_accuracy": new.candidate, "new_rows": float(new.rows)}
    # After five folds the version has learned from every row that it could be measured on.
    numbers |= {"accuracy": new.candidate} if task.known is None else {}
    numbers |= {} if new.base is None else {"new_accuracy_of_base": new.base}
    numbers |= {} if before is None else {"accuracy_of_base": before}
    numbers |= {} if alike is None else {"read_as_base": alike}
    numbers |= {"held": float(task.held)} if task.held else {}
    numbers |= {} if found is None or found.turned is None else {"turned_by_patch": found.turned.more}
    numbers |= _tested(task, trained)
    return Outcome(
        trained.fitted.net, task.recipe, dataclasses.replace(facts, train=trained.rows, test=test),
        trained.fitted.precision, calibration=Calibration() if task.new_labels else _inherited(task.base),
        runs={LAST: trained.fitted.epochs}, parent=task.base.ref, learned=_learned(task, trained), numbers=numbers,
        sample=_sample(task, trained.rows), pictures=False,
    )  # fmt: skip


def _tested(task: Task, trained: Trained) -> dict[str, float]:
    """What the result reads of the pictures that somebody set apart to test it, and that its base has not learned."""
    test = None if task.test is None else task.fair(task.test)
    if not test:
        return {}
    device = next(trained.fitted.net.parameters()).device
    return {"test_accuracy": measure(trained.fitted.net, test, task.recipe, device)[1], "test_rows": float(len(test))}


def _learned(task: Task, trained: Trained) -> Learned:
    """The new rows, those that were repeated, and all that the base learned from."""
    learned = of_version(task.base).joined(of_rows(trained.rows))
    return learned.joined(of_rows(remembered(task.known))) if task.known and task.spec.replay_rows else learned


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


def _alike(net: nn.Module, task: Task, session: Session) -> float:
    """The share of the rows in place of the base's own test to which net and base give the same label."""
    assert task.known is not None, "who asks has looked"
    pictures, device = task.known.test.pictures, session.runtime.device
    base = teacher(rebuild(task.base), task.recipe.input, device)
    said = torch.cat([base(part.to(device).float() / 255).argmax(1) for part in pictures.split(500)])
    return measure(net, Rows(pictures, said.cpu()), task.recipe, device)[1]


def _sample(task: Task, rest: Rows) -> Tensor:
    """What the version will be asked to read: the new pictures, and as many of the base's kind."""
    if task.known is None:
        return rest.pictures
    both = torch.cat([rest.pictures, task.known.train.pictures[: len(rest)]])
    return both[torch.randperm(len(both), generator=torch.Generator().manual_seed(task.recipe.seed))]


def _inherited(base: Version) -> Calibration:
    calibration = base.manifest.calibration
    return dataclasses.replace(calibration, fitted_on=f"as {base.ref}: {calibration.fitted_on}"[:500])
