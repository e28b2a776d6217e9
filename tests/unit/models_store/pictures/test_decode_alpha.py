"""A BMP's alpha that nobody wanted is passed over; one that somebody wanted hides what it hides."""

import io
import struct

import numpy as np
import pytest
from PIL import Image

from models_store.pictures.decode import open_picture
from models_store.pictures.prepare import prepare
from models_store.pictures.stripped import strip
from models_store.specs import InputSpec
from tests.support.layout import Grey
from tests.support.pictures import encoded, png
from training.synthetic import strokes

SPEC = InputSpec()
COLOURS = InputSpec(channels=3, mean=(0.5,) * 3, std=(0.5,) * 3, preparation="picture")
MASKS = 0xFF0000, 0xFF00, 0xFF, 0xFF000000  # of red, green, blue and alpha
HEADERS = {"V3": 56, "V4": 108, "V5": 124}


@pytest.fixture
def paper(rng: np.random.Generator) -> Grey:
    return strokes.on_paper(3, rng)


def bmp(picture: Grey, header: int, alpha: Grey) -> bytes:
    """32 bits a pixel with masks in the header, as Windows, GDI+ and GIMP write them."""
    height, width = picture.shape
    pixels = np.stack([picture, picture, picture, alpha], axis=-1)[::-1].tobytes()
    start = 14 + header
    info = struct.pack("<IiiHHIIiiII", header, width, height, 1, 32, 3, len(pixels), 2835, 2835, 0, 0)
    info += struct.pack("<4I", *MASKS) + bytes(header - 56)
    return b"BM" + struct.pack("<IHHI", start + len(pixels), 0, 0, start) + info + pixels


@pytest.mark.parametrize("header", HEADERS)
def test_a_bmp_whose_alpha_is_0_everywhere_is_opaque(paper: Grey, header: str) -> None:
    unused = bmp(paper, HEADERS[header], np.zeros_like(paper))
    assert open_picture(unused, 60_000).mode == "RGBA"
    for spec in (SPEC, COLOURS):
        assert (prepare(unused, spec).pixels == prepare(png(paper), spec).pixels).all()
    assert Image.open(io.BytesIO(strip(unused).png)).mode == "RGB"  # as it is kept for people


def test_an_alpha_that_somebody_wanted_is_looked_at(paper: Grey) -> None:
    one = np.zeros_like(paper)
    one[0, 0] = 1  # of 255
    assert prepare(bmp(paper, 108, one), SPEC).is_blank
    hidden = np.stack([paper, paper, paper, np.zeros_like(paper)], axis=-1)  # erased
    assert prepare(encoded(hidden, "PNG"), SPEC).is_blank
    assert prepare(encoded(hidden, "WEBP", lossless=True, exact=True), SPEC).is_blank
