"""What stands on the board: what was counted, and sums of it."""

import pytest

from app.telemetry.instruments import Totals
from app.telemetry.written import Now, read, together, written


def test_what_is_written_is_read_again() -> None:
    totals: Totals = {"a_total": {("x", "y"): [2.0]}, "b": {(): [1, 2, 3.5]}}
    now: Now = {"rows": {("digits@1",): 4.0}, "none": {}}
    assert read(written(totals, now)) == (totals, now)
    assert read(written({}, {})) == ({}, {})


@pytest.mark.parametrize(
    "text",
    [b"", b"no JSON", b"[]", b"3", b'{"totals": 3, "now": {}}', b'{"totals": {"a": [[]]}, "now": {}}', b'{"now": {}}'],
)
def test_what_nobody_has_written_so_is_nothing(text: bytes) -> None:
    assert read(text) == ({}, {})


def test_sums_go_by_name_labels_and_place() -> None:
    one: Totals = {"a_total": {("x",): [1.0], ("y",): [2.0]}, "b": {(): [1.0, 0.0, 0.5]}}
    other: Totals = {"a_total": {("x",): [10.0]}, "b": {(): [0.0, 3.0, 4.0]}, "c_total": {(): [1.0]}}
    assert together([one, other]) == {
        "a_total": {("x",): [11.0], ("y",): [2.0]},
        "b": {(): [1.0, 3.0, 4.5]},
        "c_total": {(): [1.0]},
    }
    assert one["b"] == {(): [1.0, 0.0, 0.5]}


def test_cells_of_another_release_are_not_mixed_with_ours() -> None:
    assert together([{"b": {(): [1.0, 2.0]}}, {"b": {(): [1.0, 2.0, 3.0]}}]) == {"b": {(): [1.0, 2.0]}}
