"""Tensors: how many values one has, and how they are packed; tritonclient's own packing is the measure."""

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tritonclient.utils import deserialize_bytes_tensor, serialize_byte_tensor

from app.errors import BadRequest
from app.v2.tensors import Tensor, packed

LISTS = st.lists(st.binary(max_size=40), max_size=20)


def refused(tensor: Tensor, *, texts: bool = False) -> str:
    with pytest.raises(BadRequest) as caught:
        tensor.texts() if texts else tensor.numbers()
    assert str(caught.value).endswith(".") and len(str(caught.value)) < 300
    return caught.value.code


@given(LISTS)
def test_bytes_are_packed_as_tritonclient_does_and_come_back(values: list[bytes]) -> None:
    theirs = serialize_byte_tensor(np.array(values, np.object_))
    whole = packed(values)
    assert whole == (theirs.item() if theirs.size else b"")
    assert deserialize_bytes_tensor(whole).tolist() == values
    assert Tensor("picture", "BYTES", (len(values),), whole).texts() == values


@given(st.lists(st.floats(width=32), max_size=30))
def test_numbers_are_packed_lowest_byte_first_and_come_back(values: list[float]) -> None:
    numbers = np.array(values, np.float32)
    whole = packed(numbers)
    assert whole == b"".join(struct.pack("<f", value) for value in numbers.tolist())
    found = Tensor("image", "FP32", (len(values),), memoryview(whole)).numbers()
    np.testing.assert_array_equal(found, numbers)


def test_flags_take_a_byte_each() -> None:
    assert packed(np.array([True, False, True])) == b"\1\0\1"


@given(st.binary(max_size=60), st.integers(0, 2**63))
def test_whatever_bytes_come_they_are_read_or_refused(data: bytes, count: int) -> None:
    for shape in ((count,), (count, count), (len(data) // 4,), (1,), (0,)):
        tensor = Tensor("picture", "BYTES", shape, data)
        try:
            found = tensor.texts()
        except BadRequest as refusal:
            assert refusal.code == "tensor_data_wrong"
        else:
            assert packed([text for text in found if isinstance(text, bytes)]) == data and len(found) == tensor.count


@pytest.mark.parametrize(
    ("shape", "size"),
    [((2, 3), 23), ((2, 3), 25), ((2, 3), 0), ((0,), 4), ((2**62, 2**62, 2**62), 24), ((2**63 - 1,), 0), ((), 0)],
)
def test_as_many_bytes_as_shape_and_datatype_say(shape: tuple[int, ...], size: int) -> None:
    assert refused(Tensor("image", "FP32", shape, bytes(size))) == "tensor_data_wrong"


def test_a_shape_without_dimensions_is_one_value() -> None:
    assert Tensor("image", "UINT8", (), b"\7").numbers().tolist() == [7]
    assert Tensor("image", "UINT8", (3, 0, 2), b"").numbers().tolist() == []


@pytest.mark.parametrize(
    "data",
    [b"\1\0\0", b"\5\0\0\0abcd", b"\4\0\0\0abcd\0", b"\4\0\0\0abcd\0\0\0\0", b"\xff\xff\xff\xff", b""],
    ids=["half a length", "too short", "a byte more", "an element more", "four gigabytes", "nothing"],
)
def test_lengths_that_do_not_come_out_are_refused(data: bytes) -> None:
    assert refused(Tensor("picture", "BYTES", (1,), data), texts=True) == "tensor_data_wrong"


def test_values_of_the_wrong_kind_or_number_are_refused() -> None:
    numbers = np.zeros(3, np.float32)
    assert refused(Tensor("image", "FP32", (2,), numbers)) == "tensor_data_wrong"
    assert refused(Tensor("image", "FP32", (1,), ["0.5"])) == "tensor_data_wrong"
    assert refused(Tensor("picture", "BYTES", (3,), numbers), texts=True) == "tensor_data_wrong"
    assert refused(Tensor("picture", "BYTES", (3,), ["a", "b"]), texts=True) == "tensor_data_wrong"


@pytest.mark.parametrize("datatype", ["FP8", "fp32", "", "FP32\n", "STRING", "\x1b[2J" * 99])
def test_a_datatype_that_nobody_knows_is_refused(datatype: str) -> None:
    with pytest.raises(BadRequest) as caught:
        Tensor("image", datatype, (1,), b"")
    assert caught.value.code == "tensor_datatype_wrong" and str(caught.value).isprintable()


@pytest.mark.parametrize("shape", [(-1,), (1, -28), (1,) * 9])
def test_a_shape_that_nothing_has_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(BadRequest) as caught:
        Tensor("image", "FP32", shape, b"")
    assert caught.value.code == "tensor_shape_wrong"


def test_its_size_is_what_has_come() -> None:
    assert Tensor("image", "UINT8", (4,), b"1234").size == 4
    assert Tensor("image", "UINT8", (4,), np.zeros(4, np.float32)).size == 16
    assert Tensor("picture", "BYTES", (2,), [b"abc", "de"]).size == 5
