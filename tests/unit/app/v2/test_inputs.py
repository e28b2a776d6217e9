"""Inputs: which pixels go in as they are, in which shapes and datatypes, and which don't."""

import base64

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from app.errors import BadRequest
from app.v2.inputs import check_input, files_of, rows_of
from app.v2.tensors import Tensor, packed
from models_store.specs import InputSpec

GREY, COLOUR = (
    InputSpec(),
    InputSpec(channels=3, height=8, width=9, mean=(0.5,) * 3, std=(0.2,) * 3, preparation="picture"),
)
LEVELS = arrays.arrays(np.uint8, st.tuples(st.integers(1, 3), st.just(1), st.just(28), st.just(28)))


def refused(tensor: Tensor, spec: InputSpec = GREY) -> tuple[str, str]:
    with pytest.raises(BadRequest) as caught:
        check_input(tensor)
        files_of(tensor) if tensor.name == "picture" else rows_of(tensor, spec)
    assert str(caught.value).endswith(".") and len(str(caught.value)) < 300
    return caught.value.code, str(caught.value)


def pixels(tensor: Tensor, spec: InputSpec = GREY) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    check_input(tensor)
    return np.stack([row.pixels for row in rows_of(tensor, spec)])


@given(LEVELS)
def test_all_256_levels_go_in_as_they_are(levels: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> None:
    scaled = (levels / np.float32(255)).astype(np.float32)
    for sent in (
        Tensor("image", "UINT8", levels.shape, levels.tobytes()),
        Tensor("image", "FP32", levels.shape, scaled.tobytes()),
        Tensor("image", "FP32", levels.shape, scaled.reshape(-1)),
    ):
        np.testing.assert_array_equal(pixels(sent), levels)


@given(st.floats(0, 1, width=32))
def test_between_two_levels_the_nearest_is_taken(value: float) -> None:
    found = pixels(Tensor("image", "FP32", (28, 28), packed(np.full(784, value, np.float32))))
    assert abs(int(found[0, 0, 0, 0]) - 255 * value) <= 0.5001


@pytest.mark.parametrize(
    ("shape", "count"),
    [((2, 1, 28, 28), 2), ((2, 28, 28), 2), ((2, 784), 2), ((1, 28, 28), 1), ((28, 28), 1), ((784,), 1), ((1, 784), 1)],
)
def test_the_channel_may_be_left_out_and_so_may_the_batch_of_one(shape: tuple[int, ...], count: int) -> None:
    values = np.arange(784 * count, dtype=np.uint8)
    found = pixels(Tensor("image", "UINT8", shape, values.tobytes()))
    assert found.shape == (count, 1, 28, 28)
    np.testing.assert_array_equal(found.reshape(-1), values)


@pytest.mark.parametrize("shape", [(2, 3, 8, 9), (2, 216)])
def test_colours_keep_their_channels(shape: tuple[int, ...]) -> None:
    assert pixels(Tensor("image", "UINT8", shape, bytes(432)), COLOUR).shape == (2, 3, 8, 9)
    assert refused(Tensor("image", "UINT8", (2, 8, 9), bytes(144)), COLOUR)[0] == "tensor_shape_wrong"


@pytest.mark.parametrize(
    "shape",
    [
        (),
        (1,),
        (28,),
        (27, 28),
        (1, 28, 29),
        (1, 3, 28, 28),
        (1, 1, 1, 28, 28),
        (783,),
        (2**62, 2**62),
        (28, 28, 1),
        (1, 2, 392),
    ],
)
def test_any_other_shape_is_refused_with_the_right_one(shape: tuple[int, ...]) -> None:
    code, sentence = refused(Tensor("image", "UINT8", shape, b""))
    assert code == "tensor_shape_wrong" and "[N, 1, 28, 28]" in sentence


def test_none_and_too_many_are_refused_before_their_bytes_are_counted() -> None:
    assert refused(Tensor("image", "UINT8", (0, 784), b""))[0] == "tensor_shape_wrong"
    assert refused(Tensor("image", "UINT8", (257, 784), b""))[0] == "batch_too_large"
    assert refused(Tensor("image", "UINT8", (2**62, 784), b""))[0] == "batch_too_large"
    assert refused(Tensor("image", "UINT8", (256, 784), b""))[0] == "tensor_data_wrong"
    assert refused(Tensor("picture", "BYTES", (0,), b""))[0] == "tensor_shape_wrong"
    assert refused(Tensor("picture", "BYTES", (257,), b""))[0] == "batch_too_large"


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_is_refused(bad: float) -> None:
    values = np.zeros(784, np.float32)
    values[-1] = bad
    assert refused(Tensor("image", "FP32", (784,), packed(values)))[0] == "number_not_finite"


@pytest.mark.parametrize(
    ("datatype", "value", "span"),
    [("FP32", -0.42, "from -0.42 to 0."), ("FP32", 2.82, "from 0 to 2.82."), ("FP32", 255.0, "from 0 to 255."),
     ("FP32", 3e38, "from 0 to 3e+38."), ("UINT8", 256.0, "from 0 to 256."), ("UINT8", -1.0, "from -1 to 0.")],
)  # fmt: skip
def test_what_is_out_of_range_is_refused_with_its_range(datatype: str, value: float, span: str) -> None:
    values = np.zeros(784, np.float32)
    values[7] = value
    code, sentence = refused(Tensor("image", datatype, (784,), values))
    assert code == "value_out_of_range" and span in sentence


def test_bytes_are_whole_numbers() -> None:
    assert refused(Tensor("image", "UINT8", (784,), np.full(784, 0.5, np.float32)))[0] == "value_out_of_range"


@pytest.mark.parametrize("datatype", ["FP16", "FP64", "BF16", "INT64", "INT8", "BOOL", "BYTES"])
def test_other_datatypes_of_pixels_are_refused_with_what_is_taken(datatype: str) -> None:
    code, sentence = refused(Tensor("image", datatype, (784,), b""))
    assert code == "tensor_datatype_wrong" and "FP32 or UINT8" in sentence
    assert refused(Tensor("picture", "UINT8", (784,), b""))[0] == "tensor_datatype_wrong"


def test_an_input_of_another_name_is_refused_with_those_there_are() -> None:
    code, sentence = refused(Tensor("INPUT__0", "FP32", (784,), b""))
    assert code == "input_unknown" and "`image`, `picture`" in sentence


@pytest.mark.parametrize("level", [0, 255, 23])
def test_where_nothing_stands_out_a_row_is_blank(level: int) -> None:
    plain, dot = np.full((2, 784), level, np.uint8), np.zeros(784, np.uint8)
    dot[400] = 200
    blank, seen = rows_of(Tensor("image", "UINT8", (2, 784), plain[0].tobytes() + dot.tobytes()), GREY)
    assert blank.is_blank and not seen.is_blank


@pytest.mark.parametrize("shape", [(2,), (2, 1)])
def test_files_come_packed_as_bytes_or_as_base64(shape: tuple[int, ...]) -> None:
    files: list[bytes] = [b"one", b""]
    encoded: list[str | bytes] = [base64.b64encode(file).decode() for file in files]
    for values in (packed(files), files, encoded, ["data:image/png;base64,b25l", ""]):
        assert files_of(Tensor("picture", "BYTES", shape, values)) == files


def test_files_of_another_shape_or_no_base64_are_refused() -> None:
    for shape in ((), (1, 2), (2, 1, 1)):
        assert refused(Tensor("picture", "BYTES", shape, []))[0] == "tensor_shape_wrong"
    code, sentence = refused(Tensor("picture", "BYTES", (2,), ["b25l", "%%%"]))
    assert code == "tensor_data_wrong" and sentence.startswith("`picture`[1]: ")
