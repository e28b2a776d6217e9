"""Keys are random, and nothing else has their form."""

import hashlib

import pytest

from app.web.access.keys import LENGTH, digest, id_of, new, shown


def test_no_two_keys_are_alike_and_each_names_its_id() -> None:
    keys = [new() for _ in range(1000)]
    assert len(set(keys)) == len({id_of(key) for key in keys}) == 1000
    key = keys[0]
    mark, key_id, secret = key.split("_")
    assert (mark, id_of(key), len(bytes.fromhex(secret)), len(key)) == ("ds", key_id, 32, LENGTH)


def test_what_is_kept_is_the_sha256_of_all_of_it() -> None:
    key = new()
    assert digest(key) == hashlib.sha256(key.encode()).hexdigest()
    assert digest(key) != digest(key[:-1] + ("0" if key[-1] != "0" else "1"))


@pytest.mark.parametrize("change", ["", "ds_", "sk-" + "a" * 81, "ds_" + "a" * 81, "ds_" + "_" * 82, "é" * LENGTH])
def test_what_has_another_form_has_no_id(change: str) -> None:
    assert id_of(change) is None


def test_a_key_with_more_or_less_has_no_id() -> None:
    key = new()
    for other in (key[:-1], key + "0", key.upper(), f" {key}", key.replace("_", "-")):
        assert id_of(other) is None


@pytest.mark.parametrize("scheme", [b"Bearer ", b"bearer ", b"BEARER   "])
def test_the_scheme_may_be_written_in_any_way(scheme: bytes) -> None:
    key = new()
    assert shown(scheme + key.encode() + b" ") == key


@pytest.mark.parametrize("value", [b"", b"Bearer", b"Basic eA==", b"Token x", b"Bearer \xff", b"Bearer " + b"a" * 200])
def test_what_can_be_no_key_is_none(value: bytes) -> None:
    assert id_of(shown(value) or "") is None
