"""A version from scratch: data, loop, calibration, export, evaluation, publish. It knows no command line."""

import dataclasses
import datetime
import json
import platform
from pathlib import Path

import torch
from torch import nn

from models_store.errors import RecipeRejected
from models_store.manifest import Calibration, Candidate, DataFacts, Manifest
from models_store.model import PROBES, Model, agrees, load_fastest, save_probes
from models_store.recipe import Recipe
from models_store.registry import Registry, Version
from training import calibrate, data, draw, evaluate, plots, sources
from training.data import DataSet, Rows
from training.export import FILES, export
from training.loop import Epoch, fit, has_bf16
from training.nets.catalog import build, parameters
from training.report import Report

_SAMPLE_ROWS = 2000  # training pictures that set the int8 ranges
_PROBES_PER_DIGIT = 4


def train(recipe: Recipe, data_folder: Path, registry: Registry, device: torch.device, report: Report) -> Version:
    """Trains by the recipe and publishes the result. Test rows are looked at once, when nothing changes any more.

    Raises BadRef, DataMissing, RecipeRejected, TrainingDiverged; then nothing is published.
    """
    report.stage(f"reading the data set {recipe.data.source}")
    rows = sources.load(recipe.data, data_folder)
    if recipe.calibration.held_out > len(rows.train) // 2:
        raise RecipeRejected(f"calibration.held_out takes more than half of the {len(rows.train)} training pictures.")
    with registry.stage(recipe.publish_to) as folder:  # first: a bad name or a full disk shows before hours of training
        net, epochs = _fitted("training", recipe, rows.train, len(rows.labels), device, report)
        runs = {"training": epochs}
        report.stage("exporting")
        export(net, recipe.input, rows.train.pictures[:_SAMPLE_ROWS], folder)
        draft = _draft(recipe, net, rows, device)
        if recipe.calibration.held_out:
            calibration, runs["calibration"] = _calibrated(recipe, rows, draft, registry, device, report)
            draft = dataclasses.replace(draft, calibration=calibration)
        report.stage("evaluating")
        draft = _with_candidates(folder, draft, rows.test)
        draft = _with_metrics(folder, draft, rows, runs)
        load_fastest(folder, draft.with_files(folder))  # what serving will do: better that it fails here
        version = registry.publish(recipe.publish_to, folder, draft)
    report.result(
        version=version.ref,
        accuracy=version.manifest.metrics["accuracy"],
        parameters=version.manifest.parameters,
        candidates=", ".join(version.manifest.candidates),
        champion=registry.aliases(version.name).get("champion") == version.number,
        folder=str(version.folder),
    )
    return version


def _fitted(
    run: str, recipe: Recipe, rows: Rows, labels: int, device: torch.device, report: Report
) -> tuple[nn.Module, list[Epoch]]:
    torch.manual_seed(recipe.seed)
    net = build(recipe.net, recipe.input, labels)
    epochs: list[Epoch] = []

    def heard(epoch: Epoch) -> None:
        epochs.append(epoch)
        report.epoch(run, epoch)

    return fit(net, rows, recipe.train, recipe.augment, recipe.input, recipe.seed, device, heard), epochs


def _calibrated(
    recipe: Recipe, rows: DataSet, draft: Manifest, registry: Registry, device: torch.device, report: Report
) -> tuple[Calibration, list[Epoch]]:
    """Fits the temperature on a sibling: the same recipe, trained without the rows that it is then asked about.

    The version itself learns from all rows, so nothing that it has not seen is left to fit on.
    """
    rest, held_out = data.hold_out(rows.train, recipe.calibration.held_out, recipe.seed)
    sibling, epochs = _fitted("calibration", recipe, rest, len(rows.labels), device, report)
    with registry.stage(recipe.publish_to) as folder:
        export(sibling, recipe.input, rest.pictures[:_SAMPLE_ROWS], folder)
        result = evaluate.score(Model.load(folder, draft), held_out)
    sentence = f"{len(held_out)} held-out training pictures, read {result.accuracy:.2%} right by a sibling run"
    return calibrate.fit(result, sentence), epochs


def _draft(recipe: Recipe, net: nn.Module, rows: DataSet, device: torch.device) -> Manifest:
    precision = "bfloat16" if has_bf16(device) else "float32"
    return Manifest(
        net=recipe.net.name,
        parameters=parameters(net),
        input=recipe.input,
        labels=rows.labels,
        metrics={},
        data=DataFacts(source=rows.source, sha256=rows.digest(), train_rows=len(rows.train), test_rows=len(rows.test)),
        recipe=recipe,
        created_at=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        made_with={"torch": torch.__version__, "python": platform.python_version(), "precision": precision},
        candidates={name: Candidate(file=file, labels_changed=0, test_rows=0) for name, file in FILES.items()},
    )


def _with_candidates(folder: Path, draft: Manifest, test: Rows) -> Manifest:
    """The draft with those candidates that agree with the plain one on the probes; the others' files go."""
    plain = Model.load(folder, draft)
    probes = draw.units(per_digit=_PROBES_PER_DIGIT, seed=0)
    expected = plain.predict(probes)
    save_probes(probes, expected, folder / PROBES)
    truth = evaluate.score(plain, test)
    kept = {}
    for name, candidate in draft.candidates.items():
        model = Model.load(folder, draft, name)
        if agrees(model.predict(probes), expected):
            changed = evaluate.changed(evaluate.score(model, test), truth)
            kept[name] = dataclasses.replace(candidate, labels_changed=changed, test_rows=len(test))
        else:
            (folder / candidate.file).unlink()
    return dataclasses.replace(draft, candidates=kept)


def _with_metrics(folder: Path, draft: Manifest, rows: DataSet, runs: dict[str, list[Epoch]]) -> Manifest:
    """The draft with its numbers on the test rows; writes the report for people."""
    facts = evaluate.metrics(evaluate.score(Model.load(folder, draft), rows.test), rows.labels)
    report = folder / "report"
    report.mkdir()
    epochs = {name: [dataclasses.asdict(epoch) for epoch in run] for name, run in runs.items()}
    (report / "metrics.json").write_text(json.dumps({**dataclasses.asdict(facts), "runs": epochs}, indent=1) + "\n")
    plots.confusion(facts.confusion, rows.labels, report / "confusion.png")
    plots.curves(runs, report / "curves.png")
    return dataclasses.replace(draft, metrics={"accuracy": facts.accuracy, "nll": facts.nll})
