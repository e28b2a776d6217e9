"""Judges published versions on labelled rows: one by itself, or two side by side."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from models_store.files import PROBES, read_probes
from models_store.model import PLAIN, Model, agrees, load_fastest
from models_store.registry import Version
from training.data.rows import Rows
from training.errors import JudgingRejected
from training.judge import plots
from training.judge.judges import check_rows, relabelled
from training.judge.learned import Memory, untold
from training.judge.score import Metrics, Score, mcnemar, metrics, score, times, worst
from training.report.progress import Reporter

_WORST = 48  # mistakes on a sheet
_SIGNIFICANT = 0.05  # the usual level (Fisher 1925)
_NAMES = ("recall", "precision", "f1-score")


@dataclass(frozen=True)
class Side:
    """One of two versions: its numbers by the plain candidate, its speed by the fastest one on this machine."""

    ref: str
    accuracy: float
    nll: float
    ece: float
    parameters: int
    bytes: int  # of all files of the version
    fastest: str
    alone_ms: float  # a picture by itself
    batched_ms: float  # a picture of a batch of 64, or of the largest that the version takes


@dataclass(frozen=True)
class Comparison:
    """Two versions on the same rows; `p` is how likely chance alone makes them differ at least as much."""

    left: Side
    right: Side
    rows: int  # that neither has learned from
    learned_by_left: int  # of the rows given: left out
    learned_by_right: int
    only_left: int  # rows that only the left one reads right
    only_right: int
    p: float
    verdict: str


def evaluate(
    version: Version,
    rows: Rows,
    report: Reporter,
    memory: Memory,
    mistakes: Path | None = None,
    candidate: str = PLAIN,
) -> Metrics:
    """Tells the version's numbers on the rows, whose labels are indices into its manifest's; those that it has learned
    from, as far as `memory` can tell, are told apart.

    `mistakes`: a PNG to write with the worst mistakes, the most confident first. Raises AssessmentRejected,
    VersionCorrupt, and ManifestMismatch for a candidate that it does not have or this machine cannot run.
    """
    check_rows(version, rows)
    if mistakes is not None and (not mistakes.parent.is_dir() or mistakes.is_dir()):
        raise JudgingRejected(f"{mistakes} can't be written: name a file in a folder that exists.")
    labels = version.manifest.labels
    model = Model.load(version.folder, version.manifest, candidate)
    pictures, expected = read_probes(version.manifest.read_file(version.folder, PROBES))
    if not agrees(model.predict(pictures), expected):
        report.note(f"On this machine {candidate} does not give the version's own answers to its probes.")
    report.stage(f"evaluating {version.ref} on {len(rows)} rows")
    learned, whole = memory.of(version, rows)
    result, remembered = score(model, rows).parts(learned)
    if not len(result.truth):
        raise JudgingRejected(
            f"{version.ref} has learned from all of these {len(rows)} rows and reads {remembered.accuracy:.2%} of them "
            "right, which says how well it remembers: give pictures that it has not learned from."
        )
    if len(remembered.truth):
        report.note(
            f"{version.ref} has learned from {len(remembered.truth)} of these {len(rows)} rows, and reads "
            f"{remembered.accuracy:.2%} of them right; all numbers are of the other {len(result.truth)}."
        )
    if not whole:
        report.note(untold(version))
    numbers = metrics(result, labels)
    report.table(f"{version.ref}, label by label", ["label", *_NAMES, "rows"], _label_cells(numbers))
    if mistakes is not None:
        _draw_worst(result, rows[torch.from_numpy(~learned)], labels, mistakes, report)
    report.result(
        version=version.ref,
        candidate=candidate,
        rows=numbers.rows,
        wrong=int((~result.right).sum()),
        accuracy=numbers.accuracy,
        nll=numbers.nll,
        ece=numbers.ece,
        learned_rows=len(remembered.truth),
        learned_accuracy=remembered.accuracy if len(remembered.truth) else None,
    )
    return numbers


def compare(left: Version, right: Version, rows: Rows, report: Reporter, memory: Memory) -> Comparison:
    """Tells two versions' numbers side by side, and whether one reads better than chance explains. Rows that one of
    them has learned from, as far as `memory` can tell, are left out.

    The rows' labels are indices into the left manifest's. Where the right version has other labels, each answers with
    all of its own, and all rows must show one that both know. Raises AssessmentRejected, VersionCorrupt and
    ManifestMismatch.
    """
    check_rows(left, rows)
    if not left.manifest.input.prepares_as(right.manifest.input):
        raise JudgingRejected(f"{left.ref} and {right.ref} prepare pictures in two ways: evaluate each by itself.")
    rows, left_out = memory.unlearned((left, right), rows)
    check_rows(right, theirs := relabelled(rows, left.manifest.labels, right))
    report.stage(f"comparing {left.ref} and {right.ref} on {len(rows)} rows")
    one, other = (score(Model.load(v.folder, v.manifest), r) for v, r in ((left, rows), (right, theirs)))
    only_left, only_right = int((one.right & ~other.right).sum()), int((~one.right & other.right).sum())
    p = mcnemar(only_left, only_right)
    models = [load_fastest(version.folder, version.manifest) for version in (left, right)]
    left_times, right_times = times(models)
    found = Comparison(
        left=_side(left, one, models[0], left_times),
        right=_side(right, other, models[1], right_times),
        rows=len(rows),
        learned_by_left=left_out.learned[0],
        learned_by_right=left_out.learned[1],
        only_left=only_left,
        only_right=only_right,
        p=p,
        verdict=_verdict(left.ref, right.ref, only_left, only_right, p, len(rows)) + left_out.said,
    )
    report.table(f"{len(rows)} rows", ["", left.ref, right.ref], _cells(found))
    report.result(**dataclasses.asdict(found))
    return found


def _side(version: Version, result: Score, fastest: Model, times: NDArray[np.float64]) -> Side:
    numbers = metrics(result, version.manifest.labels)
    return Side(
        ref=version.ref,
        accuracy=numbers.accuracy,
        nll=numbers.nll,
        ece=numbers.ece,
        parameters=version.manifest.parameters,
        bytes=sum(file.size for file in version.manifest.files.values()),
        fastest=fastest.candidate,
        alone_ms=float(times[0]),
        batched_ms=float(times[1]),
    )


def _cells(found: Comparison) -> list[list[str]]:
    sides = (found.left, found.right)
    return [
        ["accuracy", *(f"{side.accuracy:.4%}" for side in sides)],
        ["read right by it alone", str(found.only_left), str(found.only_right)],
        ["negative log-likelihood", *(f"{side.nll:.5f}" for side in sides)],
        ["calibration error", *(f"{side.ece:.5f}" for side in sides)],
        ["parameters", *(f"{side.parameters:,}" for side in sides)],
        ["bytes on disk", *(f"{side.bytes:,}" for side in sides)],
        ["fastest candidate here", *(side.fastest for side in sides)],
        ["its ms for one picture", *(f"{side.alone_ms:.3f}" for side in sides)],
        ["its ms a picture of many", *(f"{side.batched_ms:.3f}" for side in sides)],
    ]


def _verdict(left: str, right: str, only_left: int, only_right: int, p: float, rows: int) -> str:
    if not only_left + only_right:
        return f"Both read the same of these {rows} rows right."
    if p >= _SIGNIFICANT:
        return f"No difference that {rows} rows could show (McNemar's exact test, p = {p:.2g})."
    better = left if only_left > only_right else right
    return f"{better} is better by more than chance explains (McNemar's exact test, p = {p:.2g})."


def _label_cells(numbers: Metrics) -> list[list[str]]:
    answered = np.sum(numbers.confusion, axis=0)
    cells = []
    for (label, facts), count in zip(numbers.labels.items(), answered, strict=True):
        known = {"recall": facts["support"], "precision": count, "f1-score": facts["support"]}
        told = (f"{facts[name]:.4f}" if known[name] else "-" for name in _NAMES)  # of no rows there is no share
        cells.append([label, *told, f"{facts['support']:.0f}"])
    return cells


def _draw_worst(result: Score, rows: Rows, labels: tuple[str, ...], path: Path, report: Reporter) -> None:
    wrong = worst(result, _WORST)
    if not len(wrong):
        report.note("Every row was read right, so there is no picture of mistakes.")
        return
    captions = [
        f"is {labels[is_]}, read {labels[read]} ({100 * sure:.0f}\u00a0%)"
        for is_, read, sure in zip(result.truth[wrong], result.answers[wrong], result.confidence[wrong], strict=True)
    ]
    plots.mistakes(rows.pictures.numpy()[wrong], captions, path)
