"""Each method and path has its scope, and what only resembles one needs the strongest."""

import pytest

from app.web.access.scopes import ADMIN, FEEDBACK, MEANINGS, OPEN, PICTURES, PREDICT, TRAIN, allows, needed, route_of

ID = "fb-0a1b2c3d4e5f60718293a4b5"


@pytest.mark.parametrize(
    ("line", "scope"),
    [
        ("GET /healthz", OPEN),
        ("GET /ui/client.js", OPEN),
        ("POST /v1/predict", PREDICT),
        ("GET /v1/models/digits@champion", PREDICT),
        ("DELETE /v1/models/digits@3", ADMIN),
        ("PUT /v1/models/digits/aliases/champion", ADMIN),
        ("POST /v1/models/digits/rollback", ADMIN),
        ("POST /v1/feedback", FEEDBACK),
        ("GET /v1/feedback/summary", FEEDBACK),
        (f"DELETE /v1/feedback/{ID}", FEEDBACK),
        ("GET /v1/feedback", PICTURES),
        ("GET /v1/feedback/export", PICTURES),
        (f"GET /v1/feedback/{ID}/picture", PICTURES),
        ("GET /v1/files/file-1", TRAIN),
        ("GET /v1/files/file-1/content", PICTURES),
        ("POST /v1/fine_tuning/jobs/ftjob-1/cancel", TRAIN),
    ],
)
def test_each_line_has_its_scope(line: str, scope: str) -> None:
    assert needed(*line.split(" ")) == scope


def test_head_needs_what_get_does() -> None:
    for path in ("/", "/healthz", "/v1/models", "/v1/models/digits", "/v1/feedback", "/ui/style.css", "/v1/predict"):
        assert needed("HEAD", path) == needed("GET", path)


@pytest.mark.parametrize(
    "path",
    [
        "//v1/predict", "/v1//predict", "/v1/predict/", "/V1/predict", "/v1/Predict", "/v1/predict/..", "/v1/./predict",
        "/healthz/../v1/predict", "/v1/predict%2f", "/v1/predict\n", "/v1/predict\x00", "/v1/predict;a", "v1/predict",
        "", "/nowhere", "/digits/v1/predict", "/v1", "/v1/", "/docs/x", "/healthz/", "/ui", "*", "http://x/v1/predict",
        "/metrics", "/v1/stats", "/v1/models/digits/", "/v1/models//rollback", "/v1/feedback/summary\n", "/ui/x\r\n",
        "/healthz\n",
    ],
)  # fmt: skip
def test_what_no_line_names_needs_the_strongest(path: str) -> None:
    assert {needed(method, path) for method in ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS")} == {ADMIN}


def test_a_method_that_no_line_names_does_too() -> None:
    for method in ("OPTIONS", "PATCH", "TRACE", "get", "GET ", "", "QUERY"):
        assert {needed(method, path) for path in ("/", "/healthz", "/v1/predict", "/v1/models/digits")} == {ADMIN}
    assert needed("POST", "/ui/style.css") == ADMIN


def test_a_name_that_reads_like_another_line_is_none() -> None:
    assert needed("DELETE", "/v1/feedback/export") == needed("DELETE", f"/v1/feedback/{ID}")  # it is an id there
    assert needed("GET", "/v1/models/digits/rollback") == ADMIN
    assert needed("POST", "/v1/models/rollback/digits") == ADMIN


def test_admin_allows_all_and_the_others_only_themselves() -> None:
    assert set(MEANINGS) == {PREDICT, FEEDBACK, TRAIN, PICTURES, ADMIN}
    for scope in MEANINGS:
        assert allows(frozenset([ADMIN]), scope) and not allows(frozenset(), scope)
        assert [other for other in MEANINGS if allows(frozenset([other]), scope)] == [
            other for other in MEANINGS if other in (scope, ADMIN)
        ]


@pytest.mark.parametrize(
    ("asked", "route"),
    [
        ("POST /v1/predict", "/v1/predict"),
        ("HEAD /v1/models", "/v1/models"),
        ("GET /v1/models/digits@3", "/v1/models/{ref}"),
        ("GET /v1/feedback/summary", "/v1/feedback/summary"),
        (f"GET /v1/feedback/{ID}", "/v1/feedback/{id}"),
        ("GET /ui/deep/file.js", "/ui/"),
        ("GET /v1/predict", ""),
        ("GET /v1/models//", ""),
        ("PUT /nowhere", ""),
        ("GET /v1/models/a\nb", ""),
    ],
)
def test_a_request_is_about_the_path_of_its_line(asked: str, route: str) -> None:
    assert route_of(*asked.split(" ")) == route
