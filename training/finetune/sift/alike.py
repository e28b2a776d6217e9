"""Look-alikes: one picture many times over, a little changed each time, to teach what one picture could not."""

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, normalize

from training.finetune.sift.evidence import LEAST, Evidence, Group

_ALIKE = 0.95  # cosine of two pictures, laid on each other where they fit best, at least
_CHANCE = 0.999  # and above that of so many pairs of known pictures: many people's ones look like each other too
_SEEN = 28  # pixels of a side at the most, each the mean of those around it
_SHIFTS = range(-2, 3)  # such pixels, in both directions
_MOST, _KNOWN = 512, 200  # pictures that are compared


def look_alikes(evidence: Evidence) -> list[Group]:
    """Groups of rows of one label that contradict what the base is sure of and look like one of them."""
    found: list[Group] = []
    for label, rows in evidence.kinds(evidence.surely):
        for said in torch.unique(evidence.said[rows]).tolist():
            some = rows[evidence.said[rows] == said][:_MOST]
            if len(some) >= LEAST:
                found += _of(evidence, label, some, _usual(evidence, int(said)))
    return found


def _of(evidence: Evidence, label: int, rows: Tensor, usual: float) -> list[Group]:
    near, name = _likeness(evidence.rows.pictures[rows]) > usual, evidence.labels[label]
    left = torch.ones(len(rows), dtype=torch.bool)
    found: list[Group] = []
    while True:
        counts = (near & left).sum(1) * left
        most = int(counts.argmax())
        if counts[most] < LEAST:
            return found
        group = near[most] & left
        left &= ~group
        found.append(Group("alike", rows[group], f"given as {name}, they look like one picture ({len(found) + 1})"))


def _usual(evidence: Evidence, said: int) -> float:
    """How much pictures of this label look like each other at the most, where nobody copied any."""
    known = evidence.known.pictures[evidence.known.labels == said][:_KNOWN]
    if len(known) < LEAST:
        return _ALIKE
    pairs = torch.tril_indices(len(known), len(known), -1)
    return max(_ALIKE, float(_likeness(known)[pairs[0], pairs[1]].quantile(_CHANCE)))


def _likeness(pictures: Tensor) -> Tensor:
    """The cosine of each two pictures, [N, N], of the best of some shifts."""
    step = max(1, pictures.shape[-1] // _SEEN)
    seen = avg_pool2d(pictures.float(), 2 * step + 1, stride=step, padding=step)
    still = _unit(seen)
    best = torch.full((len(pictures), len(pictures)), -1.0)
    for down in _SHIFTS:
        for right in _SHIFTS:
            best = torch.maximum(best, still @ _unit(torch.roll(seen, (down, right), (2, 3))).T)
    return best


def _unit(pictures: Tensor) -> Tensor:
    return normalize((pictures - pictures.mean((1, 2, 3), keepdim=True)).flatten(1))
