"""Each refusal has its status, and a sentence that says what to do."""

import pytest

from app.errors import AppError
from app.web.http1 import refusals
from app.web.http1.limits import HttpLimits
from app.web.problems import Problem


@pytest.mark.parametrize(
    ("refusal", "status"),
    [
        (refusals.malformed(), 400),
        (refusals.no_proxy(), 400),
        (refusals.headers_too_large(HttpLimits()), 431),
        (refusals.chunks_too_small(), 400),
        (refusals.request_timeout(), 408),
        (refusals.too_many_connections(), 503),
    ],
)
def test_it_is_in_the_table(refusal: AppError, status: int) -> None:
    problem = Problem.of(refusal)
    assert problem is not None and problem.status == status and problem.detail.endswith(".")


def test_the_numbers_are_those_that_count() -> None:
    assert "8 KiB or 7 lines" in str(refusals.headers_too_large(HttpLimits(head_bytes=8192, head_lines=7)))
