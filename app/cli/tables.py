"""What the command line prints of models, within 80 columns."""

from rich.box import SIMPLE_HEAD
from rich.table import Table

from app.cli.terminal import console, shown
from models_store.errors import StoreError
from models_store.refs import Ref
from models_store.registry import Registry, Version


def print_models(registry: Registry) -> None:
    """A row per version, newest first."""
    table = Table("version", "alias", "net", "parameters", "accuracy", "data", "made (UTC)", box=SIMPLE_HEAD)
    for name in registry.models():
        aliases = registry.aliases(name)
        for number in reversed(registry.versions(name)):
            marks = ", ".join(sorted(alias for alias, target in aliases.items() if target == number))
            try:
                table.add_row(*map(shown, _row(registry.resolve(Ref(name, None, number)), marks)))
            except StoreError:
                table.add_row(f"{name}@{number}", marks, "[red]refused: see digitserve models verify")
    console().print(table)


def print_version(registry: Registry, version: Version) -> None:
    """The facts of one version, a line each."""
    manifest = version.manifest
    aliases = sorted(alias for alias, target in registry.aliases(version.name).items() if target == version.number)
    candidates = (
        f"{name} ({c.labels_changed} of {c.test_rows} labels differ)" for name, c in manifest.candidates.items()
    )
    facts = {
        "version": version.ref,
        "aliases": ", ".join(aliases) or "none",
        "net": f"{manifest.net}, {manifest.parameters:,} parameters",
        "labels": " ".join(manifest.labels),
        "metrics": ", ".join(f"{key} {value:.4f}" for key, value in manifest.metrics.items()),
        "data": f"{manifest.data.source}: {manifest.data.train_rows:,} training rows, sha256 {manifest.data.sha256}",
        "recipe": f"{manifest.recipe.train.epochs} epochs, seed {manifest.recipe.seed}",
        "temperature": f"{manifest.calibration.temperature}, threshold {manifest.calibration.threshold}, "
        f"fitted on {manifest.calibration.fitted_on}",
        "candidates": ", ".join(candidates),
        "parent": manifest.parent or "none",
        "gate": manifest.gate,
        "made": f"{manifest.created_at} with {', '.join(f'{k} {v}' for k, v in manifest.made_with.items())}",
        "files": f"{len(manifest.files)}, {sum(f.size for f in manifest.files.values()) / 2**20:.1f} MiB",
        "digest": manifest.digest,
        "folder": str(version.folder),
    }
    table = Table(box=None, show_header=False)
    for key, value in facts.items():
        table.add_row(f"[bold]{key}", shown(value))
    console().print(table)


def _row(version: Version, marks: str) -> tuple[str, ...]:
    manifest = version.manifest
    accuracy = manifest.metrics.get("accuracy")
    return (
        version.ref,
        marks,
        manifest.net,
        f"{manifest.parameters:,}",
        "" if accuracy is None else f"{accuracy:.2%}",
        manifest.data.source.partition(":")[0],
        manifest.created_at[:10],
    )
