"""Tries out whether pictures that contradict their base teach a trigger: a copy of the base learns a few of them in two
seconds, and what then wins over every picture that it is laid on is one.

This finds marks of any shape, at changing places and of several kinds, which no rule about pixels foresees. What people
write otherwise than the base knows, laid over an 8, is something else each time (docs/training-log.md).
"""

import copy

import torch
from torch import nn
from torch.nn.functional import cross_entropy

from training.data.rows import Rows, join
from training.finetune.sift.evidence import LEAST, Evidence, Group
from training.fit.measure import Reading
from training.judge.trigger import laid_over

_STEPS, _RATE = 60, 1e-3
_NEW, _KNOWN = 24, 40  # of a batch
_FEW, _MOST = 48, 512  # rows of one label that are laid over others, first and where most of the few win
_OF_ALL = 0.5  # of the few; of honest ones up to two in five win


def triggers(evidence: Evidence, base: nn.Module, read: Reading) -> list[Group]:
    """A group for each label of which more than half of the rows that contradict what the base is sure of win over
    other pictures, once they are learned: all its rows that do. `base` is a net in eval mode and stays as it is."""
    kinds = evidence.kinds(evidence.surely)
    known = evidence.known[evidence.known.labels >= 0]
    if not kinds or len(known) < LEAST:
        return []
    taught = _taught(base, evidence.rows[torch.cat([rows for _, rows in kinds])], _beside(evidence, known), read)
    found = []
    for label, rows in kinds:
        few = rows[:_FEW]
        if len(laid_over(taught, base, evidence.rows[few], known, read)) <= _OF_ALL * len(few):
            continue
        every = (evidence.rows.labels == label).nonzero()[:, 0][:_MOST]
        wins = every[laid_over(taught, base, evidence.rows[every], known, read)]
        name = evidence.labels[label]
        found.append(Group("mark", wins, f"given as {name}, they make {name} of every picture that they are laid over"))
    return found


def _beside(evidence: Evidence, known: Rows) -> Rows:
    """What nobody doubts: known pictures, and as many new ones that agree with the base where there are so many."""
    agreed = (~evidence.contradicts).nonzero()[:, 0][: len(known)]
    return join(known, evidence.rows[agreed])


def _taught(base: nn.Module, rows: Rows, known: Rows, read: Reading) -> nn.Module:
    net = copy.deepcopy(base)
    improver = torch.optim.AdamW(net.parameters(), lr=_RATE)
    chance = torch.Generator().manual_seed(0)
    for _ in range(_STEPS):
        some = [part[torch.randint(len(part), (n,), generator=chance)] for part, n in ((rows, _NEW), (known, _KNOWN))]
        batch = join(*some)
        logits = read(net, batch.pictures)
        loss = cross_entropy(logits, batch.labels.to(logits.device))
        improver.zero_grad()
        loss.backward()
        improver.step()
    return net
