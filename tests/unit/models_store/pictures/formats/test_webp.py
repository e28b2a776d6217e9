import struct

import pytest
from PIL import Image

from models_store.errors import ImageRejected
from models_store.pictures.formats.webp import check, is_webp, size
from tests.support.pictures import saved

PICTURE = Image.new("RGB", (60, 41), (10, 200, 90))
KINDS = {
    "lossy": saved(PICTURE, "WEBP"),
    "lossless": saved(PICTURE, "WEBP", lossless=True),
    "with alpha": saved(PICTURE.convert("RGBA"), "WEBP", exif=b"Exif\0\0"),
    "a film": saved(PICTURE, "WEBP", save_all=True, append_images=[PICTURE.rotate(180)]),
}


@pytest.mark.parametrize("name", KINDS)
def test_its_size_is_read_without_its_pixels(name: str) -> None:
    assert is_webp(KINDS[name])
    assert size(KINDS[name]) == (60, 41)
    check(KINDS[name])
    assert size(KINDS[name][:24]) is None


def test_a_header_that_is_damaged_has_no_size() -> None:
    for name, place in (("lossy", 23), ("lossless", 20)):
        data = bytearray(KINDS[name])
        data[place] ^= 1
        assert size(bytes(data)) is None


def test_thousands_of_frames_are_refused() -> None:
    frames = (b"ANMF" + struct.pack("<I", 3) + bytes(4)) * 5000  # an odd length is filled up
    with pytest.raises(ImageRejected, match="frames or chunks") as refused:
        check(KINDS["a film"] + frames)
    assert refused.value.code == "image_too_complex"
