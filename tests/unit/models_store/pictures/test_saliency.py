"""What speaks for an answer: its sum is what the ink changed, and its colours say for or against."""

import io

import numpy as np
import pytest
from PIL import Image

from models_store.model import Model
from models_store.pictures import saliency
from models_store.refs import Ref
from models_store.registry import Registry
from training.synthetic import strokes

UNITS = strokes.units(per_digit=2, seed=21)


@pytest.fixture
def model(registry: Registry) -> Model:
    version = registry.resolve(Ref("digits"))
    return Model.load(version.folder, version.manifest)


@pytest.fixture
def temperature(registry: Registry) -> float:
    return registry.resolve(Ref("digits")).manifest.calibration.temperature


def against_the_mean(model: Model, pixels: np.ndarray, label: int, temperature: float) -> float:
    """The label's logit less the mean of all: what softmax's logarithms differ by, before the temperature."""
    logs = np.log(model.predict(pixels[None])[0].astype(np.float64))
    return float(temperature * (logs[label] - logs.mean()))


def test_the_sum_is_what_the_ink_has_changed(model: Model, temperature: float) -> None:
    """Completeness, Sundararajan, Taly and Yan 2017 (arXiv:1703.01365), proposition 1."""
    for unit in UNITS:
        label, spoken = model.explain(unit)
        picture, ground = (
            against_the_mean(model, pixels, label, temperature) for pixels in (unit, np.zeros_like(unit))
        )
        assert spoken.sum() == pytest.approx(picture - ground, rel=0.02)


def test_it_is_of_the_label_that_is_answered_and_lies_on_ink_only(model: Model) -> None:
    answers = model.predict(UNITS).argmax(1)
    for unit, answer in zip(UNITS, answers, strict=True):
        before = unit.copy()
        label, spoken = model.explain(unit)
        assert label == answer
        assert spoken.shape == (28, 28) and spoken.dtype == np.float32
        assert (spoken[unit[0] == 0] == 0).all()
        assert spoken.max() > 0
        assert np.array_equal(unit, before)


def test_the_same_picture_is_explained_alike(model: Model) -> None:
    assert np.allclose(model.explain(UNITS[4])[1], model.explain(UNITS[4])[1], atol=1e-5)


def test_an_empty_picture_has_nothing_that_speaks(model: Model) -> None:
    assert not model.explain(np.zeros((1, 28, 28), np.uint8))[1].any()


def opened(data: bytes) -> np.ndarray:
    image = Image.open(io.BytesIO(data))
    assert (image.format, image.mode) == ("PNG", "RGB")
    return np.asarray(image).astype(int)


@pytest.mark.parametrize(("side", "drawn_side"), [(28, 280), (224, 224), (300, 300), (100, 300), (8, 280)])
def test_it_is_drawn_large_enough_to_see(side: int, drawn_side: int) -> None:
    drawn = opened(saliency.drawn(np.zeros((1, side, side), np.uint8), np.zeros((side, side), np.float32)))
    assert drawn.shape == (drawn_side, drawn_side, 3)
    assert (drawn == 255).all()  # where nothing is, paper


def test_a_wide_picture_keeps_its_shape() -> None:
    assert opened(saliency.drawn(np.zeros((3, 20, 70), np.uint8), np.zeros((20, 70), np.float32))).shape == (80, 280, 3)


@pytest.mark.parametrize("channels", [1, 3])
def test_red_speaks_for_it_blue_against_it_and_grey_is_the_ink(channels: int) -> None:
    ink = np.full((channels, 28, 28), 0, np.uint8)
    ink[:, 4:24, 4:24] = 255
    spoken = np.zeros((28, 28), np.float32)
    spoken[4:10, 4:10], spoken[18:24, 18:24] = 2.0, -2.0
    drawn = opened(saliency.drawn(ink, spoken))
    pro, con, neither, paper = (
        drawn[10 * row + 5, 10 * column + 5] for row, column in ((7, 7), (21, 21), (14, 14), (1, 1))
    )
    assert pro[0] > 200 and max(pro[1:]) < 60
    assert con[2] > 190 and max(con[0], con[1]) < 100
    assert neither[0] == neither[1] == neither[2] < 120
    assert (paper == 255).all()


def test_one_strong_pixel_does_not_hide_the_others_and_no_number_breaks_it() -> None:
    ink = np.full((1, 28, 28), 255, np.uint8)
    spoken = np.full((28, 28), 1.0, np.float32)
    spoken[14, 14] = 1e6
    assert opened(saliency.drawn(ink, spoken))[200, 200, 1] <= 255
    for strength in (1e-30, 1e30):
        drawn = opened(saliency.drawn(ink, np.full((28, 28), strength, np.float32)))
        assert (drawn[..., 0] > 60).all()
