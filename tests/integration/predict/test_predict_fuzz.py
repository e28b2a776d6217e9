"""300 small and odd pictures at every door, the same each time; `make fuzz` tries thousands of others."""

import pytest
from hypothesis import given, settings

from tests.fuzz.doors import check_answered, check_prepared, service
from tests.fuzz.pictures import ODD_PICTURES, OddPicture


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow's word about a damaged file
def test_no_small_or_odd_picture_breaks_a_door(tmp_path_factory: pytest.TempPathFactory) -> None:
    with service(tmp_path_factory.mktemp("fuzz") / "store") as post:

        @settings(max_examples=300, derandomize=True, database=None)
        @given(ODD_PICTURES)
        def each(picture: OddPicture) -> None:
            data = picture.file()
            check_prepared(data)
            check_answered(data, post)

        each()
