"""The real command in a real process, on a port of this machine's own."""

import json
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from models_store.registry import Registry
from tests.conftest import EXAMPLES, ROOT, republished
from tests.support.patience import PATIENCE_SECONDS, wait_until
from tests.system.harness import caller, command, serving, until


def test_it_serves_reads_a_promotion_and_stops_at_sigterm(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with serving(log) as (child, url), caller(url) as http:
        picture = {"file": (EXAMPLES / "7.png").read_bytes()}
        answer = http.post("/v1/predict", files=picture, headers={"x-request-id": "seen-in-the-log"})
        assert (answer.json()["label"], answer.json()["model"]) == ("7", "digits@1")
        republished(Registry(tmp_path / "store"))
        assert command("models", "promote", "digits@2").returncode == 0
        until(log, "version_loaded", count=3)  # two processes loaded digits@1, now the first one loads digits@2
        wait_until(lambda: http.post("/v1/predict", files=picture).json()["model"] == "digits@2")
        child.send_signal(signal.SIGTERM)
        assert child.wait(PATIENCE_SECONDS) == 0
    lines = [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]
    (seen,) = (line for line in lines if line.get("request_id") == "seen-in-the-log")
    assert (seen["event"], seen["path"], seen["status"]) == ("request", "/v1/predict", 200)
    assert all({"event", "level", "timestamp"} <= set(line) for line in lines)


def test_a_taken_port_is_one_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = command("serve", "--port", port)
    assert done.returncode == 1
    assert done.stderr.strip().splitlines() == [
        f"digitserve: Cannot listen on 127.0.0.1:{port} (Address already in use). "
        "Stop what runs there or choose another --port."
    ]


def test_an_unusable_setting_is_one_sentence() -> None:
    done = command("serve", DIGITSERVE_MAX_BODY_BYTES="lots")
    assert (done.returncode, len(done.stderr.strip().splitlines())) == (2, 1)
    assert "DIGITSERVE_MAX_BODY_BYTES" in done.stderr


def test_the_models_commands_tell_the_story(registry: Registry) -> None:
    assert "digits@1" in command("models", "list").stdout
    republished(registry)
    assert command("models", "promote", "digits@2", "--expected", "7").returncode == 1
    assert "digits@2 is the champion" in command("models", "promote", "digits@2").stdout
    listed = command("models", "list").stdout
    assert "champion" in listed and "previous" in listed
    assert max(len(line) for line in listed.splitlines()) <= 80
    assert "digits@1 is the champion again" in command("models", "rollback", "digits").stdout
    shown = command("models", "show", "digits@champion").stdout
    assert "digits@1" in shown and "temperature" in shown
    assert max(len(line) for line in shown.splitlines()) <= 80


def test_verify_names_the_damaged_file(registry: Registry) -> None:
    assert command("models", "verify").returncode == 0
    path = registry.root / "digits" / "1" / "weights.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    done = command("models", "verify", "digits@1")
    assert done.returncode == 1
    assert "weights.safetensors is not the file that was published" in done.stdout
    assert "BAD" in command("doctor").stdout


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["models", "show", "nope"], "There is no model nope"),
        (["models", "show", "../x"], "A model name has"),
        (["models", "rollback", "digits"], "has no alias previous"),
        (["models", "promote", "digits@9"], "has no version 9"),
    ],
)
def test_a_bad_argument_is_one_sentence(arguments: list[str], sentence: str) -> None:
    done = command(*arguments)
    assert done.returncode == 1
    assert sentence in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_output_into_a_closed_pipe_is_no_error() -> None:
    done = subprocess.run(
        f"{sys.executable} -m app openapi | head -1", shell=True, cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == ("{\n", "")
