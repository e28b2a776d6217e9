"""Every code that an answer can have, the one list: docs/codes.md shows it, and each operation names its own."""

from collections.abc import Iterable, Mapping
from functools import cache

from app.web.openapi.codes import data_sets, door, jobs, kept, pictures, v2
from app.web.openapi.codes.code import Code, Codes

# By what they are about, as docs/codes.md shows them. A new group comes here.
SECTIONS: Mapping[str, tuple[Codes, ...]] = {
    "Any request": (
        door.WIRE, door.DOOR, door.KEY, door.SCOPE, door.ROUTE, door.ADDRESS, door.VALUES, door.KIND,
    ),
    "JSON and forms": (door.JSON, door.FORM, door.TEXTS, door.ONE_FILE),
    "Pictures": (pictures.PICTURE, pictures.QUEUE, pictures.MANY, pictures.WRITING, pictures.ENCODED),
    "Data sets": (data_sets.ARCHIVE, data_sets.DATA_SET, kept.FILE, kept.UPLOAD, kept.NEEDED),
    "Rows of a data set": (data_sets.ROWS,),
    "Tensors": (v2.NAME, v2.TENSORS, v2.EXTENSIONS),
    "Models": (kept.VERSION, kept.LOADING, kept.ALIASES, kept.STORE, kept.SHADOW, kept.COMPARED),
    "Corrections and pictures that wait": (kept.LABEL, kept.CORRECTION, kept.CORRECTIONS, kept.WAITING),
    "Jobs": (jobs.JOB, jobs.PAGE, jobs.MAKING, jobs.FILTER, jobs.MOVING, jobs.STREAM),
    "Why a job failed": (jobs.FAILED,),
    "The database and disks": (kept.DATABASE, kept.FULL, kept.AUDIT),
}  # fmt: skip


@cache
def known() -> Mapping[str, tuple[Code, ...]]:
    """Every code with what is known of it, once for each status."""
    found: dict[str, dict[int, Code]] = {}
    for groups in SECTIONS.values():
        for name, code in _pairs(groups):
            assert found.setdefault(name, {}).setdefault(code.status, code) == code, f"{name} is described in two ways"
    return {name: tuple(by_status.values()) for name, by_status in found.items()}


def _pairs(groups: Iterable[Codes]) -> Iterable[tuple[str, Code]]:
    return (pair for group in groups for pair in group.items())


__all__ = ["SECTIONS", "Code", "Codes", "known"]
