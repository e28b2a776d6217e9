"""What is kept of trying a version's candidates, and what a damaged or unwritable place makes of it."""

import dataclasses
import json
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from app.inference.fastest import KnownFastest
from app.inference.loaded import load
from models_store.manifest import Manifest
from models_store.refs import Ref
from models_store.registry import Registry, Version

DAY = 86_400.0


class Clock:
    now = 1e9

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def version(registry: Registry) -> Version:
    return registry.resolve(Ref("digits"))


@pytest.fixture
def manifest(version: Version) -> Manifest:
    return version.manifest


def test_another_process_knows_it_too(manifest: Manifest, tmp_path: Path) -> None:
    assert KnownFastest(tmp_path, "cpu").get(manifest) is None
    KnownFastest(tmp_path, "cpu").keep(manifest, "bf16")
    assert KnownFastest(tmp_path, "cpu").get(manifest) == "bf16"
    KnownFastest(tmp_path, "cpu").keep(manifest, "int8")
    assert KnownFastest(tmp_path, "cpu").get(manifest) == "int8"


def test_of_another_version_nothing_is_known(manifest: Manifest, tmp_path: Path) -> None:
    known = KnownFastest(tmp_path, "cpu")
    known.keep(manifest, "bf16")
    assert known.get(dataclasses.replace(manifest, digest="0" * 64)) is None


def test_another_torch_has_to_try(manifest: Manifest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known = KnownFastest(tmp_path, "cpu")
    known.keep(manifest, "bf16")
    monkeypatch.setattr("torch.__version__", "99.0")
    assert known.get(manifest) is None


def test_after_a_week_it_is_tried_again(manifest: Manifest, tmp_path: Path) -> None:
    clock = Clock()
    known = KnownFastest(tmp_path, "cpu", clock)
    known.keep(manifest, "bf16")
    clock.now += 6 * DAY
    assert known.get(manifest) == "bf16"
    clock.now += 2 * DAY
    assert known.get(manifest) is None
    clock.now -= 9 * DAY  # a clock that was put back
    assert known.get(manifest) is None


@pytest.mark.parametrize(
    "damage", [b"", b"{", b"[]", b"7", b'{"a": 1}', b'{"a": []}', b"\xff", b"[" * 60_000, b'{"a": ["x", "y"]}']
)
def test_a_damaged_file_is_begun_anew(manifest: Manifest, tmp_path: Path, damage: bytes) -> None:
    (tmp_path / "candidates.json").write_bytes(damage)
    known = KnownFastest(tmp_path, "cpu")
    assert known.get(manifest) is None
    known.keep(manifest, "fp32")
    assert known.get(manifest) == "fp32"


def test_a_folder_that_is_not_there_is_no_error(manifest: Manifest, tmp_path: Path) -> None:
    known = KnownFastest(tmp_path / "none", "cpu")
    known.keep(manifest, "fp32")
    assert known.get(manifest) is None
    assert not (tmp_path / "none").exists()


def test_it_is_the_owners_alone_and_stays_small(manifest: Manifest, tmp_path: Path) -> None:
    clock = Clock()
    known = KnownFastest(tmp_path, "cpu", clock)
    versions = [dataclasses.replace(manifest, digest=f"{number:064}") for number in range(100)]
    for version in versions:
        clock.now += 1
        known.keep(version, "int8")
    (file,) = tmp_path.glob("candidates*")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert len(json.loads(file.read_bytes())) == 64
    assert [known.get(version) for version in versions] == [None] * 36 + ["int8"] * 64


def test_a_start_after_the_first_serves_by_what_was_found(version: Version, tmp_path: Path) -> None:
    known = KnownFastest(tmp_path, "cpu")
    with ThreadPoolExecutor(1) as executor:
        first = load(version, "cpu", executor, 2048, known)
        assert known.get(version.manifest) == first.model.candidate
        before = (tmp_path / "candidates.json").read_bytes()
        assert load(version, "cpu", executor, 2048, known).model.candidate == first.model.candidate
    assert (tmp_path / "candidates.json").read_bytes() == before
