"""A judged draft -> a published version: its report for people, one rename, and what is said of it."""

import dataclasses
import json
from collections.abc import Mapping

from models_store.manifest import Manifest
from models_store.refs import CHAMPION
from models_store.registry import Registry, Version
from training.judge import plots
from training.judge.gate import Decision
from training.judge.score import metrics
from training.publish.assemble import Draft
from training.publish.candidates import FILES
from training.report.progress import Reporter


def complete(
    draft: Draft, report: Reporter, decision: Decision | None = None, facts: Mapping[str, object] | None = None
) -> Draft:
    """The draft with the gate's decision and its numbers on the test rows; writes the report for people.

    `facts` join its `metrics.json`. Nothing but `release` is missing then.
    """
    manifest = draft.manifest
    if decision is not None:
        report.note(decision.why)
        manifest = dataclasses.replace(manifest, accepted=decision.accepted, gate=decision.why)
    numbers, told = _pictured(draft) if draft.outcome.pictures else _counted(draft)
    runs = {name: [dataclasses.asdict(epoch) for epoch in epochs] for name, epochs in draft.outcome.runs.items()}
    document = json.dumps({**told, **(facts or {}), "runs": runs}, indent=1) + "\n"
    (draft.folder / "report").mkdir(exist_ok=True)
    (draft.folder / "report" / "metrics.json").write_text(document)
    return dataclasses.replace(draft, manifest=dataclasses.replace(manifest, metrics=numbers))


def release(draft: Draft, registry: Registry, report: Reporter) -> Version:
    """Publishes a complete draft under the recipe's name."""
    name = draft.outcome.recipe.publish_to
    with registry.alone(name):
        version = registry.publish(name, draft.folder, draft.manifest)
    announce(version, registry, report)
    return version


def announce(version: Version, registry: Registry, report: Reporter) -> None:
    """Says what was published, and all its numbers to programs."""
    found: Manifest = version.manifest
    report.result(
        version=version.ref,
        accuracy=found.metrics["accuracy"],
        parameters=found.parameters,
        candidates=", ".join(name for name in FILES if name in found.candidates),
        accepted=found.accepted,
        gate=found.gate,
        champion=registry.aliases(version.name).get(CHAMPION) == version.number,
        folder=str(version.folder),
        numbers=dict(found.metrics),
    )


def _counted(draft: Draft) -> tuple[dict[str, float], dict[str, object]]:
    """The manifest's numbers, and the report's: without libraries that take seconds to import."""
    numbers = {"accuracy": draft.read.accuracy, **draft.outcome.numbers}
    return numbers, {"rows": len(draft.read.truth), **numbers}


def _pictured(draft: Draft) -> tuple[dict[str, float], dict[str, object]]:
    """The same with every metric, and drawn."""
    folder, labels, read = draft.folder / "report", draft.outcome.data.labels, draft.read
    folder.mkdir(exist_ok=True)
    measured = metrics(read, labels)
    plots.confusion(measured.confusion, labels, folder / "confusion.png")
    plots.reliability(read.confidence, read.right, folder / "reliability.png")
    if draft.outcome.runs:
        plots.curves(draft.outcome.runs, folder / "curves.png")
    numbers = {"accuracy": measured.accuracy, "nll": measured.nll, "ece": measured.ece, **draft.outcome.numbers}
    return numbers, dataclasses.asdict(measured)
