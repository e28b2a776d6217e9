import dataclasses
import hashlib
import json
from typing import Any

import pytest

from models_store.errors import ManifestMismatch, VersionCorrupt
from models_store.manifest import Manifest
from models_store.records import named_as_first
from models_store.refs import Ref
from models_store.registry import Registry
from models_store.specs import InputSpec, PhotosSpec


@pytest.fixture
def data(registry: Registry) -> bytes:
    return (registry.resolve(Ref("digits")).folder / "manifest.json").read_bytes()


def test_bytes_and_record_say_the_same(data: bytes) -> None:
    manifest = Manifest.from_bytes(data)
    spelled = Manifest.from_bytes(manifest.to_bytes())
    assert dataclasses.replace(spelled, digest=manifest.digest) == manifest  # the digest is of the spelling
    assert Manifest.from_bytes(spelled.to_bytes()) == spelled
    assert Manifest.from_bytes(bytes(bytearray(data))) is manifest  # lists ask again and again
    assert spelled.to_bytes() == manifest.to_bytes()


def test_what_a_manifest_says_is_read_as_it_stands(data: bytes) -> None:
    said, read = json.loads(data), json.loads(json.dumps(named_as_first(Manifest.from_bytes(data))))
    assert said["recipe"]["photos"]["strangers"] > 0, "it is of a release before this name was changed"
    assert _within(said, read)


def _within(said: object, read: object) -> bool:
    """Whether all that was said was read so. What a later release writes besides stands at its default."""
    if isinstance(said, dict) and isinstance(read, dict):
        return all(key in read and _within(value, read[key]) for key, value in said.items())
    return said == read


def test_a_version_of_the_first_release_keeps_its_way_of_preparing(data: bytes) -> None:
    document = json.loads(data)
    for spec in (document["input"], document["recipe"]["input"]):
        spec["preparation"] = "digit"
        spec.pop("writing", None)  # 0.1 had none of these
    document["recipe"].pop("photos", None)
    document["recipe"]["train"].pop("exposure", None)
    old = Manifest.from_bytes(_spelled(document))
    assert old.input == old.recipe.input == InputSpec(preparation="digit")
    assert old.recipe.photos == PhotosSpec()
    assert _within(document, json.loads(old.to_bytes()) | {"digest": document["digest"]})


def _spelled(document: dict[str, Any]) -> bytes:
    """As the first release wrote it: sorted, and with a digest of everything else."""
    del document["digest"]
    text = json.dumps(document, indent=1, sort_keys=True) + "\n"
    document["digest"] = hashlib.sha256(text.encode()).hexdigest()
    return (json.dumps(document, indent=1, sort_keys=True) + "\n").encode()


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
