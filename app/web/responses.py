"""Problems as HTTP responses."""

from starlette.responses import JSONResponse

from app.web.problems import MEDIA_TYPE, RETRY_SECONDS, Problem


def problem_response(problem: Problem, request_id: str) -> JSONResponse:
    """The answer to a request that could not be done; 429 and 503 say when to come back (RFC 9110, 10.2.3)."""
    headers = {"Retry-After": str(RETRY_SECONDS)} if problem.status in (429, 503) else None
    return JSONResponse(problem.body(request_id), problem.status, headers, media_type=MEDIA_TYPE)
