"""Triton's statistics from what the service counts."""

import pytest

from app.telemetry.measures import Measures
from app.v2.statistics import statistics
from models_store.refs import Ref


@pytest.fixture
def measures() -> Measures:
    """Two requests of digits@2, of three pictures in one batch and one in another; one of digits@10."""
    made = Measures()
    for label in ("7", "7", "3", "1"):
        made.readings.add(("digits@2", label, "false"))
    made.batch_rows.observe(("digits@2",), 3)
    made.batch_rows.observe(("digits@2",), 1)
    for seconds in (0.25, 0.5):
        made.step_seconds.observe(("digits@2", "prepare"), seconds)
        made.step_seconds.observe(("digits@2", "queue"), seconds / 4)
        made.step_seconds.observe(("digits@2", "infer"), 2 * seconds)
    made.readings.add(("digits@10", "7", "true"))
    made.readings.add(("letters@1", "a", "true"))
    made.readings.add(("other", "other", "true"))  # where there are too many versions to tell apart
    return made


def test_pictures_batches_and_seconds_of_each_version(measures: Measures) -> None:
    found = statistics({one.name: one.cells() for one in measures.counted()}, lambda _: True)
    assert [(one.name, one.version) for one in found] == [("digits", "2"), ("digits", "10"), ("letters", "1")]
    two, ten, _ = found
    assert (two.inference_count, two.execution_count) == (4, 2)
    assert (ten.inference_count, ten.execution_count, ten.inference_stats.success.count) == (1, 0, 0)
    stats = two.inference_stats
    assert [(one.count, one.ns) for one in (stats.compute_input, stats.queue, stats.compute_infer, stats.success)] == [
        (2, 750_000_000), (2, 187_500_000), (2, 1_500_000_000), (2, 2_437_500_000),
    ]  # fmt: skip


def test_only_those_that_are_wanted(measures: Measures) -> None:
    def is_ten(ref: Ref) -> bool:
        return ref.version == 10

    found = statistics({one.name: one.cells() for one in measures.counted()}, is_ten)
    assert [one.version for one in found] == ["10"]


def test_nothing_was_read_yet() -> None:
    assert statistics({one.name: one.cells() for one in Measures().counted()}, lambda _: True) == []
