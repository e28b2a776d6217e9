"""Which candidate serves: the quickest that gives the version's own answers, on this processor and on others."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from models_store import durable
from models_store.errors import ManifestMismatch, VersionCorrupt
from models_store.files import PROBES, Pixels, read_probes
from models_store.manifest import Manifest
from models_store.model import BUCKETS, Model, Processor, agrees, load_fastest
from models_store.refs import Ref
from models_store.registry import Registry, Version
from tests.conftest import republished
from training.nets.catalog import build
from training.publish.candidates import Servable, script
from training.synthetic import strokes

DEVICES = ("cpu", *(("cuda",) if torch.cuda.is_available() else ()))


@pytest.fixture
def version(registry: Registry) -> Version:
    return registry.resolve(Ref("digits"))


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


@pytest.mark.parametrize("labels", [tuple("012345678"), tuple("0123456789x")])
def test_a_net_with_more_or_fewer_outputs_than_labels_is_refused(registry: Registry, labels: tuple[str, ...]) -> None:
    odd, told = republished(registry, labels=labels), list[str]()
    with pytest.raises(ManifestMismatch, match="its own answers"):
        load_fastest(odd.folder, odd.manifest, passed_over=lambda candidate, why: told.append(f"{candidate}: {why}"))
    assert f"fp32: It has 10 outputs for {len(labels)} labels." in told


def test_a_candidate_that_was_the_quickest_before_is_not_compared_again(version: Version) -> None:
    for candidate in ("fp32", "bf16"):
        known = load_fastest(version.folder, version.manifest, known=candidate, clock=lambda: 0.0)
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


ARM = Processor("aarch64", has_vnni=False, engines=("qnnpack", "onednn"))  # what torch's build for it says
MAC = Processor("arm64", has_vnni=False, engines=("qnnpack", "none"))


@pytest.fixture
def engine_as_before() -> Iterator[None]:
    before = torch.backends.quantized.engine
    yield
    torch.backends.quantized.engine = before


@pytest.mark.usefixtures("engine_as_before")
@pytest.mark.parametrize("processor", [ARM, MAC])
def test_a_version_made_on_x86_reads_by_int8_with_the_engine_of_arm64(
    version: Version, digits: Pixels, processor: Processor
) -> None:
    """The shipped one, really computed by qnnpack: torch's build for x86 has it too."""
    pictures, expected = read_probes((version.folder / PROBES).read_bytes())
    model = Model.load(version.folder, version.manifest, "int8", processor=processor)
    assert torch.backends.quantized.engine == "qnnpack"
    assert agrees(model.predict(pictures), expected)
    plain = Model.load(version.folder, version.manifest).predict(digits)
    assert (model.predict(digits).argmax(1) == plain.argmax(1)).mean() >= 0.95  # a wrong packing reads a tenth right


@pytest.mark.usefixtures("engine_as_before")
def test_what_was_the_quickest_on_arm64_serves_there(version: Version) -> None:
    passed: list[tuple[str, str]] = []
    model = load_fastest(
        version.folder, version.manifest, known="int8", processor=ARM, passed_over=lambda *told: passed.append(told)
    )
    assert (model.candidate, passed) == ("int8", [])


@pytest.mark.parametrize(
    ("processor", "why"),
    [
        (Processor("x86_64", has_vnni=False, engines=("qnnpack", "x86")), "no VNNI"),
        (Processor("ppc64le", has_vnni=False, engines=("none",)), "no engine that computes int8 on ppc64le"),
    ],
)
@pytest.mark.parametrize("known", [None, "int8"])
def test_a_processor_that_can_t_compute_int8_serves_another_and_says_why(
    version: Version, processor: Processor, why: str, known: str | None
) -> None:
    passed: dict[str, str] = {}
    model = load_fastest(
        version.folder, version.manifest, known=known, processor=processor, passed_over=passed.__setitem__
    )
    assert model.candidate in {"fp32", "bf16"}
    assert list(passed) == ["int8"] and why in passed["int8"]


def test_a_candidate_that_torch_can_t_read_or_that_answers_otherwise_is_named(registry: Registry) -> None:
    original = registry.resolve(Ref("digits"))

    def change(folder: Path) -> None:
        (folder / "model.bf16.pt").write_bytes(another_model(original))
        (folder / "model.int8.pt").write_bytes(b"no archive")

    tampered, passed = published(registry, change), dict[str, str]()
    load_fastest(tampered.folder, tampered.manifest, processor=ARM, passed_over=passed.__setitem__)
    assert passed == {
        "bf16": "It gives other answers to the probes here.",
        "int8": "torch can't compute it on cpu here.",
    }


class OnFullCard(Manifest):
    """The facts of a version whose modules find no room: what torch raises for that is raised by hand."""

    def read_file(self, folder: Path, name: str) -> bytes:
        if name.endswith(".pt"):
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return super().read_file(folder, name)

    def check_files(self, folder: Path) -> None:
        """All files are as they were published."""


def test_a_card_without_room_is_no_fault_of_the_version(version: Version) -> None:
    with pytest.raises(torch.OutOfMemoryError):
        load_fastest(version.folder, OnFullCard(**vars(version.manifest)))
