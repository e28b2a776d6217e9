"""base64 in the spellings of other programs, and what is none."""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models_store.datasets.base64_text import decoded
from models_store.datasets.rows import RowRejected


def folded(text: str, width: int, end: str) -> str:
    return end.join(text[n : n + width] for n in range(0, len(text), width))


@given(st.binary(max_size=200), st.sampled_from(["\n", "\r\n", " ", "\t\n "]), st.booleans(), st.booleans())
def test_every_spelling_is_the_same(data: bytes, end: str, is_padded: bool, is_folded: bool) -> None:
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        text = encode(data).decode()
        text = text if is_padded else text.rstrip("=")
        text = folded(text, 20, end) if is_folded else text
        quoted = text.replace("+", "%2B").replace("/", "%2f").replace("=", "%3D")
        for spelled in (
            text,
            f" {text}\n",
            f"data:image/png;base64,{text}",
            f"DATA:;Base64, {text}",
            f"data:;base64,{quoted}",
        ):
            assert decoded(spelled) == data


def test_what_python_writes_itself_is_read() -> None:
    data = bytes(range(256))
    assert decoded(base64.encodebytes(data).decode()) == data
    assert decoded(json.loads(json.dumps(base64.urlsafe_b64encode(data).decode()))) == data


@pytest.mark.parametrize(
    "text",
    ["a", "abcde", "abcd=", "abc==", "YQ=", "%%%%", "a=bc", "YQ==YQ==", "ä", "äöü=", "\ud800", "ab\0cd", "ab!d", "\\n",
     "{}", "data:", "data:,abcd", "data:image/png,abcd", "data:image/png;base64", "data:;base64,a",
     "data:image/png;base64;x=1,abcd", "ab%2Bc"],
)  # fmt: skip
def test_what_is_none_is_refused(text: str) -> None:
    with pytest.raises(RowRejected, match=r"\.$") as caught:
        decoded(text)
    assert caught.value.code == "base64_invalid"
