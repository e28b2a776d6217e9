"""`digitserve jobs create` as people type it: what is looked at before a file is sent, and what is sent."""

import io
import json
import os
import zipfile
from email.parser import BytesParser
from email.policy import HTTP
from pathlib import Path

import pytest

from app.cli.main import main
from tests.support.answering import Asked, answering, as_json, as_problem

REPORT = {
    "rows": 12, "kept": 8, "duplicates": 2, "conflicting_labels": 0, "refused": {"image_invalid": 2},
    "examples": [{"where": "7/b.png", "code": "image_invalid", "why": "The picture is damaged."}],
    "per_label": {"1": 4, "7": 4},
}  # fmt: skip
FILE = {"id": "file-1", "object": "file", "filename": "mine.zip", "report": REPORT}
JOB = {"id": f"ftjob-{'0123456789ab' * 2}", "status": "queued"}
JOBS = "/v1/fine_tuning/jobs"
NO_FILE = as_json({"detail": "There is no file.", "code": "file_not_found"}, 404)  # what a rehearsal shall end with


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
    answers = {"POST /v1/files": [as_json(FILE)], f"POST {JOBS}": [NO_FILE, as_json(JOB, 201)]}
    with answering(answers) as (url, asked):
        assert main([*command, "--suffix", "mine", "--seed", "4", "--url", url]) == 0
    rehearsed, uploaded, made = asked
    name, data = file_in(uploaded)
    archive = zipfile.ZipFile(io.BytesIO(data))
    assert name == "mine.zip"
    assert {member: archive.read(member) for member in archive.namelist()} == {
        "1/a.png": b"1/a.png",
        "7/b.png": b"7/b.png",
    }
    assert json.loads(made.body) == {
        "model": "digits", "training_file": "file-1", "suffix": "mine", "seed": 4,
        "method": {
            "type": "supervised", "supervised": {"promote": "if_better", "hyperparameters": {"n_epochs": 3}},
        },
    }  # fmt: skip
    assert json.loads(rehearsed.body) == {**json.loads(made.body), "training_file": f"file-{'0' * 24}"}
    assert made.headers["idempotency-key"] and "idempotency-key" not in rehearsed.headers
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
    answers = {f"POST {JOBS}": [NO_FILE], "POST /v1/files": [as_problem(422, sentence)]}
    with answering(answers) as (url, _):
        assert main(["jobs", "create", "digits", "--file", str(tmp_path / "a.zip"), "--url", url]) == 2
    assert capsys.readouterr().err == f"digitserve: {sentence}\n"


def test_whatever_else_is_wrong_is_said_before_a_file_is_sent(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.zip").write_bytes(b"PK")
    refusal = as_json({"detail": "There is no model nope.", "code": "model_not_found"}, 404)
    with answering({f"POST {JOBS}": [refusal]}) as (url, asked):
        assert main(["jobs", "create", "nope", "--file", str(tmp_path / "a.zip"), "--url", url]) == 2
    assert [request.path for request in asked] == [JOBS]
    assert capsys.readouterr().err == "digitserve: There is no model nope.\n"


def test_what_is_there_is_looked_at_for_both_files_before_one_is_sent(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.zip").write_bytes(b"PK")
    (tmp_path / "empty.csv").touch()
    os.mkfifo(tmp_path / "pipe")
    good = str(tmp_path / "a.zip")
    with answering({}) as (url, asked):
        for name, sentence in (
            ("none", "There is no file or folder"), ("empty.csv", "is empty"), ("pipe", "neither a file nor a folder"),
        ):  # fmt: skip
            bad = str(tmp_path / name)
            for files in (["--file", good, "--validation", bad], ["--file", bad]):
                assert main(["jobs", "create", "digits", *files, "--url", url]) == 2
                assert sentence in capsys.readouterr().err
    assert asked == []


@pytest.mark.parametrize("refused_by", ["the job", "the second file"])
def test_where_no_job_is_made_of_it_a_file_goes_again(
    refused_by: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.zip").write_bytes(b"PK")
    (tmp_path / "b.zip").write_bytes(b"PK")
    no = as_problem(422, "Too few pictures.")
    answers = {
        f"POST {JOBS}": [NO_FILE, no],
        "POST /v1/files": [as_json(FILE), no if refused_by == "the second file" else as_json({**FILE, "id": "file-2"})],
        "DELETE /v1/files/file-1": [as_json({"deleted": True})],
        "DELETE /v1/files/file-2": [as_json({"detail": "A job needs it.", "code": "file_in_use"}, 409)],
    }
    files = ["--file", str(tmp_path / "a.zip"), "--validation", str(tmp_path / "b.zip")]
    with answering(answers) as (url, asked):
        assert main(["jobs", "create", "digits", *files, "--url", url]) == 2
    deleted = [request.path for request in asked if request.method == "DELETE"]
    assert deleted == ["/v1/files/file-1", "/v1/files/file-2"][: 2 if refused_by == "the job" else 1]
    said = capsys.readouterr()
    assert said.err == "digitserve: Too few pictures.\n"
    assert said.out.splitlines()[-1] == "file-1 is deleted again."


def test_a_file_that_the_server_had_before_is_never_deleted(capsys: pytest.CaptureFixture[str]) -> None:
    answers = {"GET /v1/files/file-1": [as_json(FILE)], f"POST {JOBS}": [as_problem(422, "Too few pictures.")]}
    with answering(answers) as (url, asked):
        assert main(["jobs", "create", "digits", "--file", "file-1", "--url", url]) == 2
    assert [request.method for request in asked] == ["GET", "POST"]
    assert capsys.readouterr().out == ""
