import pytest
from PIL import Image

from models_store.errors import ImageRejected
from models_store.pictures.formats.headers import essence_of, format_of, size_of
from tests.support.pictures import saved
from tests.unit.models_store.pictures.formats.test_bmp import packed

PICTURE = Image.new("RGB", (61, 40), (9, 200, 90))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "BMP"])
def test_every_format_tells_its_size(kind: str) -> None:
    data = saved(PICTURE, kind)
    assert size_of(data) == (61, 40)
    assert essence_of(data).data == data and essence_of(data).orientation == 1
    for cut in range(0, 40, 3):
        assert size_of(data[:cut]) in (None, (61, 40))
        essence_of(data[:cut])


@pytest.mark.parametrize("kind", ["GIF", "TIFF"])
def test_what_is_written_anew_has_the_same_size(kind: str) -> None:
    data = saved(PICTURE, kind)
    assert (format_of(data), size_of(data), size_of(essence_of(data).data)) == (kind, (61, 40), (61, 40))
    for cut in range(8, len(data), 97):
        assert size_of(data[:cut]) in (None, (61, 40))


def test_no_picture_has_none() -> None:
    for data in (b"", b"three", saved(PICTURE, "AVIF"), saved(PICTURE, "PPM")):
        assert size_of(data) is None and essence_of(data).data == data


def test_the_others_are_refused_by_their_own_rules() -> None:
    film = saved(PICTURE, "WEBP", save_all=True, append_images=[PICTURE.rotate(180)])
    for data in (packed(4000, 4000, b"\1\5\0\0"), film + b"ANMF\0\0\0\0" * 5000):
        with pytest.raises(ImageRejected):
            essence_of(data)
