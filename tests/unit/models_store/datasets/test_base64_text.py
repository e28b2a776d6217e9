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


@given(
    st.binary(max_size=200), st.sampled_from(["\n", "\r\n", " \r\n", "\t\n ", "\u2028"]), st.booleans(), st.booleans()
)
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
            f"data:image/png; base64,{text}",
            f"\n data:image/svg+xml; name=a b.png;charset=utf-8 ;  BASE64 ,{text}",
            f"data:image/png;name={'x' * 9000};base64,{text}",
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


def test_a_plus_that_became_a_blank_is_told() -> None:
    data = b"BM?" + b"\xfb\xef\xbe" * 3 + b"?"
    text = base64.b64encode(data).decode()
    assert "+" in text
    for lost in (text.replace("+", " "), f"data:image/png;base64,{text.replace('+', '%20')}", "ab cd", "ab  cd"):
        with pytest.raises(RowRejected, match=r"blank inside.*`\+`.*%2B") as caught:
            decoded(lost)
        assert caught.value.code == "base64_invalid"


def test_long_texts_take_no_longer_than_their_length() -> None:
    for text in (" " * 10**6 + "a", "data:" + ";" * 10**6, "data:" + "; " * 10**6 + "base64", "\t " * 10**6 + "="):
        with pytest.raises(RowRejected):
            decoded(text)
