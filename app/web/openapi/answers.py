"""The answers of a document that tell of problems: a shape, headers, and an example for each code. What several
operations share stands once, among the document's components.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from app.web.openapi.codes import known
from app.web.problems import EXAMPLE, MEDIA_TYPE, RETRY_SECONDS, Problem, is_open_inference, phrase

Json = dict[str, Any]
_Told = tuple[int, tuple[str, ...], str]  # a status, its codes, and the schema
_PROBLEM, _OPEN_INFERENCE = "Problem", "OpenInferenceProblem"

HEADERS: Mapping[str, Json] = {
    "X-Request-ID": {
        "description": "The name of the request, which the log knows: the client's own, or a new one.",
        "schema": {"type": "string", "examples": ["req_8fd2c1"]},
    },
    "RateLimit": {
        "description": "What this client may still ask; only where there are limits "
        "(draft-ietf-httpapi-ratelimit-headers).",
        "schema": {"type": "string", "examples": ['"requests";r=19;t=1']},
    },
    "Retry-After": {
        "description": "Seconds after which a repetition makes sense.",
        "schema": {"type": "integer", "minimum": 1, "examples": [RETRY_SECONDS]},
    },
    "WWW-Authenticate": {
        "description": "How to show a key.",
        "schema": {"type": "string", "examples": ["Bearer"]},
    },
}
_ALWAYS = ("X-Request-ID", "RateLimit")
_OF_STATUS = {401: ("WWW-Authenticate",), 429: ("Retry-After",), 503: ("Retry-After",)}


class ProblemError(BaseModel):
    """The same problem as OpenAI's clients read it."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=True)

    message: str = Field(description="as `detail`")
    type: str = Field(description="OpenAI's word for the kind")
    param: str | None = Field(description="what in the request it is about")
    code: str = Field(description="as `code`")


class _Facts(BaseModel):
    type: str = Field(description="always about:blank: `code` says what it is", examples=["about:blank"])
    title: str = Field(description="the phrase of the status")
    status: int = Field(ge=400, le=599)
    detail: str = Field(description="a sentence that says what to do next")
    code: str = Field(description="the stable name of the reason; the list of all is in docs/codes.md")
    request_id: str = Field(description="as in the header X-Request-ID, and in the log")


class ProblemSchema(_Facts):
    """The shape of every error (RFC 9457)."""

    error: ProblemError


class OpenInferenceProblemSchema(_Facts):
    """The shape of every error below /v2, as the Open Inference Protocol wants it."""

    error: str = Field(description="as `detail`")


def headers(status: int) -> Json:
    """Those that an answer of this status has, as references."""
    names = (*_ALWAYS, *_OF_STATUS.get(status, ()))
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


class ProblemAnswers:
    """The answers of one document."""

    def __init__(self, told: Iterable[tuple[Mapping[int, Iterable[str]], str]]) -> None:
        """`told` has the codes of each operation by their statuses, and the name of the schema of its problems."""
        used = Counter(_key(status, codes, schema) for one, schema in told for status, codes in one.items())
        self._told = {(status, code, schema) for status, codes, schema in used for code in codes}
        self._shared: dict[_Told, str] = {}
        for key, times in sorted(used.items(), key=lambda one: (-one[1], one[0])):
            name = phrase(key[0]).replace(" ", "") + ("" if key[2] == _PROBLEM else key[2])
            if times > 1 and name not in self._shared.values():
                self._shared[key] = name

    def of(self, status: int, codes: Iterable[str], schema: str = _PROBLEM) -> Json:
        """The answer of one operation."""
        key = _key(status, codes, schema)
        name = self._shared.get(key)
        return {"$ref": f"#/components/responses/{name}"} if name else _answer(*key)

    def components(self) -> Json:
        """What the answers refer to."""
        return {
            "responses": {name: _answer(*key) for key, name in sorted(self._shared.items())},
            "headers": dict(HEADERS),
            "examples": {_called(*one): _example(*one) for one in sorted(self._told)},
        }


def problem_schemas(*, with_open_inference: bool = False) -> Json:
    """The schemas of errors, each under its name."""
    template = "#/components/schemas/{model}"
    schema = ProblemSchema.model_json_schema(ref_template=template)
    found = {**schema.pop("$defs"), _PROBLEM: {**schema, "title": _PROBLEM, "examples": [EXAMPLE]}}
    if with_open_inference:
        schema, example = OpenInferenceProblemSchema.model_json_schema(), EXAMPLE | {"error": EXAMPLE["detail"]}
        found[_OPEN_INFERENCE] = {**schema, "title": _OPEN_INFERENCE, "examples": [example]}
    return found


def schema_of(path: str) -> str:
    """The name of the schema of a path's problems."""
    return _OPEN_INFERENCE if is_open_inference(path) else _PROBLEM


def _key(status: int, codes: Iterable[str], schema: str) -> _Told:
    return status, tuple(sorted(set(codes))), schema


def _answer(status: int, codes: tuple[str, ...], schema: str) -> Json:
    examples = {code: {"$ref": f"#/components/examples/{_called(status, code, schema)}"} for code in codes}
    return {
        "description": f"{phrase(status)}: {', '.join(f'`{code}`' for code in codes)}",
        "headers": headers(status),
        "content": {MEDIA_TYPE: {"schema": {"$ref": f"#/components/schemas/{schema}"}, "examples": examples}},
    }


def _called(status: int, code: str, schema: str) -> str:
    """What the example of a code is called: as the code, as far as that is one thing."""
    has_one = sum(way.status > 0 for way in known()[code]) == 1
    return ("" if schema == _PROBLEM else "v2.") + (code if has_one else f"{code}.{status}")


def _example(status: int, name: str, schema: str) -> Json:
    code = next(way for way in known()[name] if way.status == status)
    problem = Problem(status, name, f"{code.meaning} {code.remedy}")
    return {"summary": code.meaning, "value": problem.body(EXAMPLE["request_id"], "" if schema == _PROBLEM else "/v2")}
