"""Which of the held corrections are meant: what could be nothing's name is refused before the database is asked."""

from typing import Any

import pytest
from pydantic import ValidationError

from app.feedback.schemas import HeldChoice


@pytest.mark.parametrize(
    "said",
    [
        {"giver": "key:\x00"}, {"model": "\x00"}, {"reason": "r" * 65}, {"job": 7}, {"group": "hg-1"}, {"ids": []},
        {"ids": ["fb-1"]}, {"ids": "fb-" + "0" * 24}, {"ids": ["fb-" + "0" * 24] * 1001}, {"giver ": "x"},
    ],
)  # fmt: skip
def test_what_can_be_nothings_name_is_refused(said: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        HeldChoice.model_validate(said)


def test_null_is_said_and_not_left_out() -> None:
    assert HeldChoice.model_validate({"giver": None}).model_fields_set == {"giver"}
    assert HeldChoice.model_validate({"giver": "addr:ä", "job": "ftjob-1"}).giver == "addr:ä"
