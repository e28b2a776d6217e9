"""Which new pictures a person should see before they are learned: all the rules of this room, and what they say."""

import dataclasses
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

import torch
from torch import nn

from models_store.errors import DataSetRejected
from models_store.handover import SEEN
from training.data.rows import Rows, join
from training.finetune.replay import reminders
from training.finetune.sift.alike import look_alikes
from training.finetune.sift.evidence import Evidence, Group
from training.finetune.sift.givers import contradicting
from training.finetune.sift.marks import marks
from training.finetune.sift.probe import triggers
from training.finetune.task import LEAST, Task
from training.fit.measure import Reading, reading
from training.learn import Session
from training.publish.weights import rebuild
from training.synthetic.kept import FOLDER

_SURE = 0.95  # calibrated; or the version's own threshold, where that is higher
_AT_ONCE = 500  # pictures
_SHOWN = 3  # groups that a sentence names


def sift(task: Task, session: Session, givers: Mapping[str, str] | None = None) -> Task:
    """The task without the pictures that should be looked at first; says which, and why.

    `givers` has a pseudonym for each picture's stem, where givers can be told apart. A version's new labels mean what
    they are given for, so nothing contradicts its base: nothing is left out. Raises DataSetRejected where too few
    pictures are left.
    """
    if task.new_labels or not task.spec.inspect:
        return task
    given = [_giver(names, givers or {}) for names in task.names]
    seen = torch.tensor([giver == SEEN for giver in given])
    looked = (~seen).nonzero()[:, 0]
    if not len(looked):
        return task
    groups = _groups(task, session, looked, [given[row] or "" for row in looked.tolist()])
    held = torch.zeros(len(task.rows), dtype=torch.bool)
    for group in groups:
        held[looked[group.rows]] = True
    if not held.any():
        return task
    told = [(task.names[int(looked[row])], group) for group in groups for row in group.rows.tolist()]
    session.report.held(
        [{"name": name, "reason": group.reason, "group": group.why} for names, group in told for name in names]
    )
    sentence = _sentence(groups, int(held.sum()), len(held), bool(task.spec.job))
    if len(held) - int(held.sum()) < LEAST:
        raise DataSetRejected("too_few_examples", f"{sentence} Too few others are left to learn from.")
    session.report.note(sentence)
    rest = [names for names, out in zip(task.names, held.tolist(), strict=True) if not out]
    return dataclasses.replace(task, rows=task.rows[~held], names=rest, held=int(held.sum()))


def _groups(task: Task, session: Session, looked: torch.Tensor, givers: Sequence[str]) -> list[Group]:
    """What each rule finds, in the order in which they count: a row is in the first group that has it."""
    base, read = rebuild(task.base).to(session.runtime.device).eval(), reading(task.recipe, session.runtime.device)
    evidence = _evidence(task, session, task.rows[looked], task.rows[~_mask(looked, len(task.rows))], base, read)
    left, found = torch.ones(len(looked), dtype=torch.bool), []

    def take(groups: list[Group]) -> None:
        for group in groups:
            rows = group.rows[left[group.rows]]
            left[rows] = False
            if len(rows):
                found.append(dataclasses.replace(group, rows=rows))

    take(marks(evidence))
    if task.recipe.input.finds_writing:
        rest = left.nonzero()[:, 0]
        take([_of(group, rest) for group in triggers(evidence.only(rest), base, read)])
    take(look_alikes(evidence))
    take(contradicting(evidence, givers))
    return found


def _evidence(task: Task, session: Session, rows: Rows, seen: Rows, base: nn.Module, read: Reading) -> Evidence:
    with torch.no_grad():
        logits = torch.cat([read(base, part).cpu() for part in rows.pictures.split(_AT_ONCE)])
    facts = task.base.manifest
    sure, said = (logits.float() / facts.calibration.temperature).softmax(1).max(1)
    if task.known is None:
        known = rows[said == rows.labels]
    else:
        known = reminders(task.known, task.base, session.registry.root / FOLDER)
    known = join(known, seen)
    return Evidence(rows, said, sure >= max(_SURE, facts.calibration.threshold), facts.labels, known)


def _mask(rows: torch.Tensor, count: int) -> torch.Tensor:
    found = torch.zeros(count, dtype=torch.bool)
    found[rows] = True
    return found


def _of(group: Group, rows: torch.Tensor) -> Group:
    return dataclasses.replace(group, rows=rows[group.rows])


def _giver(names: Sequence[str], givers: Mapping[str, str]) -> str | None:
    """Who gave a picture, or its first copy whose giver is known; None where nobody knows."""
    return next((givers[stem] for name in names if (stem := PurePosixPath(name).stem) in givers), None)


def _sentence(groups: Sequence[Group], held: int, count: int, is_job: bool) -> str:
    counts: Counter[str] = Counter()
    for group in groups:
        counts[group.why] += len(group.rows)
    shown = "; ".join(f"{number:,} {why}" for why, number in counts.most_common(_SHOWN))
    more = f"; and {len(counts) - _SHOWN} more groups" if len(counts) > _SHOWN else ""
    way = 'have the corrections released, or make the job with "inspect": false' if is_job else "pass --trust"
    return (
        f"{held:,} of {count:,} pictures were left out until a person has looked at them: {shown}{more}. "
        f"To learn them all the same, {way}."
    )
