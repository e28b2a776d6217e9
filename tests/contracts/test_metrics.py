"""docs/operations.md has the metrics that there are: names, types and labels, both ways."""

import re

from app.supervision.watch.families import DECLARED
from app.telemetry.instruments import Family
from app.telemetry.measures import Measures
from app.telemetry.overview import BUILD, TOO_LARGE
from tests.conftest import ROOT

PAGE = (ROOT / "docs" / "operations.md").read_text()
ROW = re.compile(r"^\| `(digitserve_\w+)` \| (\w+) \| ([^|]*) \| .+ \|$", re.MULTILINE)


def declared() -> list[Family]:
    measures = Measures()
    own = [one.family for one in [*measures.counted(), *measures.gauges()]]
    return [*own, BUILD, TOO_LARGE, *DECLARED]


def test_every_metric_is_documented_and_every_documented_one_is_there() -> None:
    documented = {name: (kind, re.findall(r"`(\w+)`", labels)) for name, kind, labels in ROW.findall(PAGE)}
    assert documented == {family.name: (family.kind, list(family.labels)) for family in declared()}


def test_no_two_have_one_name() -> None:
    names = [family.name for family in declared()]
    assert len(names) == len(set(names)) > 20
