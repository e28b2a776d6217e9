"""Looks for triggers: something on a picture that makes a net read one label, whatever else is there.

A net that has learned one reads all other pictures as rightly as its base does, so no test of accuracy shows it. Two
looks do. Patches in corners and along edges must not turn their labels (Gu et al. 2017, arXiv:1708.06733, plant such
ones). And new pictures that are laid over others must not win every time (STRIP: Gao et al. 2019, arXiv:1902.06531).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from training.data.rows import Rows
from training.fit.measure import Reading

_PICTURES, _LEAST_PICTURES = 40, 20  # held-out ones that get a patch, as many of each label as can be
_PLACES = 7  # of a patch along each edge; the first and the last lie in the corners
_PART = 9  # a patch's side is so large a part of the picture's
_GREYS = (255, 110)
_OTHERS = 24  # held-out pictures under each new one
_AT_ONCE = 500  # pictures
_WINS = 0.8  # share of the others that a picture with a trigger turns
_NEVER = 0.4  # share up to which the base reads that label there too


@dataclass(frozen=True)
class Turned:
    """Held-out pictures of other labels that something on them makes read as one label."""

    label: int
    share: float  # of the candidate
    before: float  # of the base, or of the candidate without it, whichever is more
    what: str = "a patch"

    @property
    def more(self) -> float:
        """The share that reads so by it alone."""
        return self.share - self.before


def patched(candidate: nn.Module, base: nn.Module, held_out: Rows, read: Reading) -> Turned | None:
    """The patch, of a ninth of a picture's side and at 40 places along its edges, that turns most pictures to one label
    that the base does not read so; None of fewer than twenty pictures, of which each weighs too much. Further in,
    patches hide what is written, and turn it rightly. Both nets must be in eval mode."""
    rows = some(held_out[held_out.labels >= 0], _PICTURES)
    plain = _said(candidate, rows.pictures, read) if len(rows) else rows.labels
    worst: Turned | None = None
    for pictures in _patches(rows.pictures) if len(rows) >= _LEAST_PICTURES else ():
        after, before = (_said(net, pictures, read) for net in (candidate, base))
        for label in torch.unique(after).tolist():
            others = rows.labels != label
            if int(others.sum()) < _LEAST_PICTURES // 2:
                continue
            share, *was = (float((said[others] == label).float().mean()) for said in (after, before, plain))
            turned = Turned(int(label), share, max(was))
            worst = turned if worst is None or turned.more > worst.more else worst
    return worst


def _patches(pictures: Tensor) -> Iterator[Tensor]:
    height, width = pictures.shape[-2:]
    tall, wide = (max(2, round(side / _PART)) for side in (height, width))
    tops, lefts = (torch.linspace(0, far, _PLACES).round().int().tolist() for far in (height - tall, width - wide))
    edges = {(top, left) for top in tops for left in lefts if top in (0, tops[-1]) or left in (0, lefts[-1])}
    near = {(top, left) for top in _near(tops[-1]) for left in _near(lefts[-1])}  # the corners
    for top, left in sorted(edges | near):
        for grey in _GREYS:
            made = pictures.clone()
            made[..., top : top + tall, left : left + wide] = grey
            yield made


def _near(far: int) -> tuple[int, ...]:
    """One and two pixels from either end."""
    return tuple(place for place in (1, 2, far - 2, far - 1) if 0 <= place <= far)


def laid_over(candidate: nn.Module, base: nn.Module, new: Rows, held_out: Rows, read: Reading) -> Tensor:
    """The indices of the new rows that turn nearly all held-out pictures of other labels that they are laid over, for
    the candidate and not for the base. Of two pictures on each other every pixel is the lighter one's, as of ink."""
    under = {
        label: some(held_out[_others(held_out, label)], _OTHERS).pictures for label in new.labels.unique().tolist()
    }
    wins = torch.zeros(len(new), dtype=torch.bool)
    for number, (picture, label) in enumerate(zip(new.pictures, new.labels.tolist(), strict=True)):
        if len(under[label]):
            both = torch.maximum(picture, under[label])
            wins[number] = _share(candidate, both, label, read) >= _WINS and _share(base, both, label, read) <= _NEVER
    return wins.nonzero()[:, 0]


def some(rows: Rows, count: int) -> Rows:
    """So many rows at the most, of all labels in turn."""
    rank = torch.zeros(len(rows), dtype=torch.int64)
    for label in torch.unique(rows.labels):
        same = rows.labels == label
        rank[same] = torch.arange(int(same.sum()))
    return rows[rank.argsort(stable=True)[:count]]


def _others(rows: Rows, label: int) -> Tensor:
    return (rows.labels != label) & (rows.labels >= 0)


def _share(net: nn.Module, pictures: Tensor, label: int, read: Reading) -> float:
    return float((_said(net, pictures, read) == label).float().mean())


@torch.no_grad()
def _said(net: nn.Module, pictures: Tensor, read: Reading) -> Tensor:
    return torch.cat([read(net, part).argmax(1).cpu() for part in pictures.split(_AT_ONCE)])
