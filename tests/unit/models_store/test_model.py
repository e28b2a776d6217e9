import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch
from numpy.typing import NDArray

from models_store import durable
from models_store.errors import ManifestMismatch, VersionCorrupt
from models_store.files import PROBES, WEIGHTS, read_probes
from models_store.model import BUCKETS, Model, load_fastest, predict_all
from models_store.refs import Ref
from models_store.registry import Registry, Version
from training.nets.catalog import build
from training.publish.candidates import Servable, script
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


def published(registry: Registry, change: Callable[[Path], None]) -> Version:
    """A copy of the shipped version whose files were changed before it was published: its digests are in order."""
    original = registry.resolve(Ref("digits"))
    with registry.stage("digits") as folder:
        for name in original.manifest.files:
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_bytes((original.folder / name).read_bytes())
        change(folder)
        return registry.publish("digits", folder, original.manifest)


def another_model(version: Version) -> bytes:
    torch.manual_seed(99)
    net = build(version.manifest.recipe.net, version.manifest.input, len(version.manifest.labels))
    data: bytes = script(Servable(net, version.manifest.input)).save_to_buffer()
    return data


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


@pytest.mark.parametrize("device", DEVICES)
def test_the_fastest_candidate_gives_the_answers_of_the_plain_one(version: Version, device: str) -> None:
    fastest = load_fastest(version.folder, version.manifest, device)
    assert fastest.candidate in version.manifest.candidates
    pictures, expected = read_probes((version.folder / PROBES).read_bytes())
    assert (fastest.predict(pictures).argmax(1) == expected.argmax(1)).all()
    assert np.abs(fastest.predict(pictures) - expected).max() <= 0.05


@pytest.mark.parametrize("rubbish", [True, False])
def test_a_candidate_that_is_another_model_is_dropped(registry: Registry, digits: Pixels, rubbish: bool) -> None:
    original = registry.resolve(Ref("digits"))

    def change(folder: Path) -> None:
        for file in ("model.bf16.pt", "model.int8.pt"):
            (folder / file).write_bytes(b"no archive" if rubbish else another_model(original))

    tampered = published(registry, change)
    served = load_fastest(tampered.folder, tampered.manifest)
    assert served.candidate == "fp32"
    assert (served.predict(digits) == Model.load(original.folder, original.manifest).predict(digits)).all()


@pytest.mark.parametrize("rubbish", [True, False])
def test_a_version_that_forgot_its_own_answers_is_refused(registry: Registry, rubbish: bool) -> None:
    original = registry.resolve(Ref("digits"))
    data = b"no archive" if rubbish else another_model(original)
    tampered = published(registry, lambda folder: durable.write(folder / "model.pt", data))
    with pytest.raises(ManifestMismatch, match="its own answers"):
        load_fastest(tampered.folder, tampered.manifest)


def test_a_candidate_that_was_the_quickest_before_is_not_compared_again(version: Version) -> None:
    for candidate in ("fp32", "bf16"):
        known = load_fastest(version.folder, version.manifest, known=candidate)
        assert known.candidate == candidate and known.largest_batch == BUCKETS[-1]


@pytest.mark.parametrize("known", ["bf16", "fp64", ""])
def test_one_that_was_and_agrees_no_longer_is_one_of_all(registry: Registry, known: str) -> None:
    original = registry.resolve(Ref("digits"))

    def change(folder: Path) -> None:
        for file in ("model.bf16.pt", "model.int8.pt"):
            (folder / file).write_bytes(another_model(original))

    tampered = published(registry, change)
    assert load_fastest(tampered.folder, tampered.manifest, known=known).candidate == "fp32"


def test_a_flipped_bit_in_any_file_is_refused(version: Version) -> None:
    for name in version.manifest.files:
        path = version.folder / name
        whole = path.read_bytes()
        path.write_bytes(whole[:3000] + bytes([whole[3000] ^ 4]) + whole[3001:])
        with pytest.raises(VersionCorrupt, match=name.replace(".", r"\.")):
            load_fastest(version.folder, version.manifest)
        path.write_bytes(whole)


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
