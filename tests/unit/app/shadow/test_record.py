"""What a comparison's record says of itself."""

import dataclasses

from app.shadow.record import Pair
from tests.integration.shadow.shadowing import shadow


def test_it_goes_on_until_it_has_ended() -> None:
    assert shadow().is_active and not dataclasses.replace(shadow(), ended_at=1.0).is_active


def test_a_version_is_named_with_its_model() -> None:
    assert Pair("digits-ada", 1, 12).ref(12) == "digits-ada@12"
