"""Problems as HTTP responses."""

import json

import pytest
from starlette.types import Message

from app.web.problems import Problem
from app.web.responses import CODE, CodedResponse, problem_response

STATUSES = (400, 404, 409, 413, 415, 422, 429, 500, 503, 507)


@pytest.mark.parametrize("status", STATUSES)
def test_only_who_may_come_back_is_told_when(status: int) -> None:
    answer = problem_response(Problem(status, "any", "Look again."), "req-1")
    assert answer.status_code == status
    may_come_back = status in (429, 503)  # RFC 6585, 4 and RFC 9110, 15.6.4
    assert ("retry-after" in answer.headers) == may_come_back
    assert not may_come_back or int(answer.headers["retry-after"]) > 0


def test_the_body_is_problem_json_of_this_request() -> None:
    answer = problem_response(Problem(404, "not_found", "Ä is not there.", "model"), "req-1")
    assert answer.headers["content-type"] == "application/problem+json"  # RFC 9457, 3
    body = json.loads(bytes(answer.body).decode("utf-8"))
    assert (body["status"], body["code"], body["detail"]) == (404, "not_found", "Ä is not there.")
    assert (body["request_id"], body["error"]["param"]) == ("req-1", "model")
    assert int(answer.headers["content-length"]) == len(answer.body)


async def test_a_coded_answer_tells_its_code_to_who_sends_it_and_to_nobody_else() -> None:
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        raise AssertionError("it reads nothing")

    await CodedResponse({"error": "It is wrong."}, 400, "wrong")({"type": "http"}, receive, send)
    assert [message.get(CODE) for message in sent] == ["wrong", None]
    assert json.loads(sent[1]["body"]) == {"error": "It is wrong."}
