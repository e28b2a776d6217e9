"""What could not be loaded is remembered for half a minute, and counted by why."""

import pytest

from app.inference.refused import RefusedVersions
from app.telemetry.measures import Measures
from models_store.errors import AliasesCorrupt, ManifestMismatch, StoreError, VersionCorrupt, VersionNotFound


def test_each_refusal_is_an_alarm_of_its_kind() -> None:
    measures = Measures()
    refused = RefusedVersions(lambda: 0.0, measures)
    whys = (
        VersionCorrupt("model.pt", "is missing"), AliasesCorrupt("digits", "is no JSON"), ManifestMismatch("Answers."),
        VersionNotFound("Gone."), StoreError("Odd."),
    )  # fmt: skip
    for number, why in enumerate(whys):
        refused.add("digits", number, why)
    refused.add("digits", 0, whys[0])
    assert measures.versions_refused.cells() == {
        ("digits@0", "version_corrupt"): [2],
        ("digits@1", "version_corrupt"): [1],
        ("digits@2", "version_unusable"): [1],
        ("digits@3", "model_not_found"): [1],
        ("digits@4", "other"): [1],
    }


def test_after_half_a_minute_it_may_be_tried_again() -> None:
    now = [100.0]
    refused = RefusedVersions(lambda: now[0], Measures())
    why = ManifestMismatch("It gives other answers here.")
    assert refused.why("digits", 7) is None
    refused.add("digits", 7, why)
    now[0] = 129.9
    assert refused.why("digits", 7) is why
    with pytest.raises(ManifestMismatch, match="other answers"):
        refused.check("digits", 7)
    assert refused.why("digits", 8) is None
    now[0] = 130.0
    assert refused.why("digits", 7) is None
    refused.check("digits", 7)
