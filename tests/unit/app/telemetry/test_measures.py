"""Every instrument: names as Prometheus wants them, labels that no client chooses."""

import re

from prometheus_client.core import Metric

from app.telemetry.instruments import Histogram
from app.telemetry.measures import Measures
from app.telemetry.overview import BUILD, TOO_LARGE

MEASURES = Measures()
ALL = [*(one.family for one in [*MEASURES.counted(), *MEASURES.gauges()]), BUILD, TOO_LARGE]


def test_names_are_of_the_service_and_there_is_one_of_each() -> None:
    assert all(re.fullmatch(r"digitserve_[a-z]+(_[a-z]+)*", family.name) for family in ALL)
    assert len({family.name for family in ALL}) == len(ALL)


def test_counters_and_no_others_end_in_total() -> None:
    assert {family.name for family in ALL if family.kind == "counter"} == {
        family.name for family in ALL if family.name.endswith("_total")
    }


def test_what_has_a_unit_ends_in_it() -> None:
    """Base units: seconds, bytes, ratio (https://prometheus.io/docs/practices/naming)."""
    for family in ALL:
        assert not re.search(r"milli|_ms\b|_mb\b|minutes|percent", family.name), family.name
        assert Metric(family.name, family.help, family.kind).documentation == family.help
        assert family.help.endswith("."), family.name


def test_bounds_ascend() -> None:
    for instrument in MEASURES.counted():
        if isinstance(instrument, Histogram):
            assert list(instrument.bounds) == sorted(set(instrument.bounds)), instrument.name


def test_what_was_refused_unread_is_a_request_and_a_refusal() -> None:
    measures = Measures()
    measures.refused_unread(431, "headers_too_large")
    assert measures.requests.cells() == {("other", "other", "431"): [1]}
    assert measures.refusals.cells() == {("headers_too_large",): [1]}
