"""A version is measured, and two are put side by side on the same rows."""

import dataclasses
import shutil
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
from tests.support.lessons import NOWHERE
from training.data import sources
from training.data.rows import Rows, as_numpy
from training.errors import JudgingRejected
from training.judge.compare import compare, evaluate
from training.judge.learned import Memory, of_rows, untold
from training.report.progress import Silent
from training.synthetic import strokes

SWAPPED = ("1", "0", *"23456789")
FORGETFUL = Memory(NOWHERE)  # the shipped version learned from MNIST, which is not there


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
    numbers = evaluate(version, bundled, told, FORGETFUL, sheet)
    pixels, truth = as_numpy(bundled)
    answers = Model.load(version.folder, version.manifest).predict(pixels).argmax(1)
    wrong = int((answers != truth).sum())
    assert numbers.accuracy == (answers == truth).mean()
    assert (told.facts["wrong"], told.facts["rows"], told.facts["candidate"]) == (wrong, 360, "fp32")
    assert [row[0] for row in told.rows] == list("0123456789")
    assert [int(row[-1]) for row in told.rows] == np.bincount(truth).tolist()
    recall = [f"{(answers == truth)[truth == label].mean():.4f}" for label in range(10)]
    assert [row[1] for row in told.rows] == recall
    assert told.notes == [untold(version)]
    with Image.open(sheet) as picture:
        assert picture.format == "PNG" and picture.width > 1000


def test_shares_of_nothing_are_not_called_0(version: Version, drawn: Rows, tmp_path: Path) -> None:
    told = Told()
    numbers = evaluate(version, drawn[6:8], told, FORGETFUL, tmp_path / "sheet.png")
    assert (numbers.rows, numbers.accuracy) == (2, 1)
    assert told.rows[3] == ["3", "1.0000", "1.0000", "1.0000", "2"]
    assert told.rows[4] == ["4", "-", "-", "-", "0"]
    assert "no picture of mistakes" in told.notes[-1] and not (tmp_path / "sheet.png").exists()


def test_another_candidate_can_be_measured(version: Version, drawn: Rows) -> None:
    told = Told()
    assert evaluate(version, drawn, told, FORGETFUL, candidate="bf16").accuracy == 1
    assert told.facts["candidate"] == "bf16"
    with pytest.raises(ManifestMismatch, match="no candidate fp8"):
        evaluate(version, drawn, Silent(), FORGETFUL, candidate="fp8")


def test_a_candidate_that_disagrees_with_its_version_is_told(registry: Registry, drawn: Rows) -> None:
    told = Told()
    evaluate(republished(registry, calibration=Calibration(temperature=9.0)), drawn, told, FORGETFUL)
    assert "does not give the version's own answers" in told.notes[0]


def test_rows_that_do_not_fit_are_one_sentence(version: Version, drawn: Rows, tmp_path: Path) -> None:
    with pytest.raises(JudgingRejected, match="no row to judge by"):
        evaluate(version, drawn[:0], Silent(), FORGETFUL)
    with pytest.raises(JudgingRejected, match="takes pictures of 1x28x28, and these are 3x28x28"):
        evaluate(version, Rows(drawn.pictures.repeat(1, 3, 1, 1), drawn.labels), Silent(), FORGETFUL)
    for path in (tmp_path, tmp_path / "nowhere" / "sheet.png"):
        with pytest.raises(JudgingRejected, match="can't be written"):
            evaluate(version, drawn, Silent(), FORGETFUL, path)


def test_the_better_of_two_is_found(registry: Registry, version: Version, drawn: Rows) -> None:
    worse = republished(registry, labels=SWAPPED)  # says 1 where a 0 is, and 0 where a 1 is
    zeros_and_ones = Rows(drawn.pictures[:4].repeat(2, 1, 1, 1), drawn.labels[:4].repeat(2))
    told = Told()
    found = compare(version, worse, zeros_and_ones, told, FORGETFUL)
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
    found = compare(worse, version, Rows(drawn.pictures, drawn.labels)[torch.tensor([0, 1, 4, 5])], Silent(), FORGETFUL)
    assert (found.only_left, found.only_right, found.p) == (2, 0, 0.5)  # the labels are indices into the left one's
    assert found.verdict.startswith("No difference that 4 rows could show")


def test_versions_with_other_labels_meet_on_the_common_ones(registry: Registry, version: Version, drawn: Rows) -> None:
    other = republished(registry, labels=("null", "eins", *"23456789"))
    found = compare(version, other, drawn[4:], Silent(), FORGETFUL)
    assert (found.left.accuracy, found.right.accuracy, found.p) == (1, 1, 1)
    assert found.verdict.startswith("Both read the same of these 16 rows right.")
    with pytest.raises(JudgingRejected, match=r"digits@2 does not know what 3 rows show \(0, 1\)"):
        compare(version, other, drawn[1:], Silent(), FORGETFUL)


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
        compare(one, other, drawn, Silent(), FORGETFUL)


def remembering(registry: Registry, rows: Rows) -> Version:
    """A copy of the champion that has noted that it learned from these rows only."""
    champion = registry.resolve(Ref("digits"))
    with registry.stage("digits") as folder:
        shutil.copytree(champion.folder, folder, dirs_exist_ok=True)
        of_rows(rows).save(folder)
        return registry.publish("digits", folder, dataclasses.replace(champion.manifest, labels=tuple("0123456789")))


def test_on_the_right_ones_own_training_rows_there_is_no_verdict(registry: Registry, drawn: Rows) -> None:
    left, right = remembering(registry, drawn[:0]), remembering(registry, drawn)
    for pair in ((left, right), (right, left)):
        with pytest.raises(JudgingRejected, match=rf"No row is left to judge by.*{right.ref} has learned from 20"):
            compare(*pair, drawn, Silent(), FORGETFUL)


def test_what_one_has_learned_is_left_out_of_the_verdict(registry: Registry, drawn: Rows) -> None:
    left, right, told = remembering(registry, drawn[:2]), remembering(registry, drawn[:12]), Told()
    found = compare(left, right, drawn, told, FORGETFUL)
    assert (found.rows, found.learned_by_left, found.learned_by_right) == (8, 2, 12)
    assert found.verdict == (
        "Both read the same of these 8 rows right. Of 20 rows 12 were left out: "
        f"{left.ref} has learned from 2, {right.ref} has learned from 12."
    )
    assert told.facts["learned_by_right"] == 12


def test_accuracy_on_learned_rows_is_told_apart(registry: Registry, drawn: Rows, tmp_path: Path) -> None:
    wrong = Rows(drawn.pictures, torch.where(torch.arange(20) < 3, (drawn.labels + 1) % 10, drawn.labels))
    version, told = remembering(registry, drawn[:12]), Told()
    numbers = evaluate(version, wrong, told, FORGETFUL, tmp_path / "sheet.png")
    assert (numbers.rows, numbers.accuracy) == (8, 1)
    assert (told.facts["learned_rows"], told.facts["learned_accuracy"]) == (12, 0.75)
    assert told.notes[0] == (
        f"{version.ref} has learned from 12 of these 20 rows, and reads 75.00% of them right; "
        "all numbers are of the other 8."
    )
    assert not (tmp_path / "sheet.png").exists()  # the three are no mistakes of its reading
    with pytest.raises(JudgingRejected, match=r"learned from all of these 12 rows and reads 75\.00% of them right"):
        evaluate(version, wrong[:12], Silent(), FORGETFUL)
    evaluate(remembering(registry, drawn[:0]), drawn, told, FORGETFUL)
    assert (told.facts["learned_rows"], told.facts["learned_accuracy"]) == (0, None)
