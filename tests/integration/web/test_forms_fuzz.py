"""Odd forms, the same each time; `make fuzz` tries twenty thousand."""

from pathlib import Path

from hypothesis import given, settings

from tests.fuzz.forms import FORMS, SentForm
from tests.fuzz.split import check_sent, check_split, two_ways


@settings(max_examples=1500, derandomize=True, database=None, deadline=None)
@given(FORMS)
def test_every_form_is_split_alike_whole_in_pieces_and_on_the_direct_way(form: SentForm) -> None:
    check_split(form)


def test_no_form_breaks_a_door_and_both_ways_to_one_say_the_same(tmp_path: Path) -> None:
    with two_ways(tmp_path) as send:

        @settings(max_examples=60, derandomize=True, database=None, deadline=None)
        @given(FORMS)
        def each(form: SentForm) -> None:
            check_sent(form, send)

        each()


def test_the_forms_take_every_way() -> None:
    ways: set[str] = set()

    @settings(max_examples=100, derandomize=True, database=None, deadline=None)
    @given(FORMS)
    def each(form: SentForm) -> None:
        ways.add(check_split(form))

    each()
    assert ways == {"direct", "framework", "malformed"}
