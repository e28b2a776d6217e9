import struct

import numpy as np
import pytest
from PIL import Image

from models_store.errors import ImageRejected
from models_store.pictures.decode import colour_of, decoded, grey_of, open_picture
from models_store.pictures.formats.tiff import is_tiff, size
from models_store.pictures.stripped import strip
from tests.support.layout import Grey
from tests.support.pictures import encoded, saved
from training.synthetic import strokes

MODES = {
    "1": ("raw", "group3", "group4", "tiff_ccitt", "tiff_lzw"),
    **dict.fromkeys(("L", "LA", "RGB", "RGBA", "CMYK"), ("raw", "tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg")),
    **dict.fromkeys(("P", "I;16"), ("raw", "tiff_lzw", "tiff_adobe_deflate", "packbits")),
    "YCbCr": ("jpeg",),
}  # fmt: skip


@pytest.fixture
def paper(rng: np.random.Generator) -> Grey:
    return strokes.on_paper(3, rng)


def read(data: bytes) -> Grey:
    return grey_of(decoded(open_picture(data, 100_000), "L", 1024))


def refused(data: bytes) -> str:
    with pytest.raises(ImageRejected) as caught:
        decoded(open_picture(data, 100_000), "L", 1024)
    return caught.value.code


def changed(data: bytes, **entries: bytes) -> bytes:
    """A TIFF of Pillow's, whose entries of the first directory (`e256=`) are others: kind, number, and value."""
    whole = bytearray(data)
    (start,) = struct.unpack_from("<I", whole, 4)
    (count,) = struct.unpack_from("<H", whole, start)
    for place in range(start + 2, start + 2 + 12 * count, 12):
        (tag,) = struct.unpack_from("<H", whole, place)
        if (entry := entries.pop(f"e{tag}", None)) is not None:
            whole[place + 2 : place + 12] = entry
    assert not entries
    return bytes(whole)


def entry(value: int, kind: int = 4, number: int = 1) -> bytes:
    return struct.pack("<HII", kind, number, value)


@pytest.mark.parametrize(("mode", "packing"), [(mode, one) for mode, several in MODES.items() for one in several])
def test_every_kind_is_read(paper: Grey, mode: str, packing: str) -> None:
    grey = Image.fromarray(paper)
    image = Image.fromarray(paper.astype(np.uint16) * 257) if mode == "I;16" else grey.convert(mode)
    data = saved(image, "TIFF", compression=packing)
    expected = np.asarray(image.convert("L") if mode == "1" else grey, np.int16)
    assert is_tiff(data) and size(data) == (300, 200)
    assert np.abs(read(data) - expected).mean() < 1
    assert colour_of(decoded(open_picture(data, 100_000), "RGB", 1024)).shape == (200, 300, 3)
    assert strip(data).width == 300


def test_only_the_first_page_and_its_pixels_reach_the_decoder(paper: Grey) -> None:
    pages = [Image.new("L", (9000, 3), level) for level in (0, 255)]
    data = encoded(paper, "TIFF", save_all=True, append_images=pages, tiffinfo={270: "a secret place", 34665: 4})
    assert (read(data) == paper).all()
    opened = open_picture(data, 100_000)
    assert not {270, 34665, 305} & set(opened.tag_v2) and opened.n_frames == 1  # type: ignore[attr-defined]


@pytest.mark.parametrize("mode", ["F", "I", "LAB"])
@pytest.mark.parametrize("packing", ["raw", "tiff_lzw"])
def test_levels_that_nobody_can_compare_are_another_format(mode: str, packing: str) -> None:
    image = Image.new("RGB", (20, 20)).convert("LAB") if mode == "LAB" else Image.new(mode, (20, 20))
    assert refused(saved(image, "TIFF", compression=packing)) == "unsupported_image_format"


def test_rare_packings_and_cameras_own_files_are_another_format(paper: Grey) -> None:
    data = encoded(paper, "TIFF")
    for packing in (6, 34925, 50000, 50001, 34712, 9):
        assert refused(changed(data, e259=entry(packing))) == "unsupported_image_format"
    for mode in ("YCbCr", "RGB"):
        raw = saved(Image.fromarray(paper).convert(mode), "TIFF")
        assert refused(changed(raw, e262=entry(6))) == "unsupported_image_format"
    preview = encoded(paper, "TIFF", tiffinfo={254: 1})
    digital_negative = encoded(paper, "TIFF", tiffinfo={50706: b"\1\4\0\0"})
    for camera in (preview, digital_negative):
        assert refused(camera) == "unsupported_image_format"
    assert not is_tiff(b"II*\0\x10\0\0\0CR\x02\0") and refused(data[:8] + b"CR\x02\0" + data[12:]).startswith("unsup")
    assert refused(saved(Image.fromarray(paper), "TIFF", big_tiff=True)) == "unsupported_image_format"


