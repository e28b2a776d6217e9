"""The shapes that `--shapes` draws: what they are, by hands that differ, and the table about them."""

import io

import numpy as np
import pytest
from rich.console import Console

from benchmarks.pictures import shapes
from models_store.refs import Ref
from models_store.registry import Registry
from models_store.shipped_version import SHIPPED


def test_every_shape_is_ink_within_its_bitmap() -> None:
    for _, shape in shapes.SHAPES.values():
        for seed in range(10):
            rng = np.random.default_rng(seed)
            drawn = shapes.bitmap(shape, shapes.Hand.of(rng), rng)
            assert drawn.shape == (112, 112) and drawn.max() == 255
            assert not drawn[[0, -1]].any() and not drawn[:, [0, -1]].any()
            rows, columns = np.flatnonzero(drawn.any(1)), np.flatnonzero(drawn.any(0))
            assert max(np.ptp(rows), np.ptp(columns)) > 0.7 * 112


def test_a_hand_writes_alike_and_hands_differ() -> None:
    _, shape = shapes.SHAPES["7, crossed"]
    one, other = (shapes.Hand.of(np.random.default_rng(seed)) for seed in (1, 2))

    def drawn(hand: shapes.Hand, seed: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
        return shapes.bitmap(shape, hand, np.random.default_rng(seed)).astype(float)

    mine, again, theirs = drawn(one, 5), drawn(one, 6), drawn(other, 5)
    assert 0 < np.abs(mine - again).sum() < np.abs(mine - theirs).sum()


def test_the_table_has_a_line_for_each(monkeypatch: pytest.MonkeyPatch) -> None:
    few = ("1, a stroke", "4, open")
    monkeypatch.setattr(shapes, "SHAPES", {name: shapes.SHAPES[name] for name in few})
    monkeypatch.setattr(shapes, "HANDS", 2)
    monkeypatch.setattr(shapes, "EACH", 2)
    shipped = Registry(SHIPPED)
    console = Console(file=io.StringIO(), width=120)
    shapes.measure(shipped.resolve(Ref("digits", None, shipped.versions("digits")[0])), 7, console)
    told = console.file.getvalue()  # type: ignore[attr-defined]
    lines = [line.split() for line in told.splitlines() if line.strip().startswith(few)]
    assert [" ".join(line).partition(" 4 ")[0] for line in lines] == list(few)
    assert all("100.0%" in line for line in lines), told
