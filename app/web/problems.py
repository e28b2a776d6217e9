"""How errors are answered: the one table class -> status and code, and the one shape of the body (RFC 9457).

It needs no web framework, so that processes without one can answer too: the supervisor does while a server ends.
"""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from app.errors import (
    BadRequest,
    Conflict,
    DatabaseUnavailable,
    Forbidden,
    NotFound,
    NotReady,
    PayloadTooLarge,
    RateExceeded,
    StateReadOnly,
    StorageFull,
    TooBusy,
    Unauthorized,
    Unprocessable,
    UnsupportedMediaType,
)
from models_store.errors import (
    AliasConflict,
    AliasesCorrupt,
    AliasFixed,
    BadRef,
    DataSetRejected,
    ImageRejected,
    ManifestMismatch,
    StoreBusy,
    StoreFull,
    StoreReadOnly,
    TooManyAliases,
    VersionCorrupt,
    VersionInUse,
    VersionNotFound,
    VersionRejected,
)

MEDIA_TYPE = "application/problem+json"  # RFC 9457
RETRY_SECONDS = 5

# A code of None is the error's own.
_TABLE: dict[type[Exception], tuple[int, str | None]] = {
    BadRequest: (400, None),
    Unauthorized: (401, None),
    Forbidden: (403, None),
    VersionNotFound: (404, "model_not_found"),
    NotFound: (404, None),
    Conflict: (409, None),
    AliasConflict: (409, "alias_moved"),
    AliasFixed: (409, "alias_fixed"),
    TooManyAliases: (409, "too_many_aliases"),
    VersionInUse: (409, "version_in_use"),
    VersionRejected: (409, "version_rejected"),
    PayloadTooLarge: (413, None),
    UnsupportedMediaType: (415, None),
    BadRef: (422, "bad_model_name"),
    Unprocessable: (422, None),
    ImageRejected: (422, None),
    DataSetRejected: (422, None),
    TooBusy: (429, None),
    RateExceeded: (429, None),
    AliasesCorrupt: (503, "version_corrupt"),
    VersionCorrupt: (503, "version_corrupt"),
    ManifestMismatch: (503, "version_unusable"),
    NotReady: (503, None),
    DatabaseUnavailable: (503, None),
    StateReadOnly: (503, None),
    StoreReadOnly: (503, "store_read_only"),
    StoreBusy: (503, "too_many_open_files"),
    StorageFull: (507, None),
    StoreFull: (507, "storage_full"),
}
_STATUS_OF_CODE = {
    "image_too_large": 413,
    "request_timeout": 408,
    "archive_too_large": 413,
    "archive_too_many_entries": 413,
    "unsupported_image_format": 415,
    "headers_too_large": 431,
}
_OPENAI_TYPES = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}


# Python before 3.13 has the names of RFC 7231.
_PHRASES = {413: "Content Too Large", 422: "Unprocessable Content"}


def phrase(status: int) -> str:
    """What a status is called (RFC 9110, 15), whatever Python says."""
    return _PHRASES.get(status) or HTTPStatus(status).phrase


def is_open_inference(path: str) -> bool:
    """Whether a path is the door of the Open Inference Protocol, or below it."""
    return path == "/v2" or path.startswith("/v2/")


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

    def body(self, request_id: str, path: str = "") -> dict[str, Any]:
        """problem+json with `error` inside, as the clients of the door read it at which `path` was asked: below /v2 the
        sentence, elsewhere OpenAI's object.
        """
        kind = "server_error" if self.status >= 500 else _OPENAI_TYPES.get(self.status, "invalid_request_error")
        about = {"message": self.detail, "type": kind, "param": self.param, "code": self.code}
        return {
            "type": "about:blank",
            "title": phrase(self.status),
            "status": self.status,
            "detail": self.detail,
            "code": self.code,
            "request_id": request_id,
            "error": self.detail if is_open_inference(path) else about,
        }


INTERNAL = Problem(500, "internal_error", "Something broke on our side. Repeat the request; the log names its id.")
EXAMPLE = Problem(422, "image_invalid", "The picture is damaged. Save it again and resend it.").body("req_8fd2c1")
