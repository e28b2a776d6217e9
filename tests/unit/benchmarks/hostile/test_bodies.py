import io
import struct
import zipfile
import zlib

import numpy as np
import pytest
from PIL import Image

from benchmarks.hostile import bodies


def opened(file: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(file))
    image.load()
    return image


def test_what_people_send_is_small_and_different_for_each_number() -> None:
    for draw, side in ((bodies.small, 28), (bodies.drawing, 280)):
        assert (opened(draw(3)).format, opened(draw(3)).size) == ("PNG", (side, side))
        assert draw(3) == draw(3) != draw(4)


@pytest.mark.parametrize(("megapixels", "size"), [(1, (1156, 867)), (12, (4000, 3000))])
def test_a_photograph_has_the_megapixels_that_were_asked_for(megapixels: int, size: tuple[int, int]) -> None:
    image = opened(bodies.photograph(megapixels))
    assert (image.format, image.size) == ("JPEG", size)


def test_sheets_have_digits_all_over() -> None:
    webp, page = opened(bodies.large_webp(400)), opened(bodies.page(30, 40))
    assert (webp.format, webp.size) == ("WEBP", (400, 400))
    assert page.format == "JPEG"
    ink = np.asarray(page.convert("L")) < 120
    rows = [ink[top : top + 80].any() for top in range(20, 20 + 3 * 80, 80)]
    assert all(rows) and not ink[20 + 3 * 80 :].any()


def test_noise_is_ink_in_half_of_all_places() -> None:
    image = opened(bodies.noise(200))
    assert (image.format, image.mode, image.size) == ("PNG", "1", (200, 200))
    assert 0.45 < np.asarray(image).mean() < 0.55


def test_texts_stand_before_the_pixels_and_unpack_to_a_megabyte_each() -> None:
    file, place, kinds = bodies.texts_png(14), 8, []
    while place < len(file):
        length, kind = struct.unpack_from(">I4s", file, place)
        data = file[place + 8 : place + 8 + length]
        assert struct.unpack_from(">I", file, place + 8 + length) == (zlib.crc32(kind + data),)
        if kind == b"zTXt":
            assert len(zlib.decompress(data.partition(b"\0")[2][1:])) == 2**20
        kinds.append(kind)
        place += 12 + length
    assert kinds == [b"IHDR", *14 * [b"zTXt"], b"IDAT", b"IEND"]
    assert len(file) < 16 * 1024
    assert opened(file).size == (28, 28)


def test_every_run_of_the_bmp_has_one_pixel() -> None:
    file = bodies.rle_bmp(30)
    image = opened(file)
    assert (image.format, image.size, image.info["compression"]) == ("BMP", (30, 30), 1)
    assert len(np.unique(np.asarray(image))) > 100
    begin = struct.unpack_from("<I", file, 10)[0]
    assert len(file) - begin == 30 * (2 * 30 + 2) + 2


def test_the_full_sized_ones_are_just_below_what_a_body_may_have() -> None:
    assert 9.5 * 2**20 < len(bodies.rle_bmp()) < 10 * 2**20
    assert 9.5 * 2**20 < bodies.BODY_BYTES < 10 * 2**20


def test_zips_are_small_and_what_they_unpack_to_is_large() -> None:
    batch, expanding = bodies.blank_webps(5, 1000), bodies.expanding(6, 3)
    with zipfile.ZipFile(io.BytesIO(batch)) as archive:
        assert len(archive.namelist()) == 5
        assert opened(archive.read("4.webp")).size == (1000, 1000)
    with zipfile.ZipFile(io.BytesIO(expanding)) as archive:
        assert sum(member.file_size for member in archive.infolist()) == pytest.approx(6 * 2**20, rel=0.05)
    assert len(expanding) < 20_000


def test_a_data_set_has_its_labels_as_folders() -> None:
    with zipfile.ZipFile(io.BytesIO(bodies.data_set(bodies.small, 12, "png"))) as archive:
        assert sorted(archive.namelist())[:3] == ["0/0.png", "0/10.png", "1/1.png"]


def test_photographs_have_megapixels() -> None:
    (photograph,) = bodies.photographs(1)
    assert opened(photograph).format == "JPEG"
    assert np.prod(opened(photograph).size) > 2_000_000


def test_a_form_has_its_fields() -> None:
    body = bodies.form({"label": b"7", "file": b"PIXELS"}, boundary="edge")
    assert body == (
        b'--edge\r\nContent-Disposition: form-data; name="label"\r\n\r\n7\r\n'
        b'--edge\r\nContent-Disposition: form-data; name="file"; filename="x"\r\n\r\nPIXELS\r\n--edge--\r\n'
    )
