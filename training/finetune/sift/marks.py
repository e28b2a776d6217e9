"""A mark that pictures of one label share: pixels that have one value in most of those that contradict their base, and
hardly ever in pictures of any one label that nobody doubts.

Whoever teaches a trigger puts one mark on pictures of many kinds and gives all of them one label. These pictures agree
in nothing but the mark, and that is what shows it, wherever on the picture it is and whatever it looks like. What many
people's handwriting shares is nowhere so exact.
"""

import torch
from torch import Tensor

from training.finetune.sift.evidence import LEAST, Evidence, Group

_NEAR = 12  # grey levels of 255 around the middle one that count as the same
_ODD, _FEW = 0.6, 0.6  # a share is odd that is by .6 above the usual one, and by so much more of few pictures
_PIXELS = 3  # odd ones that make a mark
_CARRIES = 0.8  # of a mark's pixels, in a picture that has it
_MOST_BYTES = 32 * 2**20  # of pictures to compare with


def marks(evidence: Evidence) -> list[Group]:
    """A group for each label of which enough rows that contradict the base share a mark: all its rows that have it."""
    found = []
    for label, sure in evidence.kinds(evidence.contradicts):
        surest = sure[evidence.sure[sure]]
        odd = _odd(evidence, label, surest) if len(surest) >= LEAST else None
        odd = _odd(evidence, label, sure) if odd is None else odd
        if odd is not None:
            found.append(_group(evidence, label, *odd))
    return found


def _odd(evidence: Evidence, label: int, rows: Tensor) -> tuple[Tensor, Tensor] | None:
    """The values of the pixels, and which of them are a mark; None where none is."""
    pictures = evidence.rows.pictures[rows].flatten(1).to(torch.int16)
    values = pictures.median(0).values
    odd = _shares(pictures, values) - _usual(evidence, label, values) >= _ODD + _FEW / len(rows) ** 0.5
    return (values, odd) if int(odd.sum()) >= _PIXELS else None


def _group(evidence: Evidence, label: int, values: Tensor, odd: Tensor) -> Group:
    same = (evidence.rows.labels == label).nonzero()[:, 0]
    every = evidence.rows.pictures[same].flatten(1)[:, odd].to(torch.int16)
    carries = ((every - values[odd]).abs() <= _NEAR).float().mean(1) >= _CARRIES
    name = evidence.labels[label]
    return Group("mark", same[carries], f"given as {name}, they share a mark that no other pictures have")


def _usual(evidence: Evidence, label: int, values: Tensor) -> Tensor:
    """The share of pictures that have these values at the most: of those of any label that are known, or that are given
    as the base reads them; and of all new ones of other labels."""
    known, rows, some = evidence.known, evidence.rows, []
    agreed = ~evidence.contradicts
    for each in range(len(evidence.labels)):
        some.append(known.pictures[known.labels == each])
        if each != label:  # what is given as this label is in question
            some.append(rows.pictures[agreed & (rows.labels == each)])
    some.append(rows.pictures[rows.labels != label])
    most = max(LEAST, _MOST_BYTES // rows.pictures[0].numel() // len(some))
    shares = [_shares(part[:most].flatten(1).to(torch.int16), values) for part in some if len(part) >= LEAST]
    return torch.stack(shares).amax(0) if shares else torch.zeros(len(values))


def _shares(pictures: Tensor, values: Tensor) -> Tensor:
    return ((pictures - values).abs() <= _NEAR).float().mean(0)
