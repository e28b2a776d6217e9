"""What is sent for pictures and versions; tests/integration has the real answers."""

import httpx
import pytest

from digitserve.client.errors import Refused
from digitserve.client.methods import Methods
from digitserve.client.readings import BadPicture, Box, Prediction
from digitserve.client.steps import Ask, Repeat
from tests.unit.digitserve.client.driving import driven, problem, reply

READING = {"label": "7", "confidence": 0.9, "uncertain": False, "probabilities": {"7": 0.9}, "warnings": []}
AROUND = {"id": "pred_1", "model": "digits@2", "timing_ms": {"prepare": 1.0, "queue": 0.0, "infer": 1.0}}
PUT = Ask("PUT", "/v1/models/digits/aliases/champion", json={"version": 3, "expected": 2})
MOVED = {"model": "digits", "aliases": {"champion": 3, "previous": 2}}


def methods() -> Methods:
    return Methods("http://here", 30.0)


def version(number: int) -> dict[str, object]:
    return {"id": f"digits@{number}", "aliases": ["champion"], "parent": None, "job": None, "manifest": {}}


def test_only_what_is_asked_for_is_in_the_query() -> None:
    _, (plain,) = driven(methods().predict(b"x"), [reply({**READING, **AROUND})])
    _, (full,) = driven(
        methods().predict(b"x", model="digits@1", top_k=3, prepared=True, explain=True), [reply({**READING, **AROUND})]
    )
    assert isinstance(plain, Ask) and isinstance(full, Ask)
    assert (plain.query, plain.content) == ({}, b"x")
    assert full.query == {"model": "digits@1", "top_k": 3, "prepared": "true", "explain": "true"}


def test_what_a_number_should_be_is_in_the_query_too() -> None:
    page = {**AROUND, "text": "", "lines": [], "warnings": [], "width": 9, "height": 9}
    _, (plain,) = driven(methods().read(b"x"), [reply(page)])
    regions = [Box(1, 2, 30, 40), Box(5, 60, 7, 8)]
    _, (full,) = driven(methods().read(b"x", digits=16, check="luhn", regions=regions), [reply(page)])
    assert isinstance(plain, Ask) and isinstance(full, Ask)
    assert plain.query == {}
    assert full.query == {"digits": 16, "check": "luhn", "regions": "1,2,30,40;5,60,7,8"}


def test_many_pictures_go_in_as_few_requests_as_they_fit_in() -> None:
    sizes = [256, 4]
    answers = [reply({**AROUND, "predictions": [READING] * size}) for size in sizes]
    found, asked = driven(methods().predict_many([b"x"] * 260), answers)
    assert [len(step.files) for step in asked if isinstance(step, Ask)] == sizes
    assert len(found) == 260 and all(isinstance(one, Prediction) for one in found)


def test_many_large_pictures_go_apart() -> None:
    large = bytes(5 * 2**20)
    answers = [reply({**AROUND, "predictions": [READING]}) for _ in range(3)]
    assert len(driven(methods().predict_many([large] * 3), answers)[1]) == 3
    assert driven(methods().predict_many([]), [])[0] == ()


def test_a_bad_picture_is_in_its_place() -> None:
    bad = {"name": "1", "error": {"code": "image_invalid", "message": "It is damaged."}}
    found, _ = driven(methods().predict_many([b"x", b"y"]), [reply({**AROUND, "predictions": [READING, bad]})])
    assert found[1] == BadPicture("image_invalid", "It is damaged.")


def test_a_promotion_moves_from_where_the_alias_is() -> None:
    aliases, asked = driven(methods().promote("digits@3"), [reply(version(2)), reply(MOVED)])
    assert aliases == {"champion": 3, "previous": 2}
    assert asked == [Ask("GET", "/v1/models/digits@champion"), PUT]


def test_a_promotion_moves_from_where_it_is_expected() -> None:
    assert driven(methods().promote("digits@3", expected=2), [reply(MOVED)])[1] == [PUT]
    _, (first,) = driven(methods().promote("digits@3", alias="mine", expected=None), [reply(MOVED)])
    assert isinstance(first, Ask) and first.json == {"version": 3, "expected": None}


def test_an_alias_that_is_nowhere_yet() -> None:
    _, asked = driven(methods().promote("digits@3", alias="mine"), [problem(404, "model_not_found"), reply(MOVED)])
    assert isinstance(asked[1], Ask) and asked[1].json == {"version": 3, "expected": None}


def test_somebody_who_was_quicker_is_a_refusal() -> None:
    with pytest.raises(Refused) as raised:
        driven(methods().promote("digits@3", expected=2), [problem(409, "alias_moved")])
    assert raised.value.code == "alias_moved"


def test_a_promotion_whose_answer_was_lost_is_seen_to_be_done() -> None:
    listed = {"id": "digits", "versions": [2, 3], "labels": [], "metrics": {}, **MOVED}
    lost = [httpx.ReadError("cut"), None, problem(409, "alias_moved")]
    done = [reply(version(3)), reply({"data": [listed]})]
    assert driven(methods().promote("digits@3", expected=2), [*lost, *done])[0] == MOVED["aliases"]
    with pytest.raises(Refused):
        driven(methods().promote("digits@3", expected=2), [*lost, reply(version(4))])


@pytest.mark.parametrize("ref", ["digits", "digits@champion", "@3", "", "digits@"])
def test_only_a_version_by_its_number_is_promoted(ref: str) -> None:
    with pytest.raises(ValueError, match="by its number"):
        driven(methods().promote(ref), [])


def test_a_rollback_is_not_repeated_where_it_may_be_done() -> None:
    _, (step,) = driven(methods().rollback("digits"), [reply(MOVED)])
    assert isinstance(step, Ask) and step.repeat is Repeat.UNSENT


def test_a_name_can_not_leave_its_place_in_the_path() -> None:
    _, (step,) = driven(methods().version("../../x?a#b"), [reply(version(1))])
    assert isinstance(step, Ask) and step.path == "/v1/models/..%2F..%2Fx%3Fa%23b"
