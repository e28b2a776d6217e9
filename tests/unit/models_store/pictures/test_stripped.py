"""A picture to be kept: no byte of metadata survives, and every pixel that matters does."""

import io

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from models_store.errors import ImageRejected
from models_store.pictures.prepare import prepare
from models_store.pictures.stripped import LONGEST_SIDE, THUMBNAIL_SIDE, strip
from models_store.specs import InputSpec
from tests.support.pictures import encoded, png, saved
from tests.unit.models_store.datasets.test_clean import unit
from training.synthetic import strokes

SECRET = "Hauptstrasse 7"
GPS, ORIENTATION, ARTIST = 0x8825, 0x0112, 0x013B


def opened(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def chunks(data: bytes) -> list[bytes]:
    """The kinds of a PNG's chunks (PNG specification, 5.3)."""
    found, at = [], 8
    while at < len(data):
        found.append(data[at + 4 : at + 8])
        at += 12 + int.from_bytes(data[at : at + 4])
    return found


def digit(mode: str = "L", size: tuple[int, int] = (60, 40)) -> Image.Image:
    """A dark stroke left of the middle, on white."""
    image = Image.new("L", size, 255)
    image.paste(0, (size[0] // 4, size[1] // 4, size[0] // 4 + size[0] // 10, 3 * size[1] // 4))
    return image.convert(mode)


def telling() -> dict[str, bytes]:
    """The same digit in every format, each saying where it was taken."""
    exif = Image.Exif()
    exif[ARTIST] = SECRET
    exif.get_ifd(GPS).update({1: "N", 2: (48.0, 8.0, 14.0), 29: SECRET})
    text = PngInfo()
    text.add_text("Comment", SECRET)
    text.add_text("Long", SECRET * 20, zip=True)
    text.add_itxt("Author", SECRET)
    profile = b"\0" * 36 + b"acsp" + b"\0" * 88 + SECRET.encode()
    return {
        "jpeg": saved(digit("RGB"), "JPEG", exif=exif, comment=SECRET.encode(), icc_profile=profile),
        "webp": saved(digit("RGB"), "WEBP", exif=exif, icc_profile=profile, lossless=True),
        "png": saved(digit("RGB"), "PNG", exif=exif, pnginfo=text, icc_profile=profile, dpi=(300, 300)),
        "bmp": saved(digit("RGB"), "BMP") + SECRET.encode(),
        "gif": saved(digit("RGB"), "GIF", comment=SECRET.encode() * 20),
        "tiff": saved(digit("RGB"), "TIFF", exif=exif, icc_profile=profile, description=SECRET),
        "jpeg with more behind": saved(digit("L"), "JPEG") + SECRET.encode(),
    }


@pytest.mark.parametrize("kind", telling())
def test_where_and_when_it_was_taken_is_gone(kind: str) -> None:
    data = telling()[kind]
    assert SECRET.encode() in data
    kept = strip(data)
    for packed in (kept.png, kept.thumbnail):
        assert SECRET.encode() not in packed and b"Exif" not in packed
        assert set(chunks(packed)) == {b"IHDR", b"IDAT", b"IEND"}
    assert opened(kept.png).info == {}


@pytest.mark.parametrize("orientation", range(2, 9))
def test_it_is_turned_upright(orientation: int) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    lying = opened(saved(digit("L"), "PNG", exif=exif))
    kept = opened(strip(saved(digit("L"), "PNG", exif=exif)).png)
    back = {2: 0, 3: 3, 4: 1, 5: 5, 6: 4, 7: 6, 8: 2}  # Image.Transpose that undoes each (EXIF 2.3, 4.6.4)
    assert kept.tobytes() == lying.transpose(Image.Transpose(back[orientation])).tobytes()


def sixteen_bits() -> bytes:
    grey = np.full((40, 60), 60_000, np.uint16)
    grey[10:30, 15:21] = 900
    return saved(Image.fromarray(grey))


def on_nothing() -> Image.Image:
    """Black ink on transparent black."""
    ink = Image.new("RGBA", (60, 40))
    ink.paste((0, 0, 0, 255), (15, 10, 21, 30))
    return ink


PICTURES = {
    "grey": saved(digit()), "16 bits": sixteen_bits(), "colour": saved(digit("RGB")), "1 bit": saved(digit("1")),
    "transparent": saved(on_nothing()), "grey and transparent": saved(on_nothing().convert("LA")),
    "palette": saved(digit("P")),
    "a colour that is transparent": saved(digit("RGB"), transparency=(255, 255, 255)),
    "a grey that is transparent": saved(digit("L"), transparency=255),
    "CMYK": saved(digit("CMYK"), "JPEG"), "JPEG": saved(digit("L"), "JPEG"),
    "palette and transparent": saved(on_nothing().quantize(4), "PNG", transparency=0),
}  # fmt: skip
MODES = {
    "grey": "L", "16 bits": "I;16", "colour": "RGB", "1 bit": "1", "transparent": "RGBA", "grey and transparent": "LA",
    "CMYK": "RGB", "palette": "RGB", "a grey that is transparent": "LA", "a colour that is transparent": "RGBA",
}  # fmt: skip


@pytest.mark.parametrize("kind", PICTURES)
def test_what_is_made_of_it_is_what_would_have_been(kind: str) -> None:
    kept = strip(PICTURES[kind])
    assert (kept.width, kept.height) == (60, 40)
    before, after = prepare(PICTURES[kind], InputSpec()), prepare(kept.png, InputSpec())
    assert np.array_equal(before.pixels, after.pixels) and before.warnings == after.warnings
    whole = InputSpec(channels=3, mean=(0.5,) * 3, std=(0.5,) * 3, preparation="picture")
    assert np.array_equal(prepare(PICTURES[kind], whole).pixels, prepare(kept.png, whole).pixels)
    image = opened(kept.png)
    assert image.mode == MODES.get(kind, image.mode) and image.size == (60, 40)


def test_mnists_own_format_stays_bit_for_bit() -> None:
    for seed in range(20):
        data = png(unit(seed))
        kept = strip(data)
        assert np.array_equal(np.asarray(opened(kept.png)), np.asarray(opened(data)))
        assert kept.thumbnail == kept.png and opened(kept.png).mode == "L"
        assert np.array_equal(prepare(kept.png, InputSpec()).pixels, prepare(data, InputSpec()).pixels)


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "LA", "1", "CMYK"])
def test_a_large_one_is_shrunk_and_keeps_its_kind(mode: str) -> None:
    data = saved(digit(mode, (3000, 1500)), "JPEG" if mode == "CMYK" else "PNG")
    kept = strip(data)
    image, small = opened(kept.png), opened(kept.thumbnail)
    assert image.size == (kept.width, kept.height) == (LONGEST_SIDE, LONGEST_SIDE // 2)
    assert image.mode == {"1": "L", "CMYK": "RGB"}.get(mode, mode) and max(small.size) == THUMBNAIL_SIDE
    light = np.asarray(image.convert("L"))
    assert (light[256, 300], light[256, 500]) == (0, 255)


def test_a_large_one_of_16_bits() -> None:
    data = saved(Image.fromarray(np.full((10, 2000), 40_000, np.uint16)))
    assert np.unique(np.asarray(opened(strip(data).png))).tolist() == [40_000 >> 8]


def test_a_large_photograph_is_not_shrunk_twice() -> None:
    data = saved(digit("RGB", (4000, 2999)), "JPEG")
    image = opened(strip(data).png)
    assert image.size == (1024, 768) and image.mode == "RGB"


def test_a_thin_one_can_still_be_read() -> None:
    data = saved(Image.linear_gradient("L").resize((8000, 2)))
    kept = strip(data)
    assert (kept.width, kept.height) == (1024, 2) and strip(kept.png).sha256 == kept.sha256


@pytest.mark.parametrize("kind", [*PICTURES, "a photograph"])
def test_what_is_kept_can_be_kept_again_as_the_same(kind: str) -> None:
    photograph = saved(digit("RGB", (4000, 2999)), "JPEG")
    kept = strip(PICTURES.get(kind, photograph))
    again = strip(kept.png)
    assert (again.sha256, again.png, again.thumbnail) == (kept.sha256, kept.png, kept.thumbnail)


def test_a_large_photograph_is_read_as_before() -> None:
    page = strokes.on_paper(5, np.random.default_rng(5), size=(1500, 2200), height=800)
    data = encoded(page, "JPEG")
    before, after = (prepare(one, InputSpec()).pixels.astype(int) for one in (data, strip(data).png))
    assert np.abs(before - after).mean() < 2


def test_the_digest_is_of_the_pixels() -> None:
    same = {strip(saved(digit(), kind)).sha256 for kind in ("PNG", "BMP")} | {
        strip(saved(digit(), compress_level=1)).sha256
    }
    assert len(same) == 1
    flat = [strip(saved(Image.new("L", size, 9))).sha256 for size in ((4, 6), (6, 4), (3, 8))]
    assert len({*same, *flat}) == 4


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "image_invalid"), (b"GIF89a", "image_invalid"), (saved(digit())[:-40], "image_truncated"),
        (saved(Image.new("L", (1, 9))), "image_bad_dimensions"),
        (saved(Image.new("1", (5000, 4000))), "image_too_large"),
    ],
)  # fmt: skip
def test_what_is_no_picture(data: bytes, code: str) -> None:
    with pytest.raises(ImageRejected) as caught:
        strip(data)
    assert caught.value.code == code
