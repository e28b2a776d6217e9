"""`digitserve jobs` as people type it, against a real server that says what it is told."""

import io
import json
import os
import re
import signal
import zipfile
from collections.abc import Mapping, Sequence
from email.parser import BytesParser
from email.policy import HTTP
from pathlib import Path
from typing import Any

import pytest

from app.cli.main import main
from tests.support.answering import Answer, Asked, answering, as_json, as_problem, as_stream

REPORT = {
    "rows": 12, "kept": 8, "duplicates": 2, "conflicting_labels": 0, "refused": {"image_invalid": 2},
    "examples": [{"where": "7/b.png", "code": "image_invalid", "why": "The picture is damaged."}],
    "per_label": {"1": 4, "7": 4},
}  # fmt: skip
FILE = {"id": "file-1", "object": "file", "filename": "mine.zip", "report": REPORT}
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


def file_in(request: Asked) -> tuple[str, bytes]:
    """The name and the bytes of the part `file`, by the standard library's reader of multipart."""
    head = f"Content-Type: {request.headers['content-type']}\r\n\r\n".encode()
    parts = list(BytesParser(policy=HTTP).parsebytes(head + request.body).iter_parts())
    assert [part.get_param("name", header="content-disposition") for part in parts] == ["purpose", "file"]
    data = parts[1].get_payload(decode=True)
    assert isinstance(data, bytes)
    return str(parts[1].get_filename()), data


def test_a_folder_is_sent_as_a_zip_and_a_job_is_made_of_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("1/a.png", "7/b.png", "7/.DS_Store", ".git/config"):
        (tmp_path / "mine" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "mine" / name).write_bytes(name.encode())
    command = ["jobs", "create", "digits", "--file", str(tmp_path / "mine"), "--promote", "if_better", "--epochs", "3"]
    with answering({"POST /v1/files": [as_json(FILE)], f"POST {JOBS}": [as_json(JOB, 201)]}) as (url, asked):
        assert main([*command, "--suffix", "mine", "--seed", "4", "--url", url]) == 0
    name, data = file_in(asked[0])
    archive = zipfile.ZipFile(io.BytesIO(data))
    assert name == "mine.zip"
    assert {member: archive.read(member) for member in archive.namelist()} == {
        "1/a.png": b"1/a.png",
        "7/b.png": b"7/b.png",
    }
    assert json.loads(asked[1].body) == {
        "model": "digits", "training_file": "file-1", "suffix": "mine", "seed": 4,
        "method": {
            "type": "supervised", "supervised": {"promote": "if_better", "hyperparameters": {"n_epochs": 3}},
        },
    }  # fmt: skip
    assert asked[1].headers["idempotency-key"]
    assert capsys.readouterr().out.splitlines() == [
        "mine.zip is file-1: 8 of 12 pictures are used with 2 labels. Left out: 2 that come twice, 2 refused as "
        "image_invalid (7/b.png: The picture is damaged).",
        f"The job is {JOB['id']}.",
        f"See how it goes: digitserve jobs watch {JOB['id']} --url {url}",
    ]


def test_a_file_that_the_server_has_is_named_by_its_id(capsys: pytest.CaptureFixture[str]) -> None:
    answers = {"GET /v1/files/file-1": [as_json(FILE)], f"POST {JOBS}": [as_json(JOB)]}
    with answering(answers) as (url, asked):
        assert main(["jobs", "create", "digits", "--file", "file-1", "--validation", "file-1", "--url", url]) == 0
    assert json.loads(asked[-1].body) == {"model": "digits", "training_file": "file-1", "validation_file": "file-1"}
    assert JOB["id"] in capsys.readouterr().out


def test_what_is_not_there_is_said_before_anything_is_sent(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with answering({}) as (url, asked):
        assert main(["jobs", "create", "digits", "--file", str(tmp_path / "none"), "--url", url]) == 2
        assert main(["jobs", "create", "digits", "--file", str(tmp_path), "--url", url]) == 2
    assert asked == []
    assert capsys.readouterr().err.splitlines() == [
        f"digitserve: There is no file or folder {tmp_path / 'none'}. Look at the path.",
        f"digitserve: The folder {tmp_path} holds no file. Put the pictures into a folder for each label.",
    ]


def test_the_servers_sentence_is_all_that_is_said_of_a_refusal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.zip").write_bytes(b"no zip")
    sentence = "The zip file is damaged. Make it again and resend it."
    with answering({"POST /v1/files": [as_problem(422, sentence)]}) as (url, _):
        assert main(["jobs", "create", "digits", "--file", str(tmp_path / "a.zip"), "--url", url]) == 2
    assert capsys.readouterr().err == f"digitserve: {sentence}\n"


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
