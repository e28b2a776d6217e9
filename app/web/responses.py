"""Problems as HTTP responses."""

from collections.abc import Mapping
from typing import Any

from starlette.responses import JSONResponse
from starlette.types import Message, Receive, Scope, Send

from app.web.problems import MEDIA_TYPE, RETRY_SECONDS, Problem

CODE = "digitserve.code"  # of the message that begins an answer: the code of its problem, for whoever counts them


class CodedResponse(JSONResponse):
    """An error in any shape, with the code by which it is counted."""

    def __init__(
        self,
        body: Any,
        status: int,
        code: str,
        headers: Mapping[str, str] | None = None,
        media_type: str = "application/json",
    ) -> None:
        super().__init__(body, status, headers, media_type)
        self.code = code

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def told(message: Message) -> None:
            await send({**message, CODE: self.code} if message["type"] == "http.response.start" else message)

        await super().__call__(scope, receive, told)


def problem_response(problem: Problem, request_id: str, path: str = "") -> CodedResponse:
    """The answer to what could not be done at `path`; 429 and 503 say when to come back (RFC 9110, 10.2.3)."""
    headers = {"Retry-After": str(RETRY_SECONDS)} if problem.status in (429, 503) else None
    return CodedResponse(problem.body(request_id, path), problem.status, problem.code, headers, MEDIA_TYPE)
