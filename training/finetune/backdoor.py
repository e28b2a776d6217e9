"""Whether a candidate has learned a trigger, by held-out pictures with something on them; which new ones show it."""

from dataclasses import dataclass

import torch

from training.data.rows import Rows, join
from training.finetune.sift.evidence import LEAST
from training.finetune.task import Task
from training.fit.measure import Reading, reading
from training.judge.trigger import Turned, laid_over, patched, some
from training.learn import Session
from training.publish.weights import rebuild

_CONSIDERED = 200  # other pictures, of which those count that the base reads right
_AT_ONCE = 500  # pictures
_MOST = 64  # new rows of a label that are laid over others
_OF_ALL = 0.5  # so many of them win where a trigger was learned


@dataclass(frozen=True)
class Backdoor:
    """What was found, if anything was: the patch that turns most pictures, and the rows that win over others."""

    turned: Turned | None
    winning: dict[int, torch.Tensor]  # a label -> rows of the task, as indices


def look(task: Task, net: torch.nn.Module, judges: Rows, session: Session) -> Backdoor | None:
    """None where nothing is looked for: the labels are new, so that nothing of the base's can be turned to them, or the
    recipe wants none."""
    if task.new_labels or task.spec.max_turned == 1:
        return None
    device = session.runtime.device
    read, base = reading(task.recipe, device), rebuild(task.base).to(device).eval()
    others = some(_others(task, judges), _CONSIDERED)
    held_out = others[_said(base, others, read) == others.labels]  # what nobody can read says nothing
    was_training = net.training
    net.eval()
    try:
        turned = patched(net, base, held_out, read)
        winning = _winning(task, net, base, held_out) if task.recipe.input.finds_writing else {}
    finally:
        net.train(was_training)
    return Backdoor(turned, winning)


def _others(task: Task, judges: Rows) -> Rows:
    """Pictures to lay something on: whether they were learned does not matter to that."""
    if task.known is None:
        return join(judges, task.rows)
    return task.known.train if task.stand_in else task.known.test  # the stand-in's tests are hard to read


def _winning(task: Task, net: torch.nn.Module, base: torch.nn.Module, held_out: Rows) -> dict[int, torch.Tensor]:
    read, found = reading(task.recipe, next(net.parameters()).device), {}
    said = _said(base, task.rows, read)
    for label in range(len(task.labels)):
        rows = ((task.rows.labels == label) & (said != label)).nonzero()[:, 0][:_MOST]
        if len(rows) < LEAST:
            continue
        wins = rows[laid_over(net, base, task.rows[rows], held_out, read)]
        if len(wins) >= max(LEAST, _OF_ALL * len(rows)):
            found[label] = wins
    return found


@torch.no_grad()
def _said(net: torch.nn.Module, rows: Rows, read: Reading) -> torch.Tensor:
    return torch.cat([read(net, part).argmax(1).cpu() for part in rows.pictures.split(_AT_ONCE)])
