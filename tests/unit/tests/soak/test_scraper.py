"""What may never become less."""

from tests.soak.scraper import counted, shrunk

PAGE = """# HELP a_total things
# TYPE a_total counter
a_total{route="/x"} 3
a_total{route="/y"} 1
# HELP g now
# TYPE g gauge
g 7
# HELP h seconds
# TYPE h histogram
h_bucket{le="1"} 2
h_bucket{le="+Inf"} 3
h_sum 1.5
h_count 3
"""


def test_counters_and_histograms_count_and_gauges_do_not() -> None:
    assert {name for name, _ in counted(PAGE)} == {"a_total", "h_bucket", "h_sum", "h_count"}


def test_what_grows_is_right_and_what_shrinks_or_goes_is_named() -> None:
    before = counted(PAGE)
    assert list(shrunk(before, counted(PAGE.replace("} 3", "} 4") + 'a_total{route="/z"} 1\n'))) == []
    of_one = counted('# TYPE p_total counter\np_total{process="api-1"} 4\n')
    assert list(shrunk(of_one, {})) == []
    assert len(list(shrunk(of_one, dict.fromkeys(of_one, 3.0)))) == 1
    lines = list(shrunk(before, counted(PAGE.replace('"/x"} 3', '"/x"} 2').replace('a_total{route="/y"} 1\n', ""))))
    assert lines == ['a_total{route="/x"} went from 3 to 2', 'a_total{route="/y"} went from 1 to nothing']
