"""Operations are called as their functions are."""

import pytest
from fastapi.routing import APIRoute

from app.web.openapi.names import operation_id


@pytest.mark.parametrize(("name", "called"), [("predict", "predict"), ("list_job_events", "listJobEvents")])
def test_words_are_joined(name: str, called: str) -> None:
    assert operation_id(APIRoute("/x", lambda: None, name=name)) == called
