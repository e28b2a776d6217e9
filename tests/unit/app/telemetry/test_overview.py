"""What all processes have counted together."""

import os
from collections.abc import Callable, Iterator, Mapping

import pytest

from app.telemetry.board import Board, file
from app.telemetry.instruments import Family, Labels
from app.telemetry.measures import Measures
from app.telemetry.overview import Overview, totals_of

Start = Callable[[int], Overview]


@pytest.fixture
def memory() -> Iterator[int]:
    fd = file(2, 1)
    yield fd
    os.close(fd)


@pytest.fixture
def start(memory: int) -> Start:
    """A process begins in that row."""
    return lambda row: Overview(Measures(), Board(memory, row))


def told(overview: Overview, name: str) -> Mapping[Labels, float]:
    return dict(family(overview, name).samples)


def family(overview: Overview, name: str) -> Family:
    (found,) = [one for one in overview.families(overview.now()) if one.name == name]
    return found


def test_whoever_is_asked_tells_what_all_have_counted(start: Start) -> None:
    first, second, worker = map(start, range(3))
    for one in (first, second, worker, worker):
        one.measures.refusals.add(("too_busy",))
        one.measures.batch_rows.observe(("digits@1",), 3)
    for one in (first, second, worker):
        one.write()
    for one in (first, second, worker):
        assert told(one, "digitserve_refusals_total") == {("too_busy",): 4}
        cell = family(one, "digitserve_batch_rows").cells["digits@1",]
        assert (sum(cell[:-1]), cell[-1]) == (4, 12)
        assert told(one, "digitserve_process_starts_total") == {("api-1",): 1, ("api-2",): 1, ("worker-1",): 1}


def test_its_own_need_not_be_written_first(start: Start) -> None:
    first, second = start(0), start(1)
    first.measures.refusals.add(("too_busy",))
    assert told(first, "digitserve_refusals_total") == {("too_busy",): 1}
    assert told(second, "digitserve_refusals_total") == {}
    assert first.totals()["digitserve_refusals_total"] == {("too_busy",): [1]}


def test_a_process_that_is_started_again_goes_on(memory: int, start: Start) -> None:
    first, second = start(0), start(1)
    second.measures.refusals.add(("too_busy",))
    second.write()
    second.measures.refusals.add(("too_late",))  # it is killed before it writes this
    Board(memory).clear(1)
    again = start(1)
    again.measures.refusals.add(("too_busy",))
    again.write()
    assert told(first, "digitserve_refusals_total") == {("too_busy",): 2}
    assert told(first, "digitserve_process_starts_total")["api-2",] == 2


def test_how_a_process_is_is_told_until_it_has_ended(memory: int, start: Start) -> None:
    first, second = start(0), start(1)
    first.measures.waiting_rows.read = lambda: {(): 5}
    second.measures.waiting_rows.read = lambda: {(): 7}
    second.write()
    assert told(first, "digitserve_waiting_rows") == {("api-1",): 5, ("api-2",): 7}
    Board(memory).clear(1)
    assert told(first, "digitserve_waiting_rows") == {("api-1",): 5}


def test_gauges_keep_labels_of_their_own(start: Start) -> None:
    first = start(0)
    first.measures.loaded_versions.read = lambda: {("digits@1", "int8", "cpu"): 1}
    assert told(first, "digitserve_loaded_version_info") == {("api-1", "digits@1", "int8", "cpu"): 1}


def test_who_only_reads_the_board_sees_the_same(memory: int, start: Start) -> None:
    first, second = start(0), start(2)
    for one in (first, second):
        one.measures.readings.add(("digits@1", "7", "false"))
        one.write()
    assert totals_of(Board(memory))["digitserve_readings_total"] == {("digits@1", "7", "false"): [2]}


def test_without_news_nothing_is_written_at_once(memory: int, start: Start) -> None:
    first = start(0)
    first.measures.waiting_rows.read = lambda: {(): 5}
    first.write()
    before = Board(memory).every()["api-1"].text
    first.measures.waiting_rows.read = lambda: {(): 6}
    first.write()
    assert Board(memory).every()["api-1"].text == before
    first.measures.refusals.add(("too_busy",))
    first.write()
    assert Board(memory).every()["api-1"].text != before


def test_the_most_that_can_be_counted_fits(start: Start) -> None:
    first, second = start(0), start(1)
    for one in first.measures.counted():
        for number in range(600):
            cell = [123_456_789.125] * one._length
            one.go_on({tuple(f"{label}_of_some_length_{number}" for label in one.labels): cell})
    first.write()
    assert sum(told(second, "digitserve_metrics_too_large_total").values()) == 0
    assert len(told(second, "digitserve_refusals_total")) == 501


def test_what_would_not_fit_is_told_and_logged(start: Start, capsys: pytest.CaptureFixture[str]) -> None:
    first, second = start(0), start(1)
    first.measures.waiting_rows.read = lambda: {("x" * 2**20,): 1}
    first.write()
    assert told(second, "digitserve_metrics_too_large_total") == {("api-1",): 1, ("api-2",): 0}
    assert "metrics_too_large" in capsys.readouterr().out
