"""One candidate, loaded: its answers, its explanations, and what it refuses."""

import dataclasses

import numpy as np
import pytest
import safetensors.torch
import torch
from numpy.typing import NDArray

from models_store.errors import ManifestMismatch, VersionCorrupt
from models_store.files import WEIGHTS
from models_store.model import BUCKETS, Model, predict_all
from models_store.refs import Ref
from models_store.registry import Registry, Version
from training.nets.catalog import build
from training.publish.candidates import Servable
from training.synthetic import strokes

Pixels = NDArray[np.uint8]
COUNTS = (7, 40, *(size for size in BUCKETS if size <= 40))
DEVICES = ("cpu", *(("cuda",) if torch.cuda.is_available() else ()))


@pytest.fixture
def version(registry: Registry) -> Version:
    return registry.resolve(Ref("digits"))


@pytest.fixture(params=DEVICES)
def plain(request: pytest.FixtureRequest, version: Version) -> Model:
    return Model.load(version.folder, version.manifest, device=request.param)


@pytest.fixture
def digits() -> Pixels:
    return strokes.units(per_digit=4, seed=5)


def test_the_rows_are_probabilities(plain: Model, digits: Pixels) -> None:
    probabilities = plain.predict(digits)
    assert probabilities.dtype == np.float32
    assert probabilities.shape == (40, 10)
    assert probabilities.min() >= 0
    assert np.abs(probabilities.sum(1) - 1).max() < 1e-5
    assert plain.predict(digits[:0]).shape == (0, 10)


def test_drawn_digits_are_read(plain: Model, digits: Pixels) -> None:
    assert (plain.predict(digits).argmax(1) == np.repeat(np.arange(10), 4)).mean() > 0.8


def test_a_batch_equals_its_pictures_one_by_one(plain: Model, digits: Pixels) -> None:
    singles = np.concatenate([plain.predict(digits[i : i + 1]) for i in range(len(digits))])
    assert np.abs(plain.predict(digits) - singles).max() < 1e-4
    assert np.abs(predict_all(plain, digits, size=7) - singles).max() < 1e-4


@pytest.mark.parametrize("candidate", ["fp32", "bf16", "int8"])
def test_order_is_kept(version: Version, digits: Pixels, rng: np.random.Generator, candidate: str) -> None:
    model = Model.load(version.folder, version.manifest, candidate)
    order = rng.permutation(len(digits))
    assert np.abs(model.predict(digits[order]) - model.predict(digits)[order]).max() < 1e-4


def test_pictures_need_not_lie_in_one_piece(plain: Model, digits: Pixels) -> None:
    for count in COUNTS:
        turned = np.rot90(digits[:count], 2, (2, 3))
        assert not turned.flags["C_CONTIGUOUS"]
        assert (plain.predict(turned) == plain.predict(turned.copy())).all()


def test_pictures_may_be_read_only(plain: Model, digits: Pixels) -> None:
    for count in COUNTS:
        shared = digits[:count].copy()
        shared.flags.writeable = False
        assert (plain.predict(shared) == plain.predict(digits[:count])).all()
        assert (shared == digits[:count]).all()


def test_pictures_are_left_as_they_are(plain: Model, digits: Pixels) -> None:
    """Also where the batch is one of the sizes that the net sees, and isn't copied."""
    for count in COUNTS:
        given = digits[:count].copy()
        plain.predict(given)
        assert (given == digits[:count]).all()


@pytest.mark.parametrize("shape", [(28, 28), (3, 28, 28), (1, 1, 27, 28), (1, 3, 28, 28), (1, 1, 28, 28, 1)])
def test_another_shape_is_a_bug_of_the_caller(plain: Model, shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="expected uint8"):
        plain.predict(np.zeros(shape, np.uint8))


@pytest.mark.parametrize("kind", [np.float32, np.int64, np.bool_])
def test_another_type_is_a_bug_of_the_caller(plain: Model, kind: type[np.generic]) -> None:
    with pytest.raises(ValueError, match="expected uint8"):
        plain.predict(np.zeros((1, 1, 28, 28), kind))


@pytest.mark.parametrize("factor", [0.5, 2.0])
def test_temperature_changes_how_sure_a_model_is_and_not_what_of(
    version: Version, digits: Pixels, factor: float
) -> None:
    warmer = dataclasses.replace(
        version.manifest.calibration, temperature=factor * version.manifest.calibration.temperature
    )
    before = Model.load(version.folder, version.manifest).predict(digits)
    after = Model.load(version.folder, dataclasses.replace(version.manifest, calibration=warmer)).predict(digits)
    by_hand = before.astype(np.float64) ** (1 / factor)
    assert np.abs(after - by_hand / by_hand.sum(1, keepdims=True)).max() < 1e-4
    assert (after.argmax(1) == before.argmax(1)).all()
    surer = after.max(1).mean() - before.max(1).mean()
    assert surer > 0 if factor < 1 else surer < 0


def test_a_flipped_bit_of_one_candidate_is_refused_when_that_is_loaded(version: Version) -> None:
    path = version.folder / "model.int8.pt"
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(VersionCorrupt):
        Model.load(version.folder, version.manifest, "int8")
    assert Model.load(version.folder, version.manifest, "fp32").labels == version.manifest.labels


def test_an_unknown_candidate_is_refused(version: Version) -> None:
    with pytest.raises(ManifestMismatch, match="no candidate fp64"):
        Model.load(version.folder, version.manifest, "fp64")


def test_the_weights_are_those_of_the_plain_model(version: Version, plain: Model, digits: Pixels) -> None:
    manifest = version.manifest
    net = build(manifest.recipe.net, manifest.input, len(manifest.labels)).eval()
    net.load_state_dict(safetensors.torch.load_file(version.folder / WEIGHTS))
    with torch.inference_mode():
        logits = Servable(net, manifest.input)(torch.from_numpy(digits) / 255)
    probabilities = torch.softmax(logits / manifest.calibration.temperature, 1).numpy()
    assert np.abs(probabilities - plain.predict(digits)).max() < 1e-5
