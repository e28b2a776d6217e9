"""One tree, to be caught as a whole or by what one would do."""

import pytest

from digitserve.client import errors
from digitserve.client.errors import Busy, DigitServeError, JobFailed, Refused, Unreachable


def test_all_are_of_one_tree_and_none_is_another() -> None:
    kinds = (Refused, Busy, Unreachable, JobFailed)
    assert all(kind.__bases__ == (DigitServeError,) for kind in kinds)
    drawn = errors.__doc__ or ""
    assert all(kind.__name__ in drawn for kind in (DigitServeError, *kinds))


def test_an_error_is_its_sentence_and_knows_the_rest() -> None:
    with pytest.raises(DigitServeError, match=r"^Wait a little$") as raised:
        raise Busy("Wait a little", code="loading", status=503, request_id="req_1", retry_after=5.0)
    error = raised.value
    assert (error.detail, error.code, error.status, error.request_id, error.retry_after, error.may_be_done) == (
        "Wait a little", "loading", 503, "req_1", 5.0, False
    )  # fmt: skip
    failed = JobFailed("No room", job_id="ftjob-1", code="storage_full")
    assert (failed.job_id, failed.code, failed.status) == ("ftjob-1", "storage_full", None)
