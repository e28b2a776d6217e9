"""Stored data sets -> what clients see of them."""

from itertools import islice
from typing import Any

from app.files.schemas import LISTED_LABELS, FileObject, FileReport, ListedFile, ListedReport
from app.files.store import StoredFile


def shown(file: StoredFile) -> FileObject:
    """One data set with all of its labels and its bad rows."""
    return FileObject(report=FileReport.model_validate(file.report), **_facts(file))


def listed(file: StoredFile) -> ListedFile:
    """One data set in a list."""
    few = dict(islice(file.report["per_label"].items(), LISTED_LABELS))
    return ListedFile(report=ListedReport.model_validate({**file.report, "per_label": few}), **_facts(file))


def _facts(file: StoredFile) -> dict[str, Any]:
    names = ("id", "bytes", "filename", "purpose", "sha256")
    return {name: getattr(file, name) for name in names} | {"created_at": int(file.created_at)}
