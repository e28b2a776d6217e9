"""What a key must allow for each method and path. What no line here names needs `admin`."""

from collections.abc import Mapping

from app.errors import Forbidden

OPEN = ""  # needs no key, even where there are keys
PREDICT, FEEDBACK, TRAIN, PICTURES, ADMIN = "predict", "feedback", "train", "pictures", "admin"

MEANINGS: Mapping[str, str] = {
    PREDICT: "have pictures read, and see which versions there are",
    FEEDBACK: "say what a picture really shows, and take that back",
    TRAIN: "upload data sets, and make and follow jobs",
    PICTURES: "see and download the pictures and data sets that people have sent",
    ADMIN: "all of it, and decide which version serves",
}

_OF_A_VERSION = ("", "/config", "/ready", "/stats")  # below its path in the Open Inference Protocol
_NOT_HERE = (  # what others that speak it have
    *(
        f"{kind}sharedmemory{path}"
        for kind in ("system", "cuda")
        for path in ("/status", "/region/{name}/status", "/region/{name}/register", "/region/{name}/unregister",
                     "/unregister")
    ),
    "trace/setting", "models/{model}/trace/setting", "logging",
    "repository/models/{model}/load", "repository/models/{model}/unload",
)  # fmt: skip

_LINES: Mapping[str, str] = {
    "GET /": OPEN,
    "GET /review": OPEN,  # the page; the pictures on it need a key
    "GET /held": OPEN,  # likewise
    "GET /shadow": OPEN,
    "GET /docs": OPEN,
    "GET /redoc": OPEN,
    "GET /openapi.json": OPEN,
    "GET /healthz": OPEN,
    "GET /readyz": OPEN,
    "GET /metrics": ADMIN,
    "GET /v1/stats": ADMIN,
    "POST /v1/predict": PREDICT,
    "POST /v1/predict/batch": PREDICT,
    "POST /v1/read": PREDICT,
    "GET /v2": PREDICT,
    "GET /v2/health/live": OPEN,
    "GET /v2/health/ready": OPEN,
    "POST /v2/repository/index": PREDICT,
    "GET /v2/models/stats": PREDICT,
    **{f"GET /v2/models/{{model}}{rest}": PREDICT for rest in _OF_A_VERSION},
    **{f"GET /v2/models/{{model}}/versions/{{version}}{rest}": PREDICT for rest in _OF_A_VERSION},
    "POST /v2/models/{model}/infer": PREDICT,
    "POST /v2/models/{model}/versions/{version}/infer": PREDICT,
    **{f"{method} /v2/{path}": PREDICT for method in ("GET", "POST") for path in _NOT_HERE},  # and that is all they say
    "GET /v1/models": PREDICT,
    "GET /v1/models/{ref}": PREDICT,
    "DELETE /v1/models/{ref}": ADMIN,
    "GET /v1/models/{ref}/shadow": ADMIN,
    "DELETE /v1/models/{ref}/shadow": ADMIN,
    "POST /v1/models/{ref}/shadow/{id}": ADMIN,
    "GET /v1/models/{ref}/shadow/{id}/picture": ADMIN,
    "PUT /v1/models/{name}/aliases/{alias}": ADMIN,
    "DELETE /v1/models/{name}/aliases/{alias}": ADMIN,
    "POST /v1/models/{name}/rollback": ADMIN,
    "POST /v1/files": TRAIN,
    "GET /v1/files": TRAIN,
    "GET /v1/files/{id}": TRAIN,
    "DELETE /v1/files/{id}": TRAIN,
    "GET /v1/files/{id}/content": PICTURES,
    "POST /v1/feedback": FEEDBACK,
    "GET /v1/feedback": PICTURES,  # with thumbnails
    "DELETE /v1/feedback": ADMIN,  # many at once
    "GET /v1/feedback/held": PICTURES,
    "POST /v1/feedback/held/release": ADMIN,
    "POST /v1/feedback/held/remove": ADMIN,
    "GET /v1/feedback/{id}/versions": FEEDBACK,  # also of one that is deleted
    "GET /v1/feedback/summary": FEEDBACK,
    "GET /v1/feedback/export": PICTURES,
    "GET /v1/feedback/{id}": FEEDBACK,  # no picture; an id is known to its giver, and to who may see the list
    "DELETE /v1/feedback/{id}": FEEDBACK,
    "GET /v1/feedback/{id}/picture": PICTURES,
    "GET /v1/review": PICTURES,
    "GET /v1/review/{id}/picture": PICTURES,
    "POST /v1/review/{id}": FEEDBACK,
    "DELETE /v1/review/{id}": FEEDBACK,
    "GET /v1/audit": ADMIN,
    "POST /v1/fine_tuning/jobs": TRAIN,
    "GET /v1/fine_tuning/jobs": TRAIN,
    "GET /v1/fine_tuning/jobs/{id}": TRAIN,
    "POST /v1/fine_tuning/jobs/{id}/cancel": TRAIN,
    "POST /v1/fine_tuning/jobs/{id}/pause": TRAIN,
    "POST /v1/fine_tuning/jobs/{id}/resume": TRAIN,
    "GET /v1/fine_tuning/jobs/{id}/events": TRAIN,
    "GET /v1/fine_tuning/jobs/{id}/checkpoints": TRAIN,
}
_OPEN_BELOW = "/ui/"  # what the pages load: files that come with the software


