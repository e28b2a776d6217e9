"""`digitserve jobs` as people type it, against a real server that says what it is told."""

import os
import re
import signal
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from app.cli.main import main
from tests.support.answering import Answer, answering, as_json, as_problem, as_stream

JOB: dict[str, Any] = {
    "id": f"ftjob-{'0123456789ab' * 2}", "status": "queued", "model": "digits@1", "created_at": 1795000000,
    "paused": False, "base": "digits@1", "fine_tuned_model": None, "training_file": "file-1", "error": None,
    "hyperparameters": {"n_epochs": "auto"},
}  # fmt: skip
RESULT = {
    "version": "digits@2", "accepted": True, "promoted": True,
    "gate": "accepted: 12 held-out new pictures: 83.33% -> 100.00%; the base's own test (10,000 rows): 99.65% -> "
    "99.60%",
    "numbers": {
        "new_rows": 12.0, "new_accuracy": 1.0, "new_accuracy_of_base": 0.8333, "accuracy": 0.996,
        "accuracy_of_base": 0.9965,
    },
}  # fmt: skip
JOBS = "/v1/fine_tuning/jobs"
ONE = f"{JOBS}/{JOB['id']}"


def state(word: str, message: str = "It goes on.", level: str = "info") -> dict[str, Any]:
    return {"type": "state", "level": level, "message": message, "data": {"state": word}}


def epoch(number: int, run: str = "training") -> dict[str, Any]:
    data = {"run": run, "epoch": number, "epochs": 30, "loss": 0.5 / number, "accuracy": 0.9, "seconds": 0.5}
    return {"type": "metrics", "level": "info", "message": "an epoch", "data": data}


def ended(status: str, **facts: object) -> dict[str, Any]:
    return {**JOB, "status": status, "finished_at": 1795000100, **facts}


def watched(events: Sequence[Mapping[str, Any]], job: Mapping[str, Any]) -> tuple[dict[str, list[Answer]], list[str]]:
    """What a server says of a job, and the command that looks at it."""
    return {f"GET {ONE}/events": [as_stream(*events)], f"GET {ONE}": [as_json(job)]}, ["jobs", "watch", JOB["id"]]


@pytest.mark.parametrize(
    ("job", "code", "last"),
    [
        (ended("succeeded", fine_tuned_model="digits@2", result=RESULT), 0, "models rollback digits"),
        (
            ended("succeeded", fine_tuned_model="letters@1", result={**RESULT, "version": "letters@1"}),
            0,
            "the first of its model",
        ),
        (
            ended("succeeded", fine_tuned_model="digits@2", result={**RESULT, "promoted": False}),
            0,
            "models promote digits@2",
        ),
        (
            ended("succeeded", fine_tuned_model="digits@2", result={**RESULT, "accepted": False, "promoted": False}),
            1,
            "not good enough",
        ),
        (ended("failed", error={"code": "too_few", "message": "Give more.", "param": None}), 1, "Give more."),
        (ended("cancelled"), 1, "The end."),
    ],
)
def test_the_end_of_a_job_is_the_end_of_the_command(
    job: Mapping[str, Any], code: int, last: str, capsys: pytest.CaptureFixture[str]
) -> None:
    message = job["error"]["message"] if job["error"] else "The end."
    answers, command = watched([state("running"), epoch(1), state(job["status"], message)], job)
    with answering(answers) as (url, _):
        assert main([*command, "--url", url]) == code
    lines = capsys.readouterr().out.rstrip().splitlines()
    assert lines[:3] == ["It goes on.", "training: epoch 1 of 30, loss 0.5000, right 90.0%", message]
    assert last in " ".join(lines[-2:])


def test_before_and_after_stand_side_by_side(capsys: pytest.CaptureFixture[str]) -> None:
    answers, command = watched([state("succeeded", "The end.")], ended("succeeded", result=RESULT))
    with answering(answers) as (url, _):
        main([*command, "--url", url])
    out = capsys.readouterr().out
    assert re.search(r"the new pictures, 12 that judge +83\.33% +100\.00%", out)
    assert re.search(r"the base's own test +99\.65% +99\.60%", out)
    assert "The end." in out