def test_strips_behind_the_file_say_that_it_was_cut(paper: Grey) -> None:
    data = encoded(paper, "TIFF")
    assert refused(changed(data, e273=entry(len(data)))) == "image_truncated"
    assert refused(changed(data, e279=entry(0xFFFFFFFF))) == "image_truncated"
    levels = np.zeros((48, 64), np.uint8)
    for cut in (6, 20, 120, 1000, len(tiled(levels, 16)) - 8):  # the directory stands behind the pixels
        assert refused(tiled(levels, 16)[:-cut]) == "image_truncated"


def test_what_would_cost_more_than_it_tells_is_too_complex(paper: Grey) -> None:
    data = encoded(paper, "TIFF", compression="tiff_lzw", strip_size=300)
    many = bytes(4 * 60_000)
    behind = data + many + struct.pack("<200I", *[len(data) // 2] * 200) + struct.pack("<200I", *[9] * 200)
    place = len(data) + len(many)
    shared = changed(behind, e279=entry(place, 4, 200), e273=entry(place + 800, 4, 200))
    assert refused(shared) == "image_too_complex"
    strips = changed(data + many, e273=entry(len(data), 4, 60_000), e279=entry(len(data), 4, 60_000))
    assert refused(strips) == "image_too_complex"


def test_a_jpeg_inside_has_no_more_scans_than_one_outside() -> None:
    levels = strokes.on_paper(3, np.random.default_rng(3))[:192, :192].copy()
    scans = encoded(levels, "JPEG", progressive=True)
    last = scans[scans.rindex(b"\xff\xc4") : -2]
    assert np.abs(read(tiled(levels, 192, scans)).astype(int) - levels).mean() < 3
    assert refused(tiled(levels, 192, scans[:-2] + 1000 * last + scans[-2:])) == "image_too_complex"


@pytest.mark.parametrize("tag", [256, 257])
def test_a_size_of_nothing_is_refused_by_its_size(paper: Grey, tag: int) -> None:
    assert refused(changed(encoded(paper, "TIFF"), **{f"e{tag}": entry(0)})) == "image_bad_dimensions"
    assert refused(changed(encoded(paper, "TIFF"), **{f"e{tag}": entry(60_000)})) == "image_too_large"


@pytest.mark.parametrize("broken", [{"e278": 0}, {"e273": 5}, {"e258": 0}])
def test_entries_that_contradict_each_other_are_refused(paper: Grey, broken: dict[str, int]) -> None:
    data = encoded(paper, "TIFF", compression="tiff_lzw")
    assert refused(changed(data, **{tag: entry(value) for tag, value in broken.items()})) in (
        "image_invalid", "unsupported_image_format",
    )  # fmt: skip


def test_a_directory_of_65_535_entries_costs_no_more_than_a_thousand(paper: Grey) -> None:
    empty = struct.pack("<HHII", 40_000, 4, 0xFFFFFF, 8) * 65_535
    assert size(b"II*\0\x08\0\0\0\xff\xff" + empty) is None
    assert refused(b"II*\0\x08\0\0\0\xff\xff" + empty) == "image_invalid"


def test_tiles_are_read_and_may_not_be_far_larger_than_the_picture() -> None:
    levels = np.arange(64 * 48, dtype=np.uint32).reshape(48, 64).astype(np.uint8)
    assert (read(tiled(levels, 16)) == levels).all()
    assert refused(changed(tiled(levels, 16), e322=entry(1 << 20), e323=entry(1 << 12))) == "image_too_complex"


def tiled(levels: Grey, side: int, jpeg: bytes = b"") -> bytes:
    """A TIFF of square tiles, which Pillow reads and does not write; or of one tile that is a JPEG."""
    height, width = levels.shape
    tiles = [
        levels[y : y + side, x : x + side].tobytes() for y in range(0, height, side) for x in range(0, width, side)
    ]
    tiles = [jpeg] if jpeg else tiles
    count, length = len(tiles), len(tiles[0])
    pixels = b"".join(tiles)
    table = 8 + len(pixels)
    starts = struct.pack(f"<{count}I", *(8 + number * length for number in range(count)))
    lengths = struct.pack(f"<{count}I", *[length] * count)
    facts = {256: width, 257: height, 258: 8, 259: 7 if jpeg else 1, 262: 1, 277: 1, 322: side, 323: side}
    entries = [struct.pack("<H", tag) + entry(value) for tag, value in facts.items()]
    places = (8, length) if count == 1 else (table, table + 4 * count)
    entries += [struct.pack("<H", 324 + one) + entry(place, 4, count) for one, place in enumerate(places)]
    directory = struct.pack("<H", len(entries)) + b"".join(entries) + bytes(4)
    return b"II*\0" + struct.pack("<I", table + 8 * count) + pixels + starts + lengths + directory
