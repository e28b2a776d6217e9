"""What a soak has shown, as one table: a column for each round, a row for each kind of work and of accident."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tests.soak.promises import Found

_COLUMNS = 4  # that fit a terminal of 80


@dataclass(frozen=True)
class Round:
    """One round's name and facts."""

    database: str
    seed: str
    seconds: float
    accidents: Counter[str]
    done: Counter[str]
    later: Counter[str]
    unanswered: int
    attacks: int
    slow: tuple[float, float]  # milliseconds of predictions: p50, p99
    memory: dict[str, int]  # the most megabytes of a process, by role
    trends: Sequence[str]
    found: Found


def lines(rounds: Sequence[Round]) -> list[str]:
    """The table, and what each process held that lived long enough to be judged."""
    told: list[str] = []
    for start in range(0, len(rounds), _COLUMNS):
        told.append("")
        for name, value in _rows(rounds).items():
            told.append(f"{name:27}" + "".join(f"{value(one)!s:>12}" for one in rounds[start : start + _COLUMNS]))
    for one in rounds:
        told += ["", f"{one.database} {one.seed}: what processes held after their first minute", *one.trends]
    return told


def _rows(rounds: Sequence[Round]) -> dict[str, Callable[[Round], object]]:
    roles = sorted({role for one in rounds for role in one.memory})
    return {
        "database": lambda one: one.database,
        "seed": lambda one: one.seed,
        "minutes": lambda one: f"{one.seconds / 60:.1f}",
        **_counts("", rounds, lambda one: one.done),
        "attacks answered": lambda one: one.attacks,
        **_counts("come later: ", rounds, lambda one: one.later),
        "lost with a killed process": lambda one: one.unanswered,
        **_counts("jobs ", rounds, lambda one: one.found.states),
        "attempts": lambda one: one.found.attempts,
        "most epochs repeated": lambda one: one.found.repeated,
        **_counts("accident: ", rounds, lambda one: one.accidents),
        "accidents together": lambda one: one.accidents.total(),
        "ms, p50/p99": lambda one: f"{one.slow[0]:.0f}/{one.slow[1]:.0f}",
        **{f"most MB, {role}": lambda one, role=role: one.memory.get(role, 0) for role in roles},  # type: ignore[misc]
        "BROKEN PROMISES": lambda one: len(one.found.broken),
    }


def _counts(
    before: str, rounds: Sequence[Round], counts: Callable[[Round], Counter[str]]
) -> dict[str, Callable[[Round], object]]:
    """A row for each name that any round has counted."""
    names = sorted({name for one in rounds for name in counts(one)})
    return {f"{before}{name}": lambda one, name=name: counts(one)[name] for name in names}  # type: ignore[misc]
