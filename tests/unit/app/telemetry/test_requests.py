"""Answers are counted, and no client makes series."""

from app.telemetry.measures import Measures
from app.telemetry.requests import RequestCounts
from app.web.access.scopes import route_of


def test_answers_go_by_method_route_and_status() -> None:
    measures = Measures()
    counts = RequestCounts(measures, route_of)
    for _ in range(2):
        counts.answered("POST", "/v1/predict", 200, "", 0.002)
        counts.answered("POST", "/v1/predict", 422, "image_invalid", 0.001)
        counts.answered("GET", "/v1/files/file_1", 200, "", 0.001)
    assert measures.requests.cells() == {
        ("POST", "/v1/predict", "200"): [2],
        ("POST", "/v1/predict", "422"): [2],
        ("GET", "/v1/files/{id}", "200"): [2],
    }
    assert measures.refusals.cells() == {("image_invalid",): [2]}
    assert sum(measures.request_seconds.cells()["POST", "/v1/predict"][:-1]) == 4


def test_odd_paths_and_methods_are_one_series() -> None:
    measures = Measures()
    counts = RequestCounts(measures, route_of)
    for number in range(1000):
        counts.answered("GET", f"/nowhere/{number}", 404, "not_found", 0)
        counts.answered(f"M{number}", "/v1/predict", 405, "method_not_allowed", 0)
        counts.answered("GET", f"/v1/models/digits@{number}", 404, "model_not_found", 0)
        counts.answered("GET", f"/ui/{number}.js", 404, "not_found", 0)
    assert measures.requests.cells() == {
        ("GET", "other", "404"): [1000],
        ("other", "other", "405"): [1000],
        ("GET", "/v1/models/{ref}", "404"): [1000],
        ("GET", "/ui/", "404"): [1000],
    }
    assert len(counts._known) == 0


def test_who_left_before_an_answer_began_is_counted_as_such() -> None:
    measures = Measures()
    RequestCounts(measures, route_of).answered("POST", "/v1/predict", 0, "", 0.1)
    assert measures.requests.cells() == {("POST", "/v1/predict", "499"): [1]}


def test_it_tells_how_many_are_being_answered() -> None:
    measures = Measures()
    counts = RequestCounts(measures, route_of)
    counts.now += 3
    assert measures.requests_now.read() == {(): 3}
