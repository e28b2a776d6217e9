"""The example pictures of the documentation: ten, different, the same in every run, and read right."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from models_store.model import Model
from models_store.pictures.prepare import prepare
from models_store.refs import Ref
from models_store.registry import Registry
from tests.conftest import EXAMPLES
from tests.support.layout import Grey
from training.synthetic import examples


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return list(examples.write(tmp_path_factory.mktemp("drawn") / "new" / "folder"))


def levels(path: Path) -> Grey:
    with Image.open(path) as picture:
        assert (picture.format, picture.mode) == ("PNG", "L")
        return np.asarray(picture)


def test_there_is_one_for_each_digit(written: list[Path]) -> None:
    assert [path.name for path in written] == [f"{label}.png" for label in range(10)]
    sizes = {levels(path).shape for path in written}
    assert len(sizes) > 5
    assert all(160 <= height < 300 and 200 <= width < 380 for height, width in sizes)


def test_they_are_the_pictures_of_the_documentation(written: list[Path]) -> None:
    for path in written:
        drawn, shown = (levels(file).astype(int) for file in (path, EXAMPLES / path.name))
        assert drawn.shape == shown.shape
        assert np.abs(drawn - shown).mean() < 2  # another release of OpenCV may round otherwise


def test_two_are_chalk_on_a_board_and_the_others_ink_on_paper(written: list[Path]) -> None:
    light = [float(np.median(levels(path))) for path in written]
    assert [label for label, ground in enumerate(light) if ground < 128] == [4, 9]


def test_the_shipped_version_reads_them_all(written: list[Path], registry: Registry) -> None:
    version = registry.resolve(Ref("digits"))
    pixels = np.stack([prepare(path.read_bytes(), version.manifest.input).pixels for path in written])
    answers = Model.load(version.folder, version.manifest).predict(pixels).argmax(1)
    assert answers.tolist() == list(range(10))
