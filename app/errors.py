"""Every error that the service answers with: the classes, the one table class -> status and code, the one answer shape.

AppError
├── BadRequest            what was sent cannot be understood
├── NotFound              there is no such thing
├── Conflict              there is, and it is in no state for this
├── Unprocessable         it can be understood, and it cannot be done
├── PayloadTooLarge
├── UnsupportedMediaType
├── TooBusy               the queue is full
├── NotReady              later, perhaps
├── DatabaseUnavailable
└── StorageFull
"""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from starlette.responses import JSONResponse

from models_store.errors import (
    AliasConflict,
    BadRef,
    DataSetRejected,
    ImageRejected,
    ManifestMismatch,
    VersionCorrupt,
    VersionInUse,
    VersionNotFound,
    VersionRejected,
)

MEDIA_TYPE = "application/problem+json"  # RFC 9457
RETRY_SECONDS = 5


class AppError(Exception):
    """The root. `code` is the stable name of the reason, `detail` one sentence that says what to do next."""

    def __init__(self, code: str, detail: str, param: str | None = None) -> None:
        super().__init__(detail)
        self.code = code
        self.param = param


class BadRequest(AppError):
    """What was sent cannot be understood."""


class NotFound(AppError):
    """There is no such thing."""


class Conflict(AppError):
    """It is in no state in which this can be done."""


class Unprocessable(AppError):
    """It can be understood, and it cannot be done."""


class PayloadTooLarge(AppError):
    """The body is over the cap."""


class UnsupportedMediaType(AppError):
    """The Content-Type is none that this route reads."""


class TooBusy(AppError):
    """The queue is full."""


class NotReady(AppError):
    """No model can answer now."""


class DatabaseUnavailable(AppError):
    """The database is down, cut off or locked for too long."""


class StorageFull(AppError):
    """A disk is full."""


class CannotListen(Exception):
    """The address is taken or not this machine's. Never an answer: the server did not start."""


# A code of None is the error's own.
_TABLE: dict[type[Exception], tuple[int, str | None]] = {
    BadRequest: (400, None),
    VersionNotFound: (404, "model_not_found"),
    NotFound: (404, None),
    Conflict: (409, None),
    AliasConflict: (409, "alias_moved"),
    VersionInUse: (409, "version_in_use"),
    VersionRejected: (409, "version_rejected"),
    PayloadTooLarge: (413, None),
    UnsupportedMediaType: (415, None),
    BadRef: (422, "bad_model_name"),
    Unprocessable: (422, None),
    ImageRejected: (422, None),
    DataSetRejected: (422, None),
    TooBusy: (429, None),
    VersionCorrupt: (503, "version_corrupt"),
    ManifestMismatch: (503, "version_unusable"),
    NotReady: (503, None),
    DatabaseUnavailable: (503, None),
    StorageFull: (507, None),
}
_STATUS_OF_CODE = {
    "image_too_large": 413,
    "archive_too_large": 413,
    "archive_too_many_entries": 413,
    "unsupported_image_format": 415,
}
_OPENAI_TYPES = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}


@dataclass(frozen=True)
class Problem:
    """One error answer, before it is spelled for a door."""

    status: int
    code: str
    detail: str
    param: str | None = None

    @classmethod
    def of(cls, error: Exception) -> "Problem | None":
        """The answer to an error of the table, None for any other."""
        row = next((_TABLE[kind] for kind in type(error).__mro__ if kind in _TABLE), None)
        if row is None:
            return None
        status, code = row[0], row[1] or str(getattr(error, "code", "error"))
        return cls(_STATUS_OF_CODE.get(code, status), code, str(error), getattr(error, "param", None))

    def body(self, request_id: str) -> dict[str, Any]:
        """problem+json with OpenAI's `error` object inside, which its client reads."""
        kind = "server_error" if self.status >= 500 else _OPENAI_TYPES.get(self.status, "invalid_request_error")
        return {
            "type": "about:blank",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
            "code": self.code,
            "request_id": request_id,
            "error": {"message": self.detail, "type": kind, "param": self.param, "code": self.code},
        }

    def response(self, request_id: str) -> JSONResponse:
        """The HTTP answer."""
        headers = {"Retry-After": str(RETRY_SECONDS)} if self.status in (429, 503) else None
        return JSONResponse(self.body(request_id), self.status, headers, media_type=MEDIA_TYPE)


INTERNAL = Problem(500, "internal_error", "Something broke on our side. Repeat the request; the log names its id.")
EXAMPLE = Problem(422, "image_invalid", "The picture is damaged. Save it again and resend it.").body("req_8fd2c1")
EXAMPLE_RESPONSE: dict[str, Any] = {
    "description": "Any error has this shape",
    "content": {MEDIA_TYPE: {"example": EXAMPLE, "schema": {"$ref": "#/components/schemas/Problem"}}},
}
