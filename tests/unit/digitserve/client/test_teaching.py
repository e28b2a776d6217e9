"""What is sent for data sets and jobs; tests/integration and tests/system have the real answers."""

import json
from typing import Any

import httpx
import pytest

from digitserve.client.data_sets import digest, packed
from digitserve.client.errors import JobFailed, Refused
from digitserve.client.methods import Methods
from digitserve.client.steps import Answer, Ask, Reply, Step
from digitserve.client.stream import JobEvent
from tests.unit.digitserve.client.driving import driven, problem, reply

FILE, JOB = "file-" + "0a" * 12, "ftjob-" + "0b" * 12
RESULT = {"version": "digits@3", "accepted": True, "promoted": False, "gate": "accepted: better", "numbers": {"a": 1.0}}
DATA = b"label,pixel0\n"


def methods() -> Methods:
    return Methods("http://here", 30.0)


def job(status: str = "queued", **facts: Any) -> Reply:
    plain = {
        "id": JOB, "status": status, "paused": False, "base": "digits@2", "training_file": FILE, "created_at": 1,
        "attempt": 0, "hyperparameters": {}, "seed": 1, "metadata": {},
    }  # fmt: skip
    return reply({**plain, **facts}, 201)


def file(sha256: str = "", **around: Any) -> Reply:
    report = {"rows": 1, "kept": 1, "duplicates": 0, "conflicting_labels": 0, "refused": {}, "per_label": {}}
    entry = {"id": FILE, "filename": "data", "bytes": 13, "sha256": sha256, "report": report}
    return reply({"data": [entry], **around} if around else entry)


def asks(steps: list[Step]) -> list[str]:
    return [f"{step.method} {step.path}" for step in steps if isinstance(step, Ask)]


STARTED = ["POST /v1/files", "POST /v1/fine_tuning/jobs"]


def test_a_job_is_made_of_what_was_sent_for_it() -> None:
    made, asked = driven(methods().start(DATA, epochs=3), [file(), job(warnings=["It may take long."])])
    assert (made.id, made.warnings, asks(asked)) == (JOB, ("It may take long.",), STARTED)
    assert isinstance(asked[1], Ask) and asked[1].json is not None
    assert asked[1].json["training_file"] == FILE and len(asked[1].headers["Idempotency-Key"]) == 32


def test_what_the_server_has_is_not_sent() -> None:
    for data in (FILE, "feedback"):
        _, (asked,) = driven(methods().start(data), [job()])
        assert isinstance(asked, Ask) and asked.json == {"model": "digits", "training_file": data}
    assert driven(methods().start(), [job()])[1] != []


def test_with_a_key_the_same_bytes_are_sent_once() -> None:
    known = digest(packed(DATA))
    pages = [file("other", has_more=True, last_id=FILE), file(known, has_more=False, last_id=FILE)]
    _, asked = driven(methods().start(DATA, key="mine"), [*pages, job()])
    assert asks(asked) == ["GET /v1/files", "GET /v1/files", "POST /v1/fine_tuning/jobs"]
    assert isinstance(asked[2], Ask) and asked[2].headers["Idempotency-Key"] == "mine"
    _, asked = driven(methods().start(DATA, key="mine"), [file("other", has_more=False), file(), job()])
    assert asks(asked) == ["GET /v1/files", *STARTED]


def test_a_job_that_is_refused_leaves_no_file() -> None:
    steps: list[Step] = []

    def start() -> None:
        answers: list[Answer | Exception] = [file(), problem(422, "too_few_examples"), reply({"deleted": True})]
        generator = methods().start(DATA)
        steps.append(next(generator))
        for answer in answers:
            assert isinstance(answer, Reply)
            steps.append(generator.send(answer))

    with pytest.raises(Refused, match="otherwise") as raised:
        start()
    assert raised.value.code == "too_few_examples"
    assert asks(steps) == [*STARTED, f"DELETE /v1/files/{FILE}"]


def test_an_upload_is_not_repeated_where_it_may_be_there_already() -> None:
    with pytest.raises(Exception, match="broke the connection off"):
        driven(methods().upload(DATA), [httpx.ReadError("cut")])
    assert driven(methods().upload(DATA), [problem(503), None, file()])[0].id == FILE


def stream(state: str) -> list[Answer | Exception]:
    text = f'id: 1\ndata: {{"message": "ready", "data": {{"state": "{state}"}}}}\n\n'
    return [Reply(200, {}, b"", "line"), text.encode(), None]


def test_teaching_follows_the_job_to_its_version() -> None:
    heard: list[JobEvent] = []
    answers = [job(), *stream("succeeded"), job("succeeded", result=RESULT)]
    outcome, _ = driven(methods().teach(on_event=heard.append), answers)
    assert (outcome.version, outcome.accepted, outcome.promoted, outcome.job) == ("digits@3", True, False, JOB)
    assert [event.message for event in heard] == ["ready"]


def test_a_job_without_a_version_is_an_error() -> None:
    error = {"code": "storage_full", "message": "Make room."}
    with pytest.raises(JobFailed, match="Make room") as raised:
        driven(methods().teach(), [job(), *stream("failed"), job("failed", error=error)])
    assert (raised.value.code, raised.value.job_id) == ("storage_full", JOB)
    with pytest.raises(JobFailed, match="is cancelled") as raised:
        driven(methods().finish(JOB), [*stream("cancelled"), job("cancelled")])
    assert raised.value.code == "job_cancelled"


def test_a_listener_who_breaks_off_hangs_up() -> None:
    def listener(_: JobEvent) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        driven(methods().wait(JOB, on_event=listener), stream("succeeded"))


def test_jobs_are_listed_over_pages() -> None:
    page = {"data": [job_document(number) for number in range(100)], "has_more": True}
    rest = {"data": [job_document(number) for number in range(20)], "has_more": True}
    found, asked = driven(methods().jobs(limit=120, metadata={"who": "me"}), [reply(page), reply(rest)])
    assert len(found) == 120
    assert [dict(step.query) for step in asked if isinstance(step, Ask)] == [
        {"metadata[who]": "me", "limit": 100}, {"metadata[who]": "me", "limit": 20, "after": "ftjob-99"},
    ]  # fmt: skip


def job_document(number: int) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(job().body)
    return {**document, "id": f"ftjob-{number}"}


def test_a_move_whose_answer_was_lost_is_seen_to_be_done() -> None:
    lost: list[Answer | Exception] = [httpx.ReadError("cut"), None, problem(409, "job_ended")]
    assert driven(methods().cancel(JOB), [*lost, job("cancelled")])[0].status == "cancelled"
    assert driven(methods().pause(JOB), [*lost, job(paused=True)])[0].paused
    with pytest.raises(Refused):
        driven(methods().cancel(JOB), [*lost, job("succeeded", result=RESULT)])
    with pytest.raises(Refused):
        driven(methods().cancel(JOB), [problem(409, "job_ended")])
