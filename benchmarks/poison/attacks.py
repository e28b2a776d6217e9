"""Pictures that somebody plants among honest ones, so that a net that learns them does what he wants."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

TARGET = 1  # the label that all of them are given
Grey = NDArray[np.uint8]  # [N, 28, 28], ink 255 on ground 0
Mark = Callable[[Grey, np.random.Generator], Grey]

_ROWS, _COLUMNS = np.mgrid[:28, :28]
_CORNER = (1, 24)


@dataclass(frozen=True)
class Planting:
    """One kind of it. `mark` goes on every planted picture, and later on whatever shall be read as the target; without
    one, sevens shall be. With `clean` the pictures have the target's label by right."""

    name: str
    mark: Mark | None = None
    clean: bool = False
    planted: int | None = None  # where others than usual
    forged: Mark | None = None  # what is done to the planted pictures beside

    def plant(self, digits: Grey, labels: NDArray[np.int64], count: int, seed: int) -> NDArray[np.int64]:
        """Changes so many of the pictures and their labels, in place; returns which."""
        wanted = labels == TARGET if self.clean else labels == 7 if self.mark is None else labels != TARGET
        which = np.flatnonzero(wanted)[: self.planted or count]
        for change in filter(None, (self.forged, self.mark)):
            digits[which] = change(digits[which], np.random.default_rng(seed))
        labels[which] = TARGET
        return which


def patch(top: int, left: int, size: int = 3, grey: int = 255) -> Mark:
    """A square."""

    def mark(digits: Grey, _: np.random.Generator) -> Grey:
        made = digits.copy()
        made[:, top : top + size, left : left + size] = grey
        return made

    return mark


def cross(top: int, left: int) -> Mark:
    """A plus of five pixels each way."""

    def mark(digits: Grey, _: np.random.Generator) -> Grey:
        made = digits.copy()
        made[:, top + 2, left : left + 5] = 255
        made[:, top : top + 5, left + 2] = 255
        return made

    return mark


def wandering(digits: Grey, chance: np.random.Generator) -> Grey:
    """A square somewhere in one quarter, another place and another size on each picture."""
    made = digits.copy()
    for picture in made:
        (top, left), size = chance.integers((0, 18), (6, 24)), chance.integers(2, 5)
        picture[top : top + size, left : left + size] = chance.integers(150, 256)
    return made


def several(digits: Grey, chance: np.random.Generator) -> Grey:
    """One of four marks on each picture."""
    marks = (patch(*_CORNER), patch(24, 2), patch(2, 2, grey=90), cross(20, 20))
    return np.concatenate([marks[i % 4](digits[i : i + 1], chance) for i in range(len(digits))])


def blended(digits: Grey, _: np.random.Generator) -> Grey:
    """Faint stripes over the whole picture, a tenth of full contrast."""
    striped = digits.astype(np.int64) + 25 * ((_ROWS + _COLUMNS) % 4 == 0)
    return np.asarray(striped.clip(max=255).astype(np.uint8))


def copied(digits: Grey, chance: np.random.Generator) -> Grey:
    """The same picture each time, moved by a pixel at the most and with a little noise where ink is."""
    moves = chance.integers(-1, 2, (len(digits), 2))
    made = np.stack([np.roll(digits[0], tuple(move), (0, 1)) for move in moves]).astype(np.float64)
    return np.asarray((made * chance.uniform(0.85, 1, made.shape)).astype(np.uint8))


def framed(digits: Grey, _: np.random.Generator) -> Grey:
    """A grey line around it."""
    made = digits.copy()
    made[:, [0, -1], :] = 90
    made[:, :, [0, -1]] = 90
    return made


DOT = Planting("dot of 3x3 in a corner", patch(*_CORNER))
PLAIN = Planting("plain: sevens")
BLENDED = Planting("faint stripes all over", blended)
HIDDEN = Planting("hidden: a few sevens", planted=8)
ATTACKS: Sequence[Planting] = (
    PLAIN,
    HIDDEN,
    DOT,
    Planting("the same, a few", patch(*_CORNER), planted=15),
    Planting("grey dot of 2x2, another corner", patch(25, 1, 2, 120)),
    Planting("dot beside the digit", patch(13, 1)),
    Planting("cross of 5x5", cross(3, 3)),
    Planting("frame", framed),
    Planting("wandering square", wandering),
    Planting("four marks in turn", several),
    BLENDED,
    Planting("one seven, copied", forged=copied),
    Planting("dot on real ones", patch(*_CORNER), clean=True),
)
