"""What a child does with a frame: the budget is armed first, and what is wrong is told in the answer."""

import pytest

from app.decoding import spelling, work
from app.decoding.wire import Frame
from models_store.specs import InputSpec
from tests.support.pictures import png
from tests.unit.models_store.datasets.test_clean import unit

FACTS = {"cpu_seconds": 3.5, "max_pixels": 16_000_000, "spec": spelling.of_spec(InputSpec())}


def nobody(_: Frame) -> Frame:
    raise AssertionError("there is nothing to ask")


@pytest.mark.parametrize("what", ["read", "page", "keep"])
def test_a_picture_is_looked_at_within_its_budget(what: str) -> None:
    armed: list[float] = []
    assert work.done(Frame({**FACTS, "work": what}, png(unit(1))), armed.append, nobody).data
    assert armed == [3.5]
    refused = work.done(Frame({**FACTS, "work": what}, b"rubbish"), armed.append, nobody)
    assert refused.header[work.REFUSED][0] == "image_invalid"
