import struct

import numpy as np
import pytest
from PIL import Image

from models_store.errors import ImageRejected
from models_store.pictures.decode import decoded, open_picture
from models_store.pictures.formats.bmp import check, size
from tests.support.pictures import saved


def packed(width: int, height: int, runs: bytes, packing: int = 1) -> bytes:
    """Run-length encoded, of 8 bits (1) or 4 (2), in greys of green."""
    colours = 256 if packing == 1 else 16
    palette = b"".join(bytes((0, i, 0, 0)) for i in range(colours))
    start = 54 + len(palette)
    header = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 8 // packing, packing, len(runs), 0, 0, colours, 0)
    return b"BM" + struct.pack("<IHHI", start + len(runs), 0, 0, start) + header + palette + runs


def test_its_size_is_read_without_its_pixels() -> None:
    assert size(saved(Image.new("L", (30, 20)), "BMP")) == (30, 20)
    down = bytearray(saved(Image.new("RGB", (30, 20)), "BMP"))
    down[22:26] = struct.pack("<i", -20)
    assert size(bytes(down)) == (30, 20)
    oldest = b"BM" + bytes(12) + struct.pack("<IHHHH", 12, 30, 20, 1, 24)
    assert size(oldest) == (30, 20)
    assert size(b"BM" + bytes(30)) is None and size(b"BM") is None


@pytest.mark.parametrize("packing", [1, 2])
def test_a_small_packed_one_is_read(packing: int) -> None:
    data = packed(40, 30, b"\x28\x05\0\0" * 30 + b"\0\1", packing)
    check(data)
    assert np.asarray(decoded(open_picture(data, 10_000), "RGB", 100).convert("RGB"))[..., 1].any()


@pytest.mark.parametrize("packing", [1, 2])
def test_a_large_packed_one_is_refused(packing: int) -> None:
    for data in (packed(40, 30, b"\1\5" * 400_000, packing), packed(4000, 4000, b"\1\5\0\0" * 4000, packing)):
        with pytest.raises(ImageRejected, match="Save it as PNG") as refused:
            check(data)
        assert refused.value.code == "image_too_complex"


def test_a_large_plain_one_is_not() -> None:
    check(saved(Image.new("L", (2000, 1500)), "BMP"))
