"""How each error is answered: its status, its code, and a body that OpenAI's client reads."""

import pytest

from app import errors
from app.web.problems import EXAMPLE, INTERNAL, Problem
from models_store import errors as store

# Statuses by RFC 9110, RFC 6585 (429) and RFC 4918 (507). Codes stay as they are: clients look at them.
ANSWERS: list[tuple[Exception, int, str]] = [
    (errors.BadRequest("json_malformed", "No JSON."), 400, "json_malformed"),
    (errors.NotFound("file_not_found", "None."), 404, "file_not_found"),
    (errors.Conflict("job_ended", "It ended."), 409, "job_ended"),
    (errors.PayloadTooLarge("payload_too_large", "Large."), 413, "payload_too_large"),
    (errors.UnsupportedMediaType("unsupported_media_type", "Other."), 415, "unsupported_media_type"),
    (errors.Unprocessable("label_unknown", "Unknown."), 422, "label_unknown"),
    (errors.TooBusy("too_busy", "Busy."), 429, "too_busy"),
    (errors.NotReady("loading", "Soon."), 503, "loading"),
    (errors.DatabaseUnavailable("database_unavailable", "Down."), 503, "database_unavailable"),
    (errors.StorageFull("storage_full", "Full."), 507, "storage_full"),
    (store.VersionNotFound("None."), 404, "model_not_found"),
    (store.BadRef("Bad."), 422, "bad_model_name"),
    (store.AliasConflict("champion", 7), 409, "alias_moved"),
    (store.VersionInUse("Used."), 409, "version_in_use"),
    (store.VersionRejected("Rejected."), 409, "version_rejected"),
    (store.VersionCorrupt("model.pt", "is missing"), 503, "version_corrupt"),
    (store.ManifestMismatch("Other."), 503, "version_unusable"),
    (store.ImageRejected("image_invalid", "Damaged."), 422, "image_invalid"),
    (store.ImageRejected("image_too_large", "Large."), 413, "image_too_large"),
    (store.ImageRejected("unsupported_image_format", "GIF."), 415, "unsupported_image_format"),
    (store.DataSetRejected("archive_invalid", "No zip."), 422, "archive_invalid"),
    (store.DataSetRejected("archive_too_large", "Large."), 413, "archive_too_large"),
    (store.DataSetRejected("archive_too_many_entries", "Many."), 413, "archive_too_many_entries"),
]


@pytest.mark.parametrize(("error", "status", "code"), ANSWERS, ids=[code for *_, code in ANSWERS])
def test_an_error_has_one_status_one_code_and_its_own_sentence(error: Exception, status: int, code: str) -> None:
    assert Problem.of(error) == Problem(status, code, str(error))


def test_a_special_case_is_answered_as_its_nearest_relative_and_with_its_field() -> None:
    class Gone(errors.NotFound):
        pass

    assert Problem.of(Gone("gone", "It is gone.", "after")) == Problem(404, "gone", "It is gone.", "after")


@pytest.mark.parametrize("error", [KeyError("x"), store.RecordRejected("No."), errors.AppError("any", "Any.")])
def test_what_is_in_no_row_is_nobodys_problem(error: Exception) -> None:
    assert Problem.of(error) is None


@pytest.mark.parametrize(
    ("status", "title", "kind"),
    [
        (422, "Unprocessable Content", "invalid_request_error"), (404, "Not Found", "invalid_request_error"),
        (401, "Unauthorized", "authentication_error"), (403, "Forbidden", "permission_error"),
        (429, "Too Many Requests", "rate_limit_error"), (503, "Service Unavailable", "server_error"),
        (507, "Insufficient Storage", "server_error"),
    ],
)  # fmt: skip
def test_a_body_is_rfc_9457s_with_openais_error_inside(status: int, title: str, kind: str) -> None:
    assert Problem(status, "the_code", "Look again.", "model").body("req-1") == {
        "type": "about:blank", "title": title, "status": status, "detail": "Look again.", "code": "the_code",
        "request_id": "req-1",
        "error": {"message": "Look again.", "type": kind, "param": "model", "code": "the_code"},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("path", "is_string"),
    [("/v2", True), ("/v2/models/digits/infer", True), ("/v2/", True), ("", False), ("/", False),
     ("/v1/predict", False),
     ("/v22", False), ("/v1/v2/x", False), ("/V2", False)],
)  # fmt: skip
def test_below_v2_the_error_is_the_sentence_and_all_else_is_alike(path: str, is_string: bool) -> None:
    problem = Problem(404, "not_found", "There is nothing.")
    here, elsewhere = problem.body("req-1", path), problem.body("req-1")
    assert (here.pop("error") == "There is nothing.") is is_string
    elsewhere.pop("error")
    assert here == elsewhere


def test_the_example_in_the_documents_has_the_shape_of_every_error() -> None:
    assert set(EXAMPLE) == set(INTERNAL.body("req-1"))
