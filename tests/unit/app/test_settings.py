"""Settings that could only fail later are refused at the start."""

import pytest
from pydantic import ValidationError

from app.settings import Settings


@pytest.mark.parametrize(
    "url",
    [
        "", "sqlite:////var/lib/digits.db", "sqlite:///here.db", "postgresql://me:secret@host:5432/name",
        "postgres://host/name", "postgresql+psycopg://me@/name?host=/run/postgresql",
    ],
)  # fmt: skip
def test_databases_that_can_be(url: str) -> None:
    assert Settings(database_url=url).database_url == url


@pytest.mark.parametrize(
    "url",
    ["sqlite://", "sqlite:///", "sqlite:///:memory:", "mysql://host/name", "postgresql://u@h:abc/x", "here.db",
     "postgresql://host"],
)  # fmt: skip
def test_databases_that_cannot_be(url: str) -> None:
    with pytest.raises(ValidationError, match="name sqlite:"):
        Settings(database_url=url)


def test_the_database_lies_in_the_state_folder_by_default() -> None:
    assert Settings(state_dir="/some/state").database == "sqlite:////some/state/digitserve.db"
