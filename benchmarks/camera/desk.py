"""What lies around and on a sheet: the table, the edges, holes, creases, stains."""

import math

import numpy as np
from numpy.typing import NDArray

from benchmarks.camera import grain
from benchmarks.camera.papers import Ground

Field = NDArray[np.float32]


def lay(page: Field, ground: Ground, size: tuple[float, float], board: bool) -> Field:
    """The sheet of `size` (mm) with what time and a hole punch did to it, on a table. The digit is well inside it."""
    rng = ground.rng
    wide, tall = size if board or rng.random() < 0.75 else size[::-1]
    keep = 0.9 * ground.high
    left, top = (-(keep + rng.beta(2.5, 2.5) * max(0.0, length - 2 * keep)) for length in (wide, tall))
    if not board:
        _age(page, ground, (left, top, wide, tall))
    inside = _rectangle(ground, left, top, wide, tall)
    if inside.min() >= 1:
        return page
    beyond = _frame(ground) if board else _table(ground)
    if not board:
        drop = np.float32(ground.rng.uniform(1, 4))
        shade = np.clip(_within(ground, left, top, wide, tall) / drop + 1, 0, 1)
        beyond *= (1 - np.float32(0.4) * shade * shade)[..., None]
    return page * inside[..., None] + beyond * (1 - inside)[..., None]


def _within(ground: Ground, left: float, top: float, wide: float, tall: float) -> Field:
    """Millimetres from the nearest edge of a rectangle, above 0 inside."""
    across = wide / 2 - np.abs(ground.x - np.float32(left + wide / 2))
    down = tall / 2 - np.abs(ground.y - np.float32(top + tall / 2))
    return np.asarray(np.minimum(across, down), np.float32)


def _rectangle(ground: Ground, left: float, top: float, wide: float, tall: float) -> Field:
    return np.asarray(np.clip(_within(ground, left, top, wide, tall) / ground.px + 0.5, 0, 1), np.float32)


def _age(page: Field, ground: Ground, sheet: tuple[float, float, float, float]) -> None:
    rng, (left, top, wide, tall) = ground.rng, sheet
    if rng.random() < 0.25 and wide > 100 and -left > 1.2 * ground.high + 15:
        for row in (-40, 40):
            away = np.hypot(ground.x - np.float32(left + 12), ground.y - np.float32(top + tall / 2 + row))
            hole = away < 2.8 + ground.px
            page[hole] *= (1 - 0.75 * np.clip((2.8 - away[hole]) / ground.px + 0.5, 0, 1))[:, None]
    if rng.random() < 0.2:
        angle = rng.choice([0, math.pi / 2]) + rng.normal(0, 0.02)
        from_digit = np.float32(rng.uniform(0.8, 3) * ground.high * rng.choice([-1, 1]))
        away = ground.x * np.float32(math.sin(angle)) + ground.y * np.float32(math.cos(angle)) - from_digit
        soft = np.float32(max(0.5, ground.px))
        page *= (
            1
            - rng.uniform(0.02, 0.06) * np.tanh(away / soft / 3)
            - rng.uniform(0.05, 0.2) * np.exp(-np.abs(away) / soft)
        )[..., None].astype(np.float32)
    if rng.random() < 0.15:
        x, y = rng.uniform(-3, 3, 2).astype(np.float32) * np.float32(ground.high)
        reach = rng.uniform(0.6, 2) * ground.high
        spot = np.clip(1.3 - np.hypot(ground.x - x, ground.y - y) / np.float32(reach), 0, 0.5)
        wet = spot > 0
        brown = np.float32(rng.uniform(0.06, 0.2)) * np.array([0.5, 0.8, 1.3], np.float32)
        page[wet] *= 1 - spot[wet][:, None] * brown


def _table(ground: Ground) -> Field:
    """Wood, a plain desk top, a cloth, or the sheet's own pile."""
    rng, kind = ground.rng, int(ground.rng.integers(4))
    if kind == 0:
        tone = np.array([[0.62, 0.44, 0.28], [0.42, 0.28, 0.18], [0.78, 0.63, 0.45]][int(rng.integers(3))])
        angle = rng.uniform(-0.3, 0.3) + rng.choice([0, math.pi / 2])
        turn, lift = np.float32(math.cos(angle)), np.float32(math.sin(angle))
        streaks = grain.laid(
            grain.tile(256, 28, 1.2, rng), ground.x * turn + ground.y * lift, ground.y * turn - ground.x * lift, 1
        )
        return np.asarray((1 + np.float32(0.09) * streaks)[..., None] * (tone**2.2).astype(np.float32), np.float32)
    grey = rng.uniform(0.12, 0.45) if kind < 3 else rng.uniform(0.7, 0.88)
    tone = np.clip(grey * (1 + rng.normal(0, 0.06, 3)), 0.04, 0.95) ** 2.2
    weave = grain.laid(grain.tile(128, 1, 1, rng), ground.x, ground.y, 3) * np.float32(0.08 if kind == 2 else 0.02)
    return np.asarray((1 + weave)[..., None] * tone.astype(np.float32), np.float32)


def _frame(ground: Ground) -> Field:
    """The wall beside a board."""
    tone = np.clip(ground.rng.uniform(0.5, 0.85) * (1 + ground.rng.normal(0, 0.02, 3)), 0, 0.95) ** 2.2
    return np.broadcast_to(tone.astype(np.float32), (*ground.x.shape, 3)).copy()
