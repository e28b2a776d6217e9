import io
import itertools
import warnings

import numpy as np
import pytest
from PIL import Image

from benchmarks.hostile import jpeg

SCAN = b"\xff\xda"


@pytest.mark.parametrize(
    ("width", "height", "scans"),
    [(8, 8, 2), (64, 40, 3), (65, 41, 9), (513, 700, 25), (2000, 1500, 5)],  # one run, several, blocks cut at the edge
)
def test_it_has_as_many_scans_as_it_says_and_is_one_grey(width: int, height: int, scans: int) -> None:
    file = jpeg.of_scans(width, height, scans)
    assert file.count(SCAN) == scans
    with warnings.catch_warnings(), Image.open(io.BytesIO(file)) as image:
        warnings.simplefilter("error")
        assert (image.format, image.mode, image.size) == ("JPEG", "L", (width, height))
        assert image.info["progressive"]
        assert np.unique(np.asarray(image)).tolist() == [128]


def test_a_scan_more_is_some_thirty_bytes_more_and_refines_all_coefficients() -> None:
    files = [jpeg.of_scans(2000, 2000, scans) for scans in (10, 11, 12)]
    sizes = [len(later) - len(earlier) for earlier, later in itertools.pairwise(files)]
    assert sizes[0] == sizes[1] < 40
    assert files[2].count(SCAN + b"\x00\x08\x01\x01\x00\x01\x3f\x10") == 10  # Ss 1, Se 63, Ah 1, Al 0


def test_a_thousand_of_sixteen_megapixels_fit_into_sixty_kilobytes() -> None:
    assert len(jpeg.of_scans(4000, 4000, 1000)) < 62 * 1024
