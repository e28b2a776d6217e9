"""Turns every exception that leaves a route into the one answer shape, FastAPI's and Starlette's own included."""

from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Match, Mount

from app.errors import AppError
from app.web.access.scopes import route_of
from app.web.problems import INTERNAL, Problem
from app.web.request_id import request_id
from app.web.responses import problem_response
from models_store.errors import StoreError

_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
_SENTENCES = {
    404: ("not_found", "There is nothing at this address. See /docs for what there is."),
    405: ("method_not_allowed", "This address does not take this method. See /docs."),
}


def install(app: FastAPI) -> None:
    """Registers the handlers. Unforeseen exceptions pass on to `entry.Entry`, which answers 500."""
    app.add_exception_handler(AppError, _from_table)
    app.add_exception_handler(StoreError, _from_table)
    app.add_exception_handler(HTTPException, _from_starlette)
    app.add_exception_handler(RequestValidationError, _from_validation)


def _from_table(request: Request, error: Exception) -> Response:
    return _answered(request, Problem.of(error) or INTERNAL)


def _from_starlette(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    status = error.status_code
    fallback = (HTTPStatus(status).name.lower(), f"{HTTPStatus(status).phrase}.")
    code, detail = _SENTENCES.get(status, fallback)
    answer = _answered(request, Problem(status, code, detail))
    answer.headers.update(error.headers or {})
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        answer.headers["allow"] = ", ".join(_allowed(request))
    return answer


def _allowed(request: Request) -> list[str]:
    """The methods that an address takes: the routes of one address know nothing of each other."""
    routes = [route for route in request.app.routes if not isinstance(route, Mount)]
    asked = {key: request.scope[key] for key in ("type", "path", "root_path", "headers") if key in request.scope}
    taken = [m for m in _METHODS if any(route.matches({**asked, "method": m})[0] is Match.FULL for route in routes)]
    unknown = {method: route_of(method, request.scope["path"]).count("{") for method in taken}
    fewest = min(unknown.values(), default=0)  # /held has a name of its own, and is no id
    found = [method for method in taken if unknown[method] == fewest] or ["GET"]  # what is mounted is files
    return found + ["HEAD"] * ("GET" in found)


def _from_validation(request: Request, error: Exception) -> Response:
    """Names the field and what is wrong, never the value: echoing NaN or a lone surrogate would break the answer."""
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    where = [str(part) for part in first["loc"] if part not in ("body", "query", "path", "header")]
    param = ".".join(where) or None
    detail = f"{param or 'The request'}: {first['msg']}."
    return _answered(request, Problem(422, "validation_failed", detail, param))


def _answered(request: Request, problem: Problem) -> Response:
    return problem_response(problem, request_id(), request.scope["path"])
