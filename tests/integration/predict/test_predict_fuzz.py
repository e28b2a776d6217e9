"""150 small and odd pictures and 150 damaged ones at every door, the same each time; `make fuzz` tries thousands."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz.doors import check_answered, check_prepared, service
from tests.fuzz.mutants import MUTANTS, Mutant, honest
from tests.fuzz.pictures import ODD_PICTURES, OddPicture

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow's word about a damaged file


@pytest.mark.parametrize("pictures", [ODD_PICTURES, MUTANTS], ids=["odd", "damaged"])
def test_no_odd_or_damaged_picture_breaks_a_door(
    pictures: st.SearchStrategy[OddPicture | Mutant], tmp_path_factory: pytest.TempPathFactory
) -> None:
    with service(tmp_path_factory.mktemp("fuzz") / "store") as post:

        @settings(max_examples=150, derandomize=True, database=None, deadline=None)
        @given(pictures)
        def each(picture: OddPicture | Mutant) -> None:
            data = picture.file()
            check_prepared(data)
            check_answered(data, post)

        each()


@pytest.mark.parametrize("name", honest())
def test_what_the_damaged_ones_come_from_is_read(name: str) -> None:
    check_prepared(honest()[name], read=True)