def test_ctrl_c_leaves_the_job_running_and_says_how_to_come_back(
    capsys: pytest.CaptureFixture[str], ctrl_c_is_heard: None
) -> None:
    stream = as_stream(epoch(1), before_end=lambda: os.kill(os.getpid(), signal.SIGINT))
    with answering({f"GET {ONE}/events": [stream]}) as (url, asked):
        assert main(["jobs", "watch", JOB["id"], "--url", url]) == 130
    out = capsys.readouterr().out
    assert f"digitserve jobs watch {JOB['id']} --url {url}" in out and "digitserve jobs cancel" in out
    assert {request.method for request in asked} == {"GET"}


def test_a_hint_repeats_no_key(capsys: pytest.CaptureFixture[str]) -> None:
    page = as_json({"data": [JOB], "has_more": True})
    with answering({f"GET {JOBS}": [page]}) as (url, _):
        assert main(["jobs", "list", "--url", url, "--key", "ds_geheim"]) == 0
    out = capsys.readouterr().out
    assert f"--after {JOB['id']} --url {url} --key KEY" in out and "geheim" not in out


@pytest.mark.parametrize(("word", "said"), [("cancel", "cancelled"), ("pause", "paused"), ("resume", "goes on")])
def test_a_job_is_told_what_to_do(word: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    with answering({f"POST {ONE}/{word}": [as_json(JOB)]}) as (url, _):
        assert main(["jobs", word, JOB["id"], "--url", url]) == 0
    assert said in capsys.readouterr().out


def test_a_move_that_the_job_refuses_ends_with_1(capsys: pytest.CaptureFixture[str]) -> None:
    with answering({f"POST {ONE}/cancel": [as_problem(409, "It has ended.")]}) as (url, _):
        assert main(["jobs", "cancel", JOB["id"], "--url", url]) == 1
    assert capsys.readouterr().err == "digitserve: It has ended.\n"


def test_lists_and_facts_fit_eighty_columns(capsys: pytest.CaptureFixture[str]) -> None:
    named = {"fine_tuned_model": "digits-letters@12", "base": "digits-letters@11", "paused": True}
    jobs = [ended("succeeded", result=RESULT), {**JOB, **named}, {**JOB, "status": "running"}]
    answers = {f"GET {JOBS}": [as_json({"data": jobs, "has_more": True})], f"GET {ONE}": [as_json(jobs[0])]}
    with answering(answers) as (url, asked):
        assert main(["jobs", "list", "--limit", "3", "--url", url]) == 0
        listed = capsys.readouterr().out.splitlines()
        assert main(["jobs", "show", JOB["id"], "--url", url]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert max(map(len, [*listed[:-1], *shown])) <= 80
    assert sum(JOB["id"] in line for line in listed) == 4  # no id is broken: it is there to be copied
    assert any(re.search(r" succeeded  digits@1 ", line) for line in listed)
    assert "paused" in " ".join(listed) and asked[0].path.endswith("?limit=3")


def test_nothing_of_a_server_moves_the_cursor(capsys: pytest.CaptureFixture[str]) -> None:
    answers, command = watched([state("failed", "\x1b[2J[red]gone\x07\r")], ended("failed"))
    with answering(answers) as (url, _):
        main([*command, "--url", url])
    out = capsys.readouterr().out
    assert out.isprintable() or set(out) - set("\n") <= set(filter(str.isprintable, out))
    assert "[red]gone" in out


@pytest.mark.parametrize(
    ("host", "url"),
    [("0.0.0.0", "http://127.0.0.1:8123"), ("::", "http://[::1]:8123"), ("localhost", "http://localhost:8123")],
)
def test_the_server_of_the_settings_is_asked(host: str, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from app.cli.jobs import _address

    monkeypatch.setenv("DIGITSERVE_HOST", host)
    monkeypatch.setenv("DIGITSERVE_PORT", "8123")
    assert _address() == url


def test_a_port_that_the_system_chose_must_be_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DIGITSERVE_PORT", "0")
    assert main(["jobs", "list"]) == 2
    assert "--url" in capsys.readouterr().err


def test_a_word_that_is_not_in_utf_8_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with answering({}) as (url, _):
        assert main(["jobs", "show", os.fsdecode(b"ftjob-\xff"), "--url", url]) == 2
    assert capsys.readouterr().err == "digitserve: A word of the command is not in UTF-8. Write it in UTF-8.\n"
