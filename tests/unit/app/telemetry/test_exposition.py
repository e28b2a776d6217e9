"""What Prometheus' own parsers make of the text."""

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as in_open_metrics
from prometheus_client.parser import text_string_to_metric_families as in_text

from app.telemetry.exposition import text
from app.telemetry.instruments import Family

FAMILIES = [
    Family("refusals_total", 'Of "codes" \\ and\nlines.', "counter", ("code",), [(("a",), 3), (('b"\\\n',), 2.5)]),
    Family("rows", "Rows.", "gauge", (), [((), 7)]),
    Family("wait_seconds", "Waits.", "histogram", ("step",), cells={("infer",): [2, 0, 1, 9.25]}, bounds=(0.5, 1)),
    Family("nothing", "Nothing yet.", "gauge", ("process",)),
]


@pytest.mark.parametrize(
    ("accept", "kind", "parse"),
    [
        ("", "text/plain", in_text),
        ("text/plain;version=0.0.4, */*;q=0.1", "text/plain", in_text),
        ("text/plain;version=nonsense", "text/plain", in_text),
        ("application/openmetrics-text; version=1.0.0", "application/openmetrics-text", in_open_metrics),
        ("text/html, Application/OpenMetrics-Text;version=x", "application/openmetrics-text", in_open_metrics),
    ],
)  # fmt: skip
def test_both_formats_say_the_same(accept: str, kind: str, parse: object) -> None:
    body, media_type = text(FAMILIES, accept)
    assert media_type.split(";")[0] == kind
    found = {family.name: family for family in parse(body.decode())}  # type: ignore[operator]
    assert {name: family.type for name, family in found.items()} == {
        "refusals": "counter", "rows": "gauge", "wait_seconds": "histogram", "nothing": "gauge",
    }  # fmt: skip
    samples = {
        (one.name, *sorted(one.labels.items())): one.value for family in found.values() for one in family.samples
    }
    assert samples == {
        ("refusals_total", ("code", "a")): 3,
        ("refusals_total", ("code", 'b"\\\n')): 2.5,
        ("rows",): 7,
        ("wait_seconds_bucket", ("le", "0.5"), ("step", "infer")): 2,
        ("wait_seconds_bucket", ("le", "1.0"), ("step", "infer")): 2,
        ("wait_seconds_bucket", ("le", "+Inf"), ("step", "infer")): 3,
        ("wait_seconds_count", ("step", "infer")): 3,
        ("wait_seconds_sum", ("step", "infer")): 9.25,
    }
    assert found["refusals"].documentation == 'Of "codes" \\ and\nlines.'
