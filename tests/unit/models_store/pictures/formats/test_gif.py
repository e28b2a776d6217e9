import io
import struct

import numpy as np
import pytest
from PIL import Image

from models_store.errors import ImageRejected
from models_store.pictures.decode import colour_of, decoded, grey_of, open_picture
from models_store.pictures.formats.gif import essence, size
from tests.support.layout import Grey
from tests.support.pictures import encoded, saved
from training.synthetic import strokes

_BLOCKS = b"!\xfe" + b"\1a" * 5000 + b"\0"  # a comment of single letters


@pytest.fixture
def paper(rng: np.random.Generator) -> Grey:
    return strokes.on_paper(3, rng)


def read(data: bytes) -> Grey:
    return grey_of(decoded(open_picture(data, 100_000), "L", 1024))


def test_the_first_frame_is_the_picture(paper: Grey) -> None:
    others = [Image.new("L", (300, 200), level) for level in (0, 90, 255)]
    film = encoded(paper, "GIF", save_all=True, append_images=others, comment=b"a secret place")
    assert (read(film) == paper).all()
    assert b"secret" not in essence(film).data


def test_a_frame_elsewhere_is_a_picture_of_its_own_size(paper: Grey) -> None:
    data = encoded(paper, "GIF")
    at = data.index(b",\0\0\0\0" + struct.pack("<HH", 300, 200))
    for screen in ((8000, 8000), (1, 1)):
        moved = (
            data[:6] + struct.pack("<HH", *screen) + data[10 : at + 1] + struct.pack("<HH", 700, 90) + data[at + 5 :]
        )
        assert size(moved) == (300, 200)
        assert (read(moved) == paper).all()


def test_what_is_clear_is_laid_on_a_ground() -> None:
    ink = Image.new("RGBA", (40, 30))
    ink.paste((20, 0, 0, 255), (10, 5, 14, 25))
    picture = colour_of(decoded(open_picture(saved(ink, "GIF"), 2000), "RGB", 1024))
    assert picture[0, 0].tolist() == [255] * 3 and picture[10, 12].max() < 40


@pytest.mark.parametrize("mode", ["1", "L", "P"])
@pytest.mark.parametrize("interlace", [0, 1])
def test_every_kind_is_read(mode: str, interlace: int) -> None:
    image = Image.linear_gradient("L").resize((70, 50)).convert(mode)
    expected = np.asarray(Image.open(io.BytesIO(saved(image, "GIF"))).convert("L"))
    assert (read(saved(image, "GIF", interlace=interlace)) == expected).all()


def test_thousands_of_blocks_before_it_are_refused(paper: Grey) -> None:
    data = encoded(paper, "GIF")
    start = 13 + 768
    assert size(data[:start] + _BLOCKS[:2000] + b"\0" + data[start:]) == (300, 200)
    for many in (_BLOCKS, b"!\xfe\0" * 5000):
        assert size(data[:start] + many + data[start:]) is None
        with pytest.raises(ImageRejected, match="blocks before its first frame") as refused:
            essence(data[:start] + many + data[start:])
        assert refused.value.code == "image_too_complex"


def test_what_ends_before_its_frame_has_no_size(paper: Grey) -> None:
    data = encoded(paper, "GIF")
    end = data.index(b",\0\0\0\0" + struct.pack("<HH", 300, 200)) + 10
    assert [size(data[:cut]) for cut in range(end)] == [None] * end
    assert size(data[:end]) == (300, 200)
