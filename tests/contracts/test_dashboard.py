"""What deploy/ asks Prometheus is there: every name and label of the dashboard and of the alerts is one of /metrics."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from app.telemetry.instruments import Family
from tests.conftest import ROOT
from tests.contracts.test_metrics import PAGE, declared

DASHBOARD = json.loads((ROOT / "deploy" / "grafana" / "digitserve.json").read_text())
ALERTS = (ROOT / "deploy" / "prometheus" / "alerts.yml").read_text()
FAMILIES = {family.name: family for family in declared()}
_ENDS = ("_bucket", "_sum", "_count")
_OF_PROMETHEUS = {"instance", "job", "le"}
_NAME = re.compile(r"\bdigitserve_\w+")


def of_dashboard() -> Iterator[str]:
    for panel in DASHBOARD["panels"]:
        for target in panel.get("targets", []):
            yield target["expr"]


def of_alerts() -> list[str]:
    """YAML as it is written here: an expression on its line, or folded below `>-`."""
    found = re.findall(r"^ +expr: (?:>-\n((?: {10}.*\n)+)|(.*)\n)", ALERTS, re.MULTILINE)
    assert len(found) == ALERTS.count("- alert:") > 10
    return [" ".join((folded or plain).split()) for folded, plain in found]


EXPRESSIONS = [*of_dashboard(), *of_alerts()]


def family_of(name: str) -> Family | None:
    if name in FAMILIES and FAMILIES[name].kind != "histogram":
        return FAMILIES[name]
    base = next((name.removesuffix(end) for end in _ENDS if name.endswith(end)), "")
    return FAMILIES[base] if base in FAMILIES and FAMILIES[base].kind == "histogram" else None


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_every_name_and_label_exists(expression: str) -> None:
    assert all(expression.count(one) == expression.count(other) for one, other in ("()", "[]", "{}"))
    names = _NAME.findall(expression)
    assert names or expression.startswith("up{")
    assert [name for name in names if family_of(name) is None] == []
    for name, matchers in re.findall(r"(\bdigitserve_\w+)\{([^}]*)\}", expression):
        family = family_of(name)
        assert family is not None
        used = set(re.findall(r"(\w+)(?:=|!=|=~|!~)\"", matchers))
        assert used <= {*family.labels, *_OF_PROMETHEUS}, name
    grouped = {
        label.strip() for labels in re.findall(r"\b(?:by|on) \(([^)]*)\)", expression) for label in labels.split(",")
    }
    labels = set().union(*(family.labels for name in names if (family := family_of(name))))
    assert grouped <= {*labels, *_OF_PROMETHEUS}


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_counters_are_asked_for_their_rate_and_gauges_for_their_value(expression: str) -> None:
    for name in _NAME.findall(expression):
        family = family_of(name)
        assert family is not None
        is_rate = bool(re.search(rf"\b(?:rate|increase)\({name}(?:\{{[^}}]*\}})?\[", expression))
        assert is_rate == (family.kind in ("counter", "histogram")), name


def test_the_dashboard_shows_nearly_everything() -> None:
    shown = {
        family.name
        for expression in of_dashboard()
        for name in _NAME.findall(expression)
        if (family := family_of(name))
    }
    elsewhere = {  # in alerts, or of use to whoever looks for it
        "digitserve_build_info", "digitserve_files", "digitserve_shadow_info", "digitserve_versions_refused_total",
        "digitserve_out_of_memory_fallbacks_total", "digitserve_metrics_too_large_total",
        "digitserve_job_duration_seconds", "digitserve_process_start_time_seconds",
    }  # fmt: skip
    assert set(FAMILIES) - shown == elsewhere


def test_panels_have_a_place_and_a_title_each() -> None:
    panels: list[dict[str, Any]] = DASHBOARD["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        at = panel["gridPos"]
        assert panel["title"] and at["x"] + at["w"] <= 24
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken, panel["title"]
        taken |= cells


def test_every_alert_stands_on_the_page_with_its_threshold() -> None:
    rows = dict(re.findall(r"^\| `(DigitServe\w+)` \| `(.+?)`", PAGE, re.MULTILINE))
    names = re.findall(r"- alert: (\w+)", ALERTS)
    assert {name: expression.replace(" \\| ", " | ").replace("\\|", "|") for name, expression in rows.items()} == dict(
        zip(names, of_alerts(), strict=True)
    )
