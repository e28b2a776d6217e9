"""Puts the shape of errors into the OpenAPI document."""

from fastapi import FastAPI
from pydantic import BaseModel

from app.web.problems import EXAMPLE


class ProblemSchema(BaseModel):
    """The shape of every error."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    request_id: str
    error: dict[str, str | None]


def describe_problems(app: FastAPI) -> None:
    """The document gets the schema `Problem`, in place of FastAPI's own 422, which is never sent."""
    plain = app.openapi

    def openapi() -> dict[str, object]:
        if app.openapi_schema is None:
            document = plain()
            schemas = document.setdefault("components", {}).setdefault("schemas", {})
            for unused in ("HTTPValidationError", "ValidationError"):
                schemas.pop(unused, None)
            schemas["Problem"] = {**ProblemSchema.model_json_schema(), "title": "Problem", "examples": [EXAMPLE]}
            for path in document["paths"].values():
                for operation in path.values():
                    operation["responses"].pop("422", None)
        return app.openapi_schema or {}

    app.openapi = openapi  # type: ignore[method-assign]
