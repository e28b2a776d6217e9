"""Whatever a program has of a picture, its bytes are sent."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from digitserve.client.pictures import Picture, picture_bytes
from tests.conftest import EXAMPLES

SEVEN = EXAMPLES / "7.png"


@pytest.mark.parametrize(
    "picture", [SEVEN, str(SEVEN), SEVEN.read_bytes(), bytearray(SEVEN.read_bytes()), memoryview(SEVEN.read_bytes()),
                io.BytesIO(SEVEN.read_bytes())],
    ids=["path", "text", "bytes", "bytearray", "view", "file"],
)  # fmt: skip
def test_a_file_is_sent_as_it_is(picture: Picture) -> None:
    assert picture_bytes(picture) == SEVEN.read_bytes()


@pytest.mark.parametrize("shape", [(28, 20), (28, 20, 3), (28, 20, 4)])
def test_an_array_becomes_a_png_of_the_same_pixels(shape: tuple[int, ...], rng: np.random.Generator) -> None:
    pixels = rng.integers(0, 256, shape, np.uint8)
    for picture in (pixels, Image.fromarray(pixels)):
        found = Image.open(io.BytesIO(picture_bytes(picture)))
        assert found.format == "PNG" and np.array_equal(np.asarray(found), pixels)


@pytest.mark.parametrize("array", [np.zeros((28, 28)), np.zeros((1, 28, 28), np.uint8), np.zeros(28, np.uint8)])
def test_an_array_that_is_no_picture_is_named(array: Picture) -> None:
    with pytest.raises(ValueError, match=r"is no picture\. Give uint8"):
        picture_bytes(array)


def test_a_file_of_text_and_anything_else_are_named(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="open\\(path, 'rb'\\)"):
        picture_bytes(io.StringIO("x"))  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="int is no picture"):
        picture_bytes(7)  # type: ignore[arg-type]
    with pytest.raises(FileNotFoundError):
        picture_bytes(tmp_path / "none.png")