def _of_exact_paths() -> dict[tuple[str, str], str]:
    found = {}
    for line, scope in _LINES.items():
        method, _, path = line.partition(" ")
        if "{" not in path:
            found[method, path] = scope
            if method == "GET":
                found["HEAD", path] = scope
    return found


Words = tuple[str, ...]  # the segments of a path; an empty one stands for any


def _of_templates() -> dict[tuple[str, int], list[tuple[Words, str, str]]]:
    """Lines by their method and number of segments, with their paths; of two that fit, the one that names more segments
    comes first."""
    found: dict[tuple[str, int], list[tuple[Words, str, str]]] = {}
    for line, scope in _LINES.items():
        method, _, path = line.partition(" ")
        if "{" in path:
            words = tuple("" if word.startswith("{") else word for word in path.split("/")[1:])
            found.setdefault((method, len(words)), []).append((words, scope, path))
    for lines in found.values():
        lines.sort(key=lambda one: one[0].count(""))
    return found


_EXACT, _TEMPLATES = _of_exact_paths(), _of_templates()


def needed(method: str, path: str) -> str:
    """The scope that a request needs, or OPEN. `path` is decoded, as routes are matched; HEAD needs what GET does."""
    scope = _EXACT.get((method, path))
    return _otherwise(method, path) if scope is None else scope


def _otherwise(method: str, path: str) -> str:
    return _fitting(method, path)[0]


def _fitting(method: str, path: str) -> tuple[str, str]:
    """The scope of a request for no exact path, and the path of its line; empty where no line fits."""
    method = "GET" if method == "HEAD" else method
    if not path.startswith("/") or not path.isprintable():  # a pattern's end is also before a last line break
        return ADMIN, ""
    if path.startswith(_OPEN_BELOW) and method == "GET":
        return OPEN, _OPEN_BELOW
    parts = path.split("/")[1:]
    for words, scope, template in _TEMPLATES.get((method, len(parts)), ()):
        if all(part == word if word else part for part, word in zip(parts, words, strict=True)):
            return scope, template
    return ADMIN, ""


def route_of(method: str, path: str) -> str:
    """The path of the line that a request is about, as it stands there: `/v1/files/{id}`. Empty where none is."""
    return path if (method, path) in _EXACT else _fitting(method, path)[1]


def is_named(method: str, path: str) -> bool:
    """Whether a line here is about it, or none and it needs the strongest scope for that alone."""
    return needed(method, path) != ADMIN or any(_fits(line, method, path) for line in _LINES)


def _fits(line: str, method: str, path: str) -> bool:
    named, _, template = line.partition(" ")
    words, parts = template.split("/"), path.split("/")
    return (
        named == method
        and len(words) == len(parts)
        and all(word == part or (word.startswith("{") and part != "") for word, part in zip(words, parts, strict=True))
    )


def lacking(scope: str) -> Forbidden:
    """What somebody is told whose key does not allow what needs that scope."""
    return Forbidden(
        "scope_missing",
        f"This key does not allow `{scope}`, which this needs. Use one that was made with `--scope {scope}`.",
    )


def allows(scopes: frozenset[str], scope: str) -> bool:
    """Whether a key with these scopes may do what needs that one."""
    return scope in scopes or ADMIN in scopes
