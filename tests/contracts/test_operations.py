"""docs/operations.md speaks of settings and errors that there are."""

import re

from app.settings import Settings
from models_store.variables import PREFIX
from tests.conftest import ROOT

PAGE = (ROOT / "docs" / "operations.md").read_text()
SOURCES = "\n".join(
    path.read_text() for room in ("app", "models_store", "training") for path in (ROOT / room).rglob("*.py")
)


def test_every_setting_of_the_page_exists() -> None:
    named = set(re.findall(rf"{PREFIX}([A-Z_]+)", PAGE))
    assert len(named) > 15
    assert sorted(name for name in named if name.lower() not in Settings.model_fields) == []


def test_every_error_of_the_page_exists() -> None:
    named = set(re.findall(r"\b[45]\d\d `([a-z_]+)`", PAGE))
    assert len(named) > 20
    assert sorted(code for code in named if f'"{code}"' not in SOURCES) == []


def test_every_limit_by_client_or_count_that_can_be_set_is_on_the_page() -> None:
    limits = [name for name in Settings.model_fields if re.search(r"max|kept|streams|per_client|pixels|_hours", name)]
    assert len(limits) > 10
    assert [name for name in limits if f"{PREFIX}{name.upper()}" not in PAGE] == []
