"""What can go wrong, for whoever has to decide what to do about it.

DigitServeError       everything below; itself where the server is at fault: 500, 507, an answer of somebody else
  Refused             4xx: this request can't be done so, and repeating it changes nothing
  Busy                429 or 503: not now, and it was not done; `retry_after` says when
  Unreachable         nobody answered; what was sent may have been done or not
  JobFailed           a job that was waited for has ended without a version
"""


class DigitServeError(Exception):
    """As text it is one sentence that says what to do. `code` is stable and made for programs."""

    def __init__(
        self,
        detail: str,
        *,
        code: str = "",
        status: int | None = None,
        request_id: str | None = None,
        retry_after: float | None = None,
        may_be_done: bool = False,
    ) -> None:
        """`status` is None where nobody answered. `request_id` stands in the server's log; `retry_after` is in seconds.

        `may_be_done`: an attempt before this answer was lost on its way, so that what was asked for may be done.
        """
        super().__init__(detail)
        self.detail = detail
        self.code = code
        self.status = status
        self.request_id = request_id
        self.retry_after = retry_after
        self.may_be_done = may_be_done


class Refused(DigitServeError):
    """The server says no to what was asked: look at `code`."""


class Busy(DigitServeError):
    """The server can't do it now. It was asked again for as long as the client was told to."""


class Unreachable(DigitServeError):
    """Nobody answers, or the connection broke, or the answer took longer than `timeout`."""


class JobFailed(DigitServeError):
    """A job ended as `failed` or `cancelled`; `code` is its error's."""

    def __init__(self, detail: str, *, job_id: str, code: str) -> None:
        super().__init__(detail, code=code)
        self.job_id = job_id
