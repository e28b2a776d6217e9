"""What versions read is counted once, whichever way it came."""

import dataclasses

import numpy as np
import pytest

from app.inference.answer import Answer, Answers, Durations
from app.inference.counted import ReadingCounts
from app.telemetry.measures import Measures
from models_store.errors import ImageRejected
from models_store.refs import Ref
from models_store.registry import Registry
from tests.support.pictures import png
from tests.support.rows import written
from tests.unit.app.inference.test_engine import Corner, numbered, started

CHAMPION = Ref("digits")


def readings(measures: Measures) -> dict[str, float]:
    """By label, of the one version."""
    found: dict[str, float] = {}
    for (version, label, _), (count,) in measures.readings.cells().items():
        assert version == "digits@1"
        found[label] = found.get(label, 0) + count
    return found


@pytest.mark.parametrize("copies", [1, 10])  # on the event loop, and in a thread
async def test_every_picture_of_a_request_is_counted_once(registry: Registry, copies: int) -> None:
    async with started(registry, Corner()) as engine:
        answers = await engine.predict(CHAMPION, [numbered(7), b"rubbish", numbered(1)] * copies)
        measures = engine._measures
    assert readings(measures) == {"7": copies, "1": copies}
    unsure = sum(isinstance(item, Answer) and item.verdict.uncertain for item in answers.items)
    counted = sum(cell[0] for labels, cell in measures.readings.cells().items() if labels[2] == "true")
    assert counted == unsure
    assert measures.pictures_refused.cells() == {("image_invalid",): [copies]}
    assert sum(measures.confidence.cells()["digits@1",][:-1]) == 2 * copies
    steps = {step: sum(cell[:-1]) for (_, step), cell in measures.step_seconds.cells().items()}
    assert steps == {"prepare": 1, "queue": 1, "infer": 1}


async def test_where_no_picture_is_good_nothing_was_inferred(registry: Registry) -> None:
    async with started(registry, Corner()) as engine:
        await engine.predict(CHAMPION, [b"rubbish"])
    assert {step for _, step in engine._measures.step_seconds.cells()} == {"prepare"}


async def test_the_digits_of_a_page_are_counted_each(registry: Registry) -> None:
    page = png(written(["1907 365", "42"], np.random.default_rng(3), height=60).levels)
    async with started(registry, Corner()) as engine:
        answer = await engine.read(CHAMPION, page)
        with pytest.raises(ImageRejected):
            await engine.read(CHAMPION, b"rubbish")
    assert sum(readings(engine._measures).values()) == len(answer.verdicts) == 9
    assert sum(engine._measures.pictures_refused.cells()["image_invalid",]) == 1


async def test_of_a_version_with_many_labels_the_last_ones_are_counted_together(registry: Registry) -> None:
    async with started(registry, Corner()) as engine:
        answers = await engine.predict(CHAMPION, [numbered(0)])
    labels = tuple(f"label{number}" for number in range(100))
    manifest = dataclasses.replace(answers.version.manifest, labels=labels)
    prepared = answers.items[0]
    assert isinstance(prepared, Answer)
    items = [Answer(prepared.prepared, row, manifest) for row in np.eye(100, dtype=np.float32)]
    measures = Measures()
    many = Answers(dataclasses.replace(answers.version, manifest=manifest), list(items), Durations(0, 0, 0))
    ReadingCounts(measures).answers(many)
    found = readings(measures)
    assert len(found) == 64
    assert (found["label62"], found["other"]) == (1, 37)
