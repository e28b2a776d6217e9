import hashlib

import pytest

from models_store.records.sealed import digest, opened, sealed

WHOLE = sealed({"b": 1, "a": "ü"})


def test_the_digest_is_of_all_else_in_one_spelling() -> None:
    body = b'{\n "a": "\\u00fc",\n "b": 1\n}\n'
    assert opened(WHOLE) == {"a": "ü", "b": 1, "digest": hashlib.sha256(body).hexdigest()}
    assert sealed({"digest": "of before", "a": "ü", "b": 1}) == WHOLE
    assert digest({"digest": "of before", "a": "ü", "b": 1}) == hashlib.sha256(body).hexdigest()


@pytest.mark.parametrize("place", range(len(WHOLE)))
def test_one_byte_that_differs_is_noticed(place: int) -> None:
    assert opened(WHOLE[:place] + bytes([WHOLE[place] ^ 4]) + WHOLE[place + 1 :]) is None


@pytest.mark.parametrize("data", [b"", b"[]\n", b"null\n", b"{}", b"[" * 100_000, b'{"a": NaN}', b"\xff", WHOLE[:-1]])
def test_what_is_no_such_document_is_none(data: bytes) -> None:
    assert opened(data) is None
