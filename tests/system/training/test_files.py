"""The same pictures as a folder, a zip, a CSV and a JSONL file; a broken one among them is left out, and said."""

import base64
import json
import zipfile
from pathlib import Path

import pytest
import torch

from models_store.specs import InputSpec
from tests.system.harness import Told, Typed, drawn, published, small_champion
from training.data import sources

LEFT_OUT = "60 of 61 pictures are usable; left out: 1 image_invalid, for example "


@pytest.fixture
def forms(tmp_path: Path) -> dict[str, Path]:
    """Sixty digits and a file that is no picture, in one order, in each form."""
    folder = drawn(tmp_path / "mine", range(10), 6)
    (folder / "3" / "broken.png").write_bytes(b"this was a picture once")
    paths = sorted(folder.rglob("*.png"))
    names = [path.relative_to(folder).as_posix() for path in paths]
    with zipfile.ZipFile(tmp_path / "mine.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for path, name in zip(paths, names, strict=True):
            archive.write(path, f"packed/{name}")
    rows = "".join(f"mine/{name},{name[0]}\n" for name in names)
    (tmp_path / "mine.csv").write_text(f"file,label\n{rows}")
    lines = [{"image": base64.b64encode(path.read_bytes()).decode(), "label": path.parent.name} for path in paths]
    (tmp_path / "mine.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    return {form: tmp_path / f"mine{form}" for form in ("", ".zip", ".csv", ".jsonl")}


def test_one_data_set_in_four_forms_is_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], forms: dict[str, Path]
) -> None:
    rows = [sources.labelled(path, InputSpec(), tuple("0123456789")) for path in forms.values()]
    assert all(torch.equal(one.pictures, rows[0].pictures) and torch.equal(one.labels, rows[0].labels) for one in rows)
    small_champion(tmp_path / "store")
    found = []
    for number, form in enumerate(("", ".jsonl"), start=3):
        told = Typed(capsys)("finetune", "digits@2", "--data", forms[form], "--epochs", "1")
        assert told.result["version"] == f"digits@{number}"
        assert left_out(told).startswith(LEFT_OUT)
        data = published(tmp_path / "store", f"digits@{number}").manifest.data
        # ten judge, and the base's own test gives the version's accuracy
        assert (data.train_rows, data.test_rows, data.source) == (50, 360, f"files: mine{form}")
        found.append(data.sha256)
    assert found[0] == found[1]


@pytest.mark.parametrize(
    ("line", "form"),
    [("train bundled --epochs 1 --held-out 0", ""), ("crossval bundled --epochs 1 --folds 2", ".jsonl")],
)
def test_a_broken_picture_is_left_out_of_training(
    capsys: pytest.CaptureFixture[str], forms: dict[str, Path], line: str, form: str
) -> None:
    told = Typed(capsys)(*line.split(), "--data", forms[form])
    assert told.code == 0, told.error
    where = "line 25: " if form else "3/broken.png: "
    assert left_out(told).startswith(LEFT_OUT + where)


def test_a_broken_picture_judges_nothing(capsys: pytest.CaptureFixture[str], forms: dict[str, Path]) -> None:
    told = Typed(capsys)("evaluate", "digits", "--data", forms[""])
    assert told.result["rows"] == 60
    assert left_out(told).startswith(f"{LEFT_OUT}3/broken.png: ")


def left_out(told: Told) -> str:
    (note,) = (note for note in told.notes if "left out" in note)
    return note
