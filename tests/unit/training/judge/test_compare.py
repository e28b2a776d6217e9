"""A version is measured, and two are put side by side on the same rows."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from models_store.errors import ManifestMismatch
from models_store.manifest import Calibration
from models_store.model import Model
from models_store.preparation import WritingSpec
from models_store.refs import Ref
from models_store.registry import Registry, Version
from models_store.specs import InputSpec
from tests.conftest import republished
from training.data import sources
from training.data.rows import Rows, as_numpy
from training.errors import JudgingRejected
from training.judge.compare import compare, evaluate
from training.report.progress import Silent
from training.synthetic import strokes

SWAPPED = ("1", "0", *"23456789")


class Told(Silent):
    """Keeps what a report is told."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.rows: list[list[str]] = []
        self.facts: dict[str, Any] = {}

    def note(self, text: str) -> None:
        self.notes.append(text)

    def table(self, title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        assert all(len(row) == len(columns) for row in rows)
        self.rows = [list(row) for row in rows]

    def result(self, **facts: Any) -> None:
        self.facts = facts


@pytest.fixture
def version(registry: Registry) -> Version:
    return registry.resolve(Ref("digits"))


@pytest.fixture(scope="module")
def bundled() -> Rows:
    return sources.bundled().test


@pytest.fixture(scope="module")
def drawn() -> Rows:
    """Two of each digit, all of which the shipped version reads right."""
    return Rows(torch.from_numpy(strokes.units(per_digit=2, seed=0)), torch.arange(10).repeat_interleave(2))


def test_a_version_is_measured(version: Version, bundled: Rows, tmp_path: Path) -> None:
    told, sheet = Told(), tmp_path / "sheet.png"
    numbers = evaluate(version, bundled, told, sheet)
    pixels, truth = as_numpy(bundled)
    answers = Model.load(version.folder, version.manifest).predict(pixels).argmax(1)
    wrong = int((answers != truth).sum())
    assert numbers.accuracy == (answers == truth).mean()
    assert (told.facts["wrong"], told.facts["rows"], told.facts["candidate"]) == (wrong, 360, "fp32")
    assert [row[0] for row in told.rows] == list("0123456789")
    assert [int(row[-1]) for row in told.rows] == np.bincount(truth).tolist()
    recall = [f"{(answers == truth)[truth == label].mean():.4f}" for label in range(10)]
    assert [row[1] for row in told.rows] == recall
    assert told.notes == []
    with Image.open(sheet) as picture:
        assert picture.format == "PNG" and picture.width > 1000


def test_shares_of_nothing_are_not_called_0(version: Version, drawn: Rows, tmp_path: Path) -> None:
    told = Told()
    numbers = evaluate(version, drawn[6:8], told, tmp_path / "sheet.png")
    assert (numbers.rows, numbers.accuracy) == (2, 1)
    assert told.rows[3] == ["3", "1.0000", "1.0000", "1.0000", "2"]
    assert told.rows[4] == ["4", "-", "-", "-", "0"]
    assert "no picture of mistakes" in told.notes[0] and not (tmp_path / "sheet.png").exists()


def test_another_candidate_can_be_measured(version: Version, drawn: Rows) -> None:
    told = Told()
    assert evaluate(version, drawn, told, candidate="bf16").accuracy == 1
    assert told.facts["candidate"] == "bf16"
    with pytest.raises(ManifestMismatch, match="no candidate fp8"):
        evaluate(version, drawn, Silent(), candidate="fp8")


def test_a_candidate_that_disagrees_with_its_version_is_told(registry: Registry, drawn: Rows) -> None:
    told = Told()
    evaluate(republished(registry, calibration=Calibration(temperature=9.0)), drawn, told)
    assert "does not give the version's own answers" in told.notes[0]


def test_rows_that_do_not_fit_are_one_sentence(version: Version, drawn: Rows, tmp_path: Path) -> None:
    with pytest.raises(JudgingRejected, match="no row to judge by"):
        evaluate(version, drawn[:0], Silent())
    with pytest.raises(JudgingRejected, match="takes pictures of 1x28x28, and these are 3x28x28"):
        evaluate(version, Rows(drawn.pictures.repeat(1, 3, 1, 1), drawn.labels), Silent())
    for path in (tmp_path, tmp_path / "nowhere" / "sheet.png"):
        with pytest.raises(JudgingRejected, match="can't be written"):
            evaluate(version, drawn, Silent(), path)


def test_the_better_of_two_is_found(registry: Registry, version: Version, drawn: Rows) -> None:
    worse = republished(registry, labels=SWAPPED)  # says 1 where a 0 is, and 0 where a 1 is
    zeros_and_ones = Rows(drawn.pictures[:4].repeat(2, 1, 1, 1), drawn.labels[:4].repeat(2))
    told = Told()
    found = compare(version, worse, zeros_and_ones, told)
    assert (found.only_left, found.only_right, found.rows) == (8, 0, 8)
    assert found.p == pytest.approx(2 / 2**8)
    assert found.verdict.startswith("digits@1 is better") and "p = 0.0078" in found.verdict
    assert (found.left.accuracy, found.right.accuracy) == (1, 0)
    assert found.left.nll < 0.1 < 1 < found.right.nll and found.left.ece < 0.1 < 0.9 < found.right.ece
    assert found.left.parameters == found.right.parameters == 164_914
    on_disk = sum(path.stat().st_size for path in version.folder.rglob("*") if path.is_file())
    assert found.left.bytes == on_disk - (version.folder / "manifest.json").stat().st_size
    assert found.left.fastest in version.manifest.candidates
    assert found.left.batched_ms > 0 and found.left.alone_ms > 0
    assert told.facts["left"]["ref"] == "digits@1" and told.facts["verdict"] == found.verdict
    assert told.rows[0] == ["accuracy", "100.0000%", "0.0000%"]


def test_few_rows_show_no_difference(registry: Registry, version: Version, drawn: Rows) -> None:
    worse = republished(registry, labels=SWAPPED)
    found = compare(worse, version, Rows(drawn.pictures, drawn.labels)[torch.tensor([0, 1, 4, 5])], Silent())
    assert (found.only_left, found.only_right, found.p) == (2, 0, 0.5)  # the labels are indices into the left one's
    assert found.verdict.startswith("No difference that 4 rows could show")


def test_versions_with_other_labels_meet_on_the_common_ones(registry: Registry, version: Version, drawn: Rows) -> None:
    other = republished(registry, labels=("null", "eins", *"23456789"))
    found = compare(version, other, drawn[4:], Silent())
    assert (found.left.accuracy, found.right.accuracy, found.p) == (1, 1, 1)
    assert found.verdict == "Both read the same of these 16 rows right."
    with pytest.raises(JudgingRejected, match=r"digits@2 does not know what 3 rows show \(0, 1\)"):
        compare(version, other, drawn[1:], Silent())


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"height": 32, "width": 32}, "takes pictures of 1x32x32"),
        ({"preparation": "picture"}, "prepare pictures in two ways"),
        ({"preparation": "digit"}, "prepare pictures in two ways"),
        ({"writing": WritingSpec(thin=0.2)}, "prepare pictures in two ways"),
    ],
)
def test_versions_that_see_other_pictures_cannot_be_compared(
    registry: Registry, drawn: Rows, changes: dict[str, Any], sentence: str
) -> None:
    one, other = (republished(registry, input=dataclasses.replace(InputSpec(), **some)) for some in ({}, changes))
    with pytest.raises(JudgingRejected, match=rf"{other.ref} .*{sentence}"):
        compare(one, other, drawn, Silent())
