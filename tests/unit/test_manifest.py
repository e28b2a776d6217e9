import dataclasses
import json

import pytest

from models_store.errors import ManifestMismatch, VersionCorrupt
from models_store.manifest import Manifest
from models_store.refs import Ref
from models_store.registry import Registry


@pytest.fixture
def data(registry: Registry) -> bytes:
    return (registry.resolve(Ref("digits")).folder / "manifest.json").read_bytes()


def test_bytes_and_record_say_the_same(data: bytes) -> None:
    assert Manifest.from_bytes(data).to_bytes() == data


def test_every_flipped_bit_is_noticed(data: bytes) -> None:
    for position in range(len(data)):
        damaged = bytearray(data)
        damaged[position] ^= 1 << position % 8
        with pytest.raises(VersionCorrupt) as refusal:
            Manifest.from_bytes(bytes(damaged))
        assert refusal.value.file == "manifest.json"


def test_another_format_is_a_mismatch_not_damage(data: bytes) -> None:
    other = dataclasses.replace(Manifest.from_bytes(data), format=2)
    with pytest.raises(ManifestMismatch, match="another release"):
        Manifest.from_bytes(other.to_bytes())


@pytest.mark.parametrize("data", [b"", b"[]", b"\xff", b'{"a": 1}\n', b"[" * 100_000])
def test_what_is_no_manifest_is_refused(data: bytes) -> None:
    with pytest.raises((VersionCorrupt, ManifestMismatch)):
        Manifest.from_bytes(data)


def test_the_digest_is_of_everything_else(data: bytes) -> None:
    manifest = Manifest.from_bytes(data)
    other = json.loads(dataclasses.replace(manifest, net="cnn").to_bytes())
    assert other["digest"] != manifest.digest
