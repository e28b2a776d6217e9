"""Givers of whose corrections many contradict what the base is sure of: honest ones mostly correct what it doubts.

Of people's corrections one in six or seven contradicts a sure reading (docs/training-log.md); of lies nearly all do.
"""

from collections import defaultdict
from collections.abc import Sequence

import torch

from training.finetune.sift.evidence import LEAST, Evidence, Group

_SHARE = 1 / 3
_LEAST_TOGETHER = 12  # of one label, of givers that have too few by themselves


def contradicting(evidence: Evidence, givers: Sequence[str]) -> list[Group]:
    """A group for each giver of whose rows more than a third contradict sure readings: all of these rows; and for each
    label of whose rows this is so, of all other givers together: those that contradict.

    A giver without a name is nobody: these rows were looked at, or nobody is told from others.
    """
    rows_of: dict[str, list[int]] = defaultdict(list)
    for number, giver in enumerate(givers):
        rows_of[giver].append(number)
    rows_of.pop("", None)
    groups, others = [], []
    for number, rows in enumerate(map(torch.tensor, rows_of.values()), 1):
        against = int(evidence.surely[rows].sum())
        if against >= LEAST and against > _SHARE * len(rows):
            said = f"{against} of {len(rows)} corrections of one giver contradict what the base is sure of"
            groups.append(Group("contradicts", rows, said if len(rows_of) == 1 else f"{said} (giver {number})"))
        else:
            others.append(rows)
    return groups + (_together(evidence, torch.cat(others)) if others else [])


def _together(evidence: Evidence, rows: torch.Tensor) -> list[Group]:
    groups = []
    for label, name in enumerate(evidence.labels):
        given = rows[evidence.rows.labels[rows] == label]
        against = given[evidence.surely[given]]
        if len(against) >= _LEAST_TOGETHER and len(against) > _SHARE * len(given):
            said = f"{len(against)} of {len(given)} corrections to {name} contradict what the base is sure of"
            groups.append(Group("contradicts", against, said))
    return groups
