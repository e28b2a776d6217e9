"""Counters, histograms and gauges, by hand-counted values."""

from concurrent.futures import ThreadPoolExecutor

from app.telemetry.instruments import MOST_SERIES, OTHER, Counter, Family, Gauge, Histogram


def test_a_counter_counts_by_its_labels() -> None:
    counter = Counter("pictures_total", "Pictures.", ("kind",))
    for kind in ("png", "png", "jpeg"):
        counter.add((kind,))
    assert counter.cells() == {("png",): [2], ("jpeg",): [1]}
    assert counter.told(counter.cells()).samples == [(("jpeg",), 1), (("png",), 2)]


def test_a_histogram_has_each_value_in_the_first_bucket_that_holds_it_and_their_sum_last() -> None:
    seconds = Histogram("wait_seconds", "Waits.", bounds=(0.5, 1.0, 2.0))
    for value in (0.5, 0.25, 1.0, 1.5, 2.5, 64.0):  # a bound belongs to its bucket: Prometheus' `le`
        seconds.observe((), value)
    assert seconds.cells() == {(): [2, 1, 1, 2, 69.75]}
    family = seconds.told(seconds.cells())
    assert (family.cells, list(family.bounds)) == ({(): [2, 1, 1, 2, 69.75]}, [0.5, 1.0, 2.0])


def test_there_is_news_until_somebody_has_asked() -> None:
    counter, histogram = Counter("a_total", "A."), Histogram("b", "B.", bounds=(1,))
    assert not counter.has_news and not histogram.has_news
    counter.add()
    histogram.observe((), 1)
    assert counter.has_news and histogram.has_news
    counter.cells(), histogram.cells()
    assert not counter.has_news and not histogram.has_news


def test_a_copy_is_nobody_elses() -> None:
    counter = Counter("a_total", "A.")
    counter.add()
    counter.cells()[()][0] = 100
    assert counter.cells() == {(): [1]}


def test_nobody_makes_series_without_end() -> None:
    counter = Counter("codes_total", "Codes.", ("code", "place"))
    histogram = Histogram("sizes", "Sizes.", ("code",), bounds=(1,))
    for number in range(3 * MOST_SERIES):
        counter.add((f"code{number}", "here"))
        histogram.observe((f"code{number}",), 1)
    for number in range(10):
        histogram.observe((f"code{3 * MOST_SERIES + number}",), 1)
    assert len(counter.cells()) == MOST_SERIES + 1
    assert counter.cells()[OTHER, OTHER] == [2 * MOST_SERIES]
    assert len(histogram.cells()) == MOST_SERIES + 1
    assert histogram.cells()[OTHER,] == [2 * MOST_SERIES + 10, 0, 2 * MOST_SERIES + 10]


def test_what_nobody_asks_for_is_added_up_all_the_same() -> None:
    counter, histogram = Counter("a_total", "A."), Histogram("b", "B.", bounds=(1,))
    for _ in range(100_000):
        counter.add()
        histogram.observe((), 2)
    assert len(counter._seen) < 5000
    assert len(histogram._seen[()]) < 5000
    assert counter.cells() == {(): [100_000]}
    assert histogram.cells() == {(): [0, 100_000, 200_000]}


def test_threads_that_count_while_others_ask_lose_nothing() -> None:
    counter, histogram = Counter("a_total", "A.", ("who",)), Histogram("b", "B.", ("who",), bounds=(1, 2))

    def count(number: int) -> None:
        for step in range(5000):
            counter.add((f"{number % 2}",))
            histogram.observe((f"{number % 2}",), step % 3)
            if step % 50 == 0:
                counter.cells(), histogram.cells()

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(count, range(4)))
    assert counter.cells() == {("0",): [10_000], ("1",): [10_000]}
    assert {labels: sum(cell[:-1]) for labels, cell in histogram.cells().items()} == {("0",): 10_000, ("1",): 10_000}


def test_it_goes_on_from_what_was_counted_before() -> None:
    counter, histogram = Counter("a_total", "A.", ("code",)), Histogram("b", "B.", bounds=(1,))
    counter.add(("x",))
    counter.go_on({("x",): [4], ("y",): [2]})
    histogram.go_on({(): [3, 1, 7.5]})
    histogram.observe((), 1)
    assert counter.cells() == {("x",): [5], ("y",): [2]}
    assert histogram.cells() == {(): [4, 1, 8.5]}


def test_what_another_release_counted_otherwise_is_left_out() -> None:
    histogram = Histogram("b", "B.", ("code",), bounds=(1,))
    histogram.go_on({("x",): [1, 1, 1, 1], ("x", "y"): [1, 1, 1], ("z",): [1, 0, 1]})
    assert histogram.cells() == {("z",): [1, 0, 1]}


def test_a_gauge_says_of_which_process_it_is_and_is_nothing_until_somebody_wires_it() -> None:
    gauge = Gauge("rows", "Rows.", ("version",))
    assert (gauge.labels, gauge.read()) == (("process", "version"), {})
    assert gauge.family == Family("rows", "Rows.", "gauge", ("process", "version"))
