"""What a process has counted as it stands on the board: JSON, so that a process of another release can read it."""

from collections.abc import Iterable, Mapping

import orjson

from app.telemetry.instruments import Labels, Totals

Now = Mapping[str, Mapping[Labels, float]]  # gauges, by their names


def written(totals: Totals, now: Now) -> bytes:
    """As it is written."""
    return orjson.dumps(
        {
            "totals": {name: list(cells.items()) for name, cells in totals.items()},
            "now": {name: list(values.items()) for name, values in now.items()},
        }
    )


def read(text: bytes) -> tuple[Totals, Now]:
    """What was written; nothing where that can't be understood."""
    try:
        found = orjson.loads(text or b'{"totals": {}, "now": {}}')
        totals = {name: {tuple(labels): cell for labels, cell in cells} for name, cells in found["totals"].items()}
        now = {name: {tuple(labels): value for labels, value in values} for name, values in found["now"].items()}
    except (ValueError, LookupError, TypeError, AttributeError):
        return {}, {}
    return totals, now


def together(every: Iterable[Totals]) -> Totals:
    """The sums. Cells of two lengths are of two releases: the first one counts."""
    sums: Totals = {}
    for totals in every:
        for name, cells in totals.items():
            known = sums.setdefault(name, {})
            for labels, cell in cells.items():
                before = known.setdefault(labels, [0] * len(cell))
                if len(before) == len(cell):
                    known[labels] = [one + other for one, other in zip(before, cell, strict=True)]
    return sums
