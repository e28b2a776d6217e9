"""What can go wrong in the service, as bare classes; `app.web.problems` says how each is answered.

AppError
├── BadRequest            what was sent cannot be understood
├── Unauthorized          no key, or none that counts
├── Forbidden             who asks may not
├── NotFound              there is no such thing
├── Conflict              there is, and it is in no state for this
├── Unprocessable         it can be understood, and it cannot be done
├── PayloadTooLarge
├── UnsupportedMediaType
├── TooBusy               the queue is full
│   └── RateExceeded      this client has asked too much
├── NotReady              later, perhaps
├── DatabaseUnavailable
├── StateReadOnly         nothing new can be kept
└── StorageFull
"""


class AppError(Exception):
    """The root. `code` is the stable name of the reason, `detail` one sentence that says what to do next."""

    def __init__(self, code: str, detail: str, param: str | None = None) -> None:
        super().__init__(detail)
        self.code = code
        self.param = param


class BadRequest(AppError):
    """What was sent cannot be understood."""


class Unauthorized(AppError):
    """No key was shown, or none that counts."""


class Forbidden(AppError):
    """Who asks may not do this."""


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


class RateExceeded(TooBusy):
    """This client has asked too much; `retry_seconds` says when it may ask again."""

    def __init__(self, code: str, detail: str, retry_seconds: int) -> None:
        super().__init__(code, detail)
        self.retry_seconds = retry_seconds


class NotReady(AppError):
    """No model can answer now."""


class DatabaseUnavailable(AppError):
    """The database is down, cut off or locked for too long."""


class StorageFull(AppError):
    """A disk is full."""


class StateReadOnly(AppError):
    """A folder of the state, or the database in it, can't be written; where a disk went away, not even read."""


# What lasts can't be written for now; it is worth another try later.
NOTHING_LASTS = DatabaseUnavailable, StateReadOnly, StorageFull


class CannotListen(Exception):
    """The address is taken or not this machine's. Never an answer: the server did not start."""


class BackupRefused(Exception):
    """A backup can't be made, read or restored. Never an answer: commands alone do that. Its text is one sentence that
    says why and what to do; `code` names the reason."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code


class CannotStart(Exception):
    """No process of the server could ever answer. Its text is one sentence that says why and what to do."""
