"""What all answers about pictures have in common: milliseconds, and a name of their own."""

import re

import pytest

from app.inference.answer import Durations
from app.predict.answers import Timing, new_id


@pytest.mark.parametrize(
    ("seconds", "milliseconds"),
    [(0.0, 0.0), (0.0012345, 1.234), (0.0000004, 0.0), (0.0000006, 0.001), (12.0, 12000.0)],
)
def test_a_second_is_a_thousand_milliseconds_to_the_microsecond(seconds: float, milliseconds: float) -> None:
    assert Timing.of(Durations(seconds, 0, 0)).prepare == milliseconds


def test_each_part_of_the_time_stays_in_its_place() -> None:
    timing = Timing.of(Durations(prepare=0.001, queue=0.002, infer=0.003))
    assert timing.model_dump() == {"prepare": 1.0, "queue": 2.0, "infer": 3.0}


def test_no_two_answers_have_one_id() -> None:
    names = {new_id(kind) for kind in ("pred", "read") for _ in range(100)}
    assert len(names) == 200
    assert all(re.fullmatch(r"(pred|read)_[0-9a-f]{16}", name) for name in names)
