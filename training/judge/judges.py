"""The rows that judge a published version: labelled pictures, under its own labels."""

from collections.abc import Sequence
from pathlib import Path

import torch

from models_store.registry import Version
from models_store.specs import DataSpec
from training.data import sources
from training.data.rows import Rows
from training.errors import JudgingRejected
from training.report.progress import Reporter

_SHOWN = 5  # labels that a refusal names


def judging_rows(version: Version, spec: DataSpec | None, data_folder: Path, report: Reporter) -> Rows:
    """The rows to judge a version by, labelled with indices into its manifest's labels.

    They are all of a person's files or the part of them that judges, or the test rows of a data set by name; `None`
    takes the data set that the version learned from. `data_folder` is where MNIST lies.

    Raises DataMissing, DataSetRejected and JudgingRejected.
    """
    if spec is None and version.manifest.recipe.data.source == "files":  # of which only the name is kept
        raise JudgingRejected(f"{version.ref} learned from files of its maker's: pass --data with labelled pictures.")
    spec = spec or version.manifest.recipe.data
    if spec.source == "files":
        return sources.labelled(Path(spec.path), version.manifest.input, version.manifest.labels, report.note)
    data = sources.load(spec, version.manifest.input, data_folder, version.manifest.recipe.seed)
    return relabelled(data.test, data.labels, version)


def check_rows(version: Version, rows: Rows) -> None:
    """Raises JudgingRejected where there are none, or where the version takes other pictures."""
    if not len(rows):
        raise JudgingRejected("There is no row to judge by: give one labelled picture or more.")
    if tuple(rows.pictures.shape[1:]) != version.manifest.input.shape:
        theirs, wanted = (
            "x".join(map(str, shape)) for shape in (rows.pictures.shape[1:], version.manifest.input.shape)
        )
        raise JudgingRejected(f"{version.ref} takes pictures of {wanted}, and these are {theirs}: give others.")


def relabelled(rows: Rows, labels: Sequence[str], version: Version) -> Rows:
    """The rows, whose labels are indices into `labels`, with indices into the version's. Raises JudgingRejected."""
    known = {label: index for index, label in enumerate(version.manifest.labels)}
    unknown = [index for index in rows.labels.unique().tolist() if labels[index] not in known]
    if unknown:
        count = int(torch.isin(rows.labels, torch.tensor(unknown)).sum())
        listed = ", ".join(labels[index] for index in unknown[:_SHOWN]) + (" …" if len(unknown) > _SHOWN else "")
        raise JudgingRejected(f"{version.ref} does not know what {count} rows show ({listed}): leave these out.")
    indices = torch.tensor([known.get(label, -1) for label in labels])
    return Rows(rows.pictures, indices[rows.labels])
