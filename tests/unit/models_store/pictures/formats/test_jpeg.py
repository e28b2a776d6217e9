import io
import struct

import numpy as np
import pytest
from PIL import Image, ImageCms

from models_store.errors import ImageRejected
from models_store.pictures.decode import open_picture
from models_store.pictures.formats.jpeg import essence, size
from tests.support.pictures import saved

GREY, COLOUR = Image.new("L", (64, 48), 128), Image.new("RGB", (64, 48), (9, 99, 200))


def in_scans(data: bytes, more: int) -> bytes:
    """A progressive JPEG with its last scan, and the table before it, sent so many times more."""
    last = data[data.rindex(b"\xff\xc4", 0, data.rindex(b"\xff\xda")) : -2]
    return data[:-2] + last * more + data[-2:]


def segment(kind: int, content: bytes) -> bytes:
    return bytes((0xFF, kind)) + struct.pack(">H", len(content) + 2) + content


def turned(orientation: int) -> bytes:
    exif = Image.Exif()
    exif[274] = orientation
    return exif.tobytes()


def refusal(data: bytes) -> str:
    with pytest.raises(ImageRejected) as refused:
        essence(data)
    assert refused.value.code == "image_too_complex"
    return str(refused.value)


@pytest.mark.parametrize("image", [GREY, COLOUR], ids=["grey", "colour"])
def test_a_progressive_picture_as_programs_write_it_passes(image: Image.Image) -> None:
    data = saved(image, "JPEG", progressive=True)
    assert size(data) == (64, 48)
    assert essence(data).data == data
    assert essence(in_scans(data, 20)).data  # mozjpeg's search


def test_a_thousand_scans_are_refused_and_say_what_to_do() -> None:
    data = in_scans(saved(GREY, "JPEG", progressive=True), 1000)
    assert refusal(data).endswith("Save it as PNG or as a JPEG that is not progressive.")


def test_how_many_scans_pass_depends_on_the_pixels() -> None:
    few = in_scans(saved(Image.new("L", (4000, 4000)), "JPEG", progressive=True), 8)
    assert essence(few).data == few
    assert "4000x4000 pixels in" in refusal(in_scans(few, 20))


@pytest.mark.parametrize(
    "hidden", [segment(0xFE, b"\xff\xd9" * 9), segment(0xEF, b"\xff\xd9"), b"\xff" * 9, b"\xff\xd3"]
)
def test_scans_are_found_behind_what_looks_like_an_end(hidden: bytes) -> None:
    data = saved(GREY, "JPEG", progressive=True)
    last = data[data.rindex(b"\xff\xc4") : -2]
    refusal(data[:-2] + (hidden + last) * 100 + data[-2:])


def test_what_follows_the_picture_is_not_counted() -> None:
    """A telephone's film, or its second picture."""
    data = saved(GREY, "JPEG", progressive=True) + b"\xff\xda\0\x02" * 5000
    assert essence(data).data == data


def test_several_scans_of_a_sequential_picture_are_counted_too() -> None:
    frame = segment(0xC0, struct.pack(">BHHB", 8, 48, 64, 3) + b"\1\x11\0\2\x11\0\3\x11\0")
    scans = b"".join(segment(0xDA, bytes((1, 1 + i % 3, 0, 0, 63, 0))) + b"abc" for i in range(100))
    refusal(b"\xff\xd8" + frame + scans + b"\xff\xd9")


def test_only_what_makes_pixels_is_left() -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    plain = saved(COLOUR, "JPEG")
    full = saved(COLOUR, "JPEG", exif=turned(6), icc_profile=profile, comment=b"c" * 50_000)
    found = essence(full)
    assert (found.data, found.orientation) == (plain, 6)
    assert essence(saved(COLOUR, "MPO", save_all=True, append_images=[COLOUR])).data.startswith(plain[:-2])
    inverted = saved(Image.new("CMYK", (9, 9), (1, 2, 3, 4)), "JPEG")  # Adobe's segment says so
    assert essence(inverted).data == inverted


def test_an_xmp_packet_turns_it_where_exif_does_not() -> None:
    packet = b'<x:xmpmeta tiff:Orientation="8"/>'
    assert essence(saved(GREY, "JPEG", xmp=packet)).orientation == 8
    assert essence(saved(GREY, "JPEG", xmp=packet, exif=turned(3))).orientation == 3


@pytest.mark.parametrize(
    "many",
    [
        segment(0xE1, b"Exif\0\0abcd") * 3000,
        segment(0xDB, (b"\0" + b"\1" * 64) * 1000) * 9,
        segment(0xC0, struct.pack(">BHHB", 8, 48, 64, 3) + bytes(60_000)) * 9,
    ],
    ids=["EXIF", "tables", "frames"],
)
def test_far_more_segments_than_a_camera_writes_are_refused(many: bytes) -> None:
    data = saved(GREY, "JPEG")
    refusal(data[:2] + many + data[2:])


def test_a_depth_map_in_large_segments_passes() -> None:
    data = saved(GREY, "JPEG")
    depth = segment(0xE1, b"http://ns.adobe.com/xmp/extension/\0" + bytes(65_000)) * 100
    assert essence(data[:2] + depth + data[2:]).data == data


def test_filling_between_segments_goes_and_without_a_scan_little_is_left() -> None:
    data = saved(GREY, "JPEG")
    for filling in (bytes(100_000), b"\xff" * 100_000):
        assert essence(data[:2] + filling + data[2:]).data == data
        assert len(essence(b"\xff\xd8\xff" + filling).data) < 5000
    assert size(b"\xff\xd8\xff" + bytes(99)) is None


def test_pixels_stay_as_they_were(rng: np.random.Generator) -> None:
    noise = Image.fromarray(rng.integers(0, 256, (37, 53, 3), dtype=np.uint8))
    for progressive in (False, True):
        data = saved(noise, "JPEG", progressive=progressive, exif=turned(1), comment=b"c")
        there, here = Image.open(io.BytesIO(data)), Image.open(io.BytesIO(essence(data).data))
        assert there.tobytes() == here.tobytes()


@pytest.mark.parametrize(
    "nothing", [b"\xff" * 400_000, b"\xff\xd0" * 5000, b"\xff\x01" * 5000, (b"\xff" * 100 + b"\xd0") * 4000],
    ids=["fill bytes", "restarts", "markers alone", "both"],
)  # fmt: skip
def test_it_is_not_looked_for_behind_so_much_of_nothing_as_no_program_writes(nothing: bytes) -> None:
    """An event loop looks for it: 10 MiB of markers would hold it for two seconds."""
    data = saved(GREY, "JPEG")
    assert size(data[:2] + nothing[: len(nothing) // 4] + data[2:]) == (64, 48)
    assert size(data[:2] + nothing + data[2:]) is None
    with pytest.raises(ImageRejected) as refused:
        open_picture(data[:2] + nothing + data[2:], 10_000)
    assert refused.value.code in ("image_invalid", "image_truncated")
