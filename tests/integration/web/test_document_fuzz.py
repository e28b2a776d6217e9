"""Requests as the OpenAPI document describes them, right ones and wrong ones, alone and in chains, the same each time;
`make fuzz` sends thousands."""

from pathlib import Path

import pytest

from tests.contracts.declared import document as described
from tests.fuzz import document

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow's word about a damaged file


def test_whatever_the_document_allows_is_answered_as_it_says(tmp_path: Path) -> None:
    said: list[str] = []
    seen = document.hold(tmp_path, 3, 1, ("examples", "fuzzing", "stateful"), said.append)
    assert not seen.broken, "\n".join(said)
    labels = {f"{method.upper()} {path}" for path, item in described()["paths"].items() for method in item}
    assert labels <= seen.operations, "\n".join(said)
    assert {200, 404, 422} <= set(seen.statuses) and max(seen.statuses) < 500
