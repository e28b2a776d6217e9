"""The letters and signs that no one reads as a digit, as strokes of a pen.

A glyph is written as its strokes, divided by `|`: points `x,y` in hundredths of its square, x to the right and y down.
A stroke that begins with `~` is a curve through its points, any other a chain of straight lines.
"""

import itertools
from collections.abc import Mapping
from functools import cache

import numpy as np
from numpy.typing import NDArray

from training.synthetic.strokes import smooth

Stroke = NDArray[np.float64]  # [n, 2] of x and y in 0..1, dense enough to be bent
_STEP = 0.08  # of the square: how far apart the points of a straight line lie

# Not drawn here, because a person may take it for the digit, above all in a slanted or hasty hand.
LOOK_ALIKES: Mapping[str, str] = {
    "0": "OoDQ" + "ΘθΦφΩσ" + "()@",
    "1": "IiljJ" + "ιτ|/\\!",
    "2": "Zz" + "?",
    "3": "Э" + "ζξ}]>",
    "4": "Yyu" + "ΨψЧ",
    "5": "Ss" + "$",
    "6": "bG" + "δб",
    "7": "r" + "Σ",
    "8": "B" + "β&∞",
    "9": "gqa",
}

LETTERS: Mapping[str, str] = {
    "A": "12,95 50,5 88,95 | 26,62 76,62",
    "C": "~86,22 64,5 32,12 14,50 32,90 64,96 88,78",
    "E": "78,8 20,8 20,92 80,92 | 20,50 68,50",
    "F": "78,8 22,8 22,95 | 22,48 66,48",
    "H": "16,5 16,95 | 84,5 84,95 | 16,50 84,50",
    "K": "20,5 20,95 | 80,6 20,55 | 36,44 84,95",
    "L": "18,6 16,94 94,92",
    "M": "10,95 18,6 50,66 82,6 90,95",
    "N": "16,95 18,6 80,94 82,6",
    "P": "22,95 22,6 | ~22,8 60,6 80,26 62,50 22,52",
    "R": "22,95 22,6 | ~22,8 60,6 80,26 62,48 22,50 | 40,50 84,95",
    "T": "8,8 92,8 | 50,8 50,95",
    "U": "~4,5 8,50 22,86 50,95 78,86 92,50 96,5",
    "V": "10,6 50,94 90,6",
    "W": "4,8 26,94 50,30 74,94 96,8",
    "X": "12,8 88,94 | 86,8 14,94",
    "d": "~70,55 45,44 20,60 22,84 46,96 70,80 | 74,4 74,84 86,95",
    "e": "22,64 76,60 | ~76,60 66,38 42,34 22,54 24,82 48,96 78,86",
    "f": "~78,14 60,4 46,18 42,50 42,95 | 18,46 72,42",
    "h": "22,4 22,95 | ~22,60 44,42 66,48 74,70 76,95",
    "k": "24,4 24,95 | 72,42 24,72 | 40,64 76,95",
    "m": "8,40 10,95 | ~10,58 26,42 42,48 46,66 48,95 | ~48,60 66,42 82,48 88,66 90,95",
    "n": "18,40 20,95 | ~20,60 44,42 66,48 76,70 78,95",
    "p": "22,30 22,98 | ~22,40 50,30 76,44 68,68 42,74 22,64",
    "t": "~46,6 46,50 48,84 62,95 82,84 | 18,34 78,30",
    "w": "~8,40 16,84 34,92 48,58 | ~48,58 60,92 80,84 92,40",
    "x": "~12,42 38,50 60,88 90,92 | 86,40 14,95",
    "Γ": "22,95 22,8 82,8",
    "Π": "12,8 88,8 | 24,8 24,95 | 76,8 76,95",
    "Ξ": "14,8 86,8 | 24,50 76,50 | 12,92 88,92",
    "π": "~8,42 24,30 60,34 94,30 | 36,34 28,95 | ~66,34 66,80 76,95 92,86",
    "μ": "20,30 14,100 | ~20,30 22,66 40,78 62,64 | 72,30 70,66 86,78",
    "λ": "~14,8 30,8 44,34 64,70 86,95 | 46,44 12,95",
    "Ж": "8,6 92,94 | 92,6 8,94 | 50,4 50,96",
    "И": "16,6 16,94 82,6 82,94",
    "Ш": "8,8 10,94 90,94 92,8 | 50,8 50,94",
}  # fmt: skip

SIGNS: Mapping[str, str] = {
    "plus": "50,8 50,92 | 8,50 92,50",
    "minus": "5,50 95,50",
    "equal": "8,32 92,32 | 8,70 92,70",
    "unequal": "8,36 92,36 | 8,66 92,66 | 70,6 32,96",
    "divide": "5,50 95,50 | 49,14 52,16 | 49,86 52,84",
    "hash": "32,6 26,94 | 72,6 66,94 | 8,34 94,34 | 6,66 92,66",
    "asterisk": "50,6 50,94 | 12,28 88,72 | 88,28 12,72",
    "arrow right": "5,50 95,50 | 64,22 95,50 64,78",
    "arrow left": "95,50 5,50 | 36,22 5,50 36,78",
    "arrow both ways": "5,50 95,50 | 72,26 95,50 72,74 | 28,26 5,50 28,74",
    "arrow down and right": "8,8 92,92 | 92,44 92,92 44,92",
    "check": "8,56 36,92 94,8",
    "caret": "8,84 50,14 92,84",
    "less": "90,10 10,50 90,90",
    "bracket": "84,6 22,6 22,94 84,94",
    "star": "50,4 78,94 4,38 96,38 22,94 50,4",
    "heart": "~50,30 34,8 12,12 6,36 22,64 50,95 | ~50,30 66,8 88,12 94,36 78,64 50,95",
    "triangle": "50,6 94,92 6,92 50,6",
    "triangle down": "6,8 94,8 50,94 6,8",
    "box": "2,14 98,14 98,86 2,86 2,14",
    "ballot": "8,8 92,8 92,92 8,92 8,8 | 8,8 92,92 | 92,8 8,92",
    "envelope": "4,20 96,20 96,80 4,80 4,20 | 4,20 50,56 96,20",
    "house": "4,92 4,46 50,6 96,46 96,92 4,92",
    "window": "8,8 92,8 92,92 8,92 8,8 | 50,8 50,92 | 8,50 92,50",
    "tally": "10,8 8,92 | 36,6 34,94 | 62,8 62,92 | 90,6 88,94",
    "tally crossed": "16,8 14,92 | 38,6 36,94 | 60,8 60,92 | 82,6 80,94 | 4,76 96,24",
    "figure": "~50,4 38,14 50,26 62,14 50,4 | 50,26 50,62 22,96 | 50,62 78,96 | 14,42 86,42",
}


@cache
def strokes(glyph: str) -> tuple[Stroke, ...]:
    """A glyph of LETTERS or SIGNS, by its text."""
    return tuple(_stroke(part.strip()) for part in glyph.split("|"))


def dense(points: Stroke) -> Stroke:
    """A chain of straight lines with points all along them."""
    pieces = [
        np.linspace(begin, end, max(1, round(float(np.hypot(*(end - begin))) / _STEP)), endpoint=False)
        for begin, end in itertools.pairwise(points)
    ]
    return np.concatenate([*pieces, points[-1:]])


def _stroke(text: str) -> Stroke:
    points = np.array([[float(v) / 100 for v in pair.split(",")] for pair in text.lstrip("~").split()])
    return smooth(points) if text.startswith("~") else dense(points)
