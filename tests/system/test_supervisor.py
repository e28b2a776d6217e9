"""Processes that are killed, stopped and swapped under load: what a client sees, and what is left behind."""

import io
import os
import re
import signal
import socket
from pathlib import Path

import httpx
import numpy as np
import pytest
from PIL import Image

from models_store.registry import Registry
from tests.conftest import republished
from tests.support import patience
from tests.support.patience import PATIENCE_SECONDS
from tests.support.pictures import png
from tests.system.harness import Load, caller, command, events, serving, start, until
from training.synthetic import strokes

PICTURE = png(strokes.unit(7, np.random.default_rng(7)))  # MNIST's format: read without a thread


def memory(pid: int) -> float:
    """Resident MiB of its own. How much of torch's files is in memory too is up to the kernel (70 MiB)."""
    (kilobytes,) = re.findall(r"^RssAnon:\s+(\d+) kB$", Path(f"/proc/{pid}/status").read_text(), re.M)
    return int(kilobytes) / 1024


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def pids(log: Path, *roles: str) -> list[int]:
    """Every process that was started, or those of some roles: `api`, `worker`."""
    started = events(log, "process_started")
    return [int(str(event["pid"])) for event in started if not roles or event["role"] in roles]


async def gone(pid: int) -> None:
    await patience.until(lambda: not is_alive(pid))


async def answers(load: Load, count: int) -> None:
    """Waits until so many have come."""
    await patience.until(lambda: load.answers.total() >= count, progress=load.answers.total)


@pytest.mark.usefixtures("no_jobs")
async def test_a_killed_process_is_replaced_and_the_others_go_on(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with serving(log, "--workers", "2") as (_, url):
        until(log, "ready", count=2)
        victim, other = pids(log, "api")
        async with Load(url, PICTURE, connections=8) as load:
            await answers(load, 200)
            os.kill(victim, signal.SIGKILL)
            await patience.until(lambda: len(events(log, "ready")) == 3, progress=load.answers.total)
            await answers(load, load.answers.total() + 200)
        assert load.statuses == {200}
        assert len(load.broken) <= 8  # at most what the victim held
        replacement = pids(log, "api")[2]
        assert is_alive(other) and is_alive(replacement)
        ended = events(log, "process_ended")
        assert (ended[0]["pid"], ended[0]["code"]) == (victim, -9)
        assert float(str(ended[0]["restart_seconds"])) < 1


async def test_after_kill_9_of_the_supervisor_nothing_keeps_listening(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with serving(log, "--workers", "2") as (child, url):
        until(log, "ready", count=2)
        child.kill()
        child.wait()
        for pid in pids(log):
            await gone(pid)
        host, port = url.removeprefix("http://").split(":")
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((host, int(port)), timeout=PATIENCE_SECONDS)


@pytest.mark.parametrize("moment", ["process_started", "listening"])
async def test_killed_and_started_again_at_once_it_comes_up_on_the_same_port(tmp_path: Path, moment: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    for number in range(3):
        log = tmp_path / f"log-{number}"
        with log.open("w") as output:
            child = start(output, "--workers", "1", "--port", port)
        until(log, moment)
        child.kill()
        child.wait()
    with serving(tmp_path / "log", "--workers", "1", "--port", port) as (_, url):
        assert url.endswith(f":{port}")
        for number in range(3):
            for pid in pids(tmp_path / f"log-{number}"):
                await gone(pid)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
async def test_an_end_while_the_model_still_loads_leaves_nothing(tmp_path: Path, number: signal.Signals) -> None:
    log = tmp_path / "log"
    with log.open("w") as output:
        child = start(output, "--workers", "2")
        until(log, "process_started", count=3)
        child.send_signal(number)
        assert child.wait(PATIENCE_SECONDS) == (0 if number == signal.SIGTERM else -number)
    for pid in pids(log):
        await gone(pid)
    assert events(log, "process_killed") == []


@pytest.mark.usefixtures("no_jobs")
async def test_sigterm_under_load_answers_everything_that_was_accepted(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with serving(log, "--workers", "2") as (child, url):
        until(log, "ready", count=2)
        async with Load(url, PICTURE, connections=16) as load:
            await answers(load, 300)
            assert load.statuses == {200}
            child.send_signal(signal.SIGTERM)
            await patience.until(lambda: child.poll() is not None)
        assert child.returncode == 0
        assert load.statuses <= {200, 503}  # 503: the parent's answer to whoever came after the signal
        accepted = [event["status"] for event in events(log, "request") if event["path"] == "/v1/predict"]
        assert set(accepted) == {200}
        answered = sum(count for (status, _), count in load.answers.items() if status == 200)
        assert len(accepted) == answered  # what a process accepted reached its client
        assert load.broken == []
        for pid in pids(log):
            assert not is_alive(pid)


@pytest.mark.usefixtures("no_jobs")
async def test_promotions_under_load_drop_nothing(tmp_path: Path) -> None:
    await promotions_under_load(tmp_path, 40)


async def promotions_under_load(tmp_path: Path, count: int) -> None:
    """So many, one after the other: each is seen by the next request, every request is answered, memory stays."""
    log = tmp_path / "log"
    with serving(log, "--workers", "1") as (_, url):
        until(log, "ready")
        republished(Registry(tmp_path / "store"))
        (pid,) = pids(log, "api")
        async with (
            Load(url, PICTURE, connections=16) as load,
            httpx.AsyncClient(base_url=url, timeout=PATIENCE_SECONDS) as http,
        ):
            for number in range(count):
                version = 2 - number % 2
                body = {"version": version, "expected": 3 - version}
                done = await http.put("/v1/models/digits/aliases/champion", json=body)
                assert done.status_code == 200, done.text
                answer = await http.post("/v1/predict", content=PICTURE, headers={"content-type": "image/png"})
                assert answer.json()["model"] == f"digits@{version}"
                if number == 20:
                    settled = memory(pid)
        assert {status for status, _ in load.answers} == {200}
        assert {model for _, model in load.answers} == {"digits@1", "digits@2"}
        assert load.broken == []
        assert memory(pid) < settled + 20
        assert memory(pid) < 250


@pytest.mark.usefixtures("no_jobs")
def test_large_pictures_are_given_back(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    Image.effect_noise((4000, 3000), 40).convert("RGB").save(buffer, "JPEG")
    log = tmp_path / "log"
    with serving(log, "--workers", "1") as (_, url), caller(url) as http:
        until(log, "ready")
        (pid,) = pids(log, "api")
        headers = {"content-type": "image/jpeg"}
        for path in 3 * ("/v1/predict", "/v1/read"):  # 36 MB of pixels each
            answer = http.post(path, content=buffer.getvalue(), headers=headers)
            assert answer.status_code == 200, answer.text
        assert memory(pid) < 250


@pytest.mark.usefixtures("no_jobs")
async def test_a_process_that_keeps_ending_is_restarted_ever_later(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with serving(log, "--workers", "2") as (_, url):
        until(log, "ready", count=2)
        for _ in range(3):
            os.kill(pids(log, "api")[-1], signal.SIGKILL)
            until(log, "process_started", count=len(pids(log)) + 1)
        pauses = [float(str(event["restart_seconds"])) for event in until(log, "process_ended", count=3)]
        assert pauses[1] > pauses[0] and pauses[2] > pauses[1]
        assert httpx.get(f"{url}/healthz", timeout=PATIENCE_SECONDS).status_code == 200


@pytest.mark.usefixtures("no_jobs")
async def test_while_no_process_answers_clients_are_answered_503(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DIGITSERVE_PORT", "tcp://10.96.0.17:8000")  # as where a Kubernetes Service has our name
    monkeypatch.setenv("DIGITSERVE_SERVICE_HOST", "10.96.0.17")
    log = tmp_path / "log"
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with serving(log, "--workers", "1", "--port", str(port)) as (_, url):
        assert url.endswith(f":{port}")
        (victim,) = pids(log, "api")
        os.kill(victim, signal.SIGKILL)
        until(log, "process_ended")
        with caller(url) as http:
            answer = http.get("/readyz")
            assert (answer.status_code, answer.json()["code"]) == (503, "not_ready")
            assert int(answer.headers["retry-after"]) > 0
            until(log, "answering", count=2)
            assert http.get("/readyz").status_code == 200
    assert events(log, "setting_unknown") == []


@pytest.mark.usefixtures("no_jobs")
def test_while_the_first_processes_start_clients_are_answered_503(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with log.open("w") as output:
        child = start(output, "--workers", "1", "--port", str(port))
    until(log, "process_started")
    with caller(f"http://127.0.0.1:{port}") as http:
        answer = http.get("/readyz")
    assert (answer.status_code, answer.json()["code"], events(log, "listening")) == (503, "not_ready", [])
    child.terminate()
    assert child.wait(PATIENCE_SECONDS) == 0


@pytest.mark.parametrize("cause", ["store", "database", "url"])
def test_a_start_that_cannot_succeed_ends_with_one_sentence(tmp_path: Path, cause: str) -> None:
    """What is found before a process starts, and what only a process finds."""
    (tmp_path / "file").write_text("neither a folder nor a database " * 100)
    wrong = {
        "store": ("STORE_DIR", f"{tmp_path}/file"),
        "database": ("DATABASE_URL", f"sqlite:///{tmp_path}/file"),
        "url": ("DATABASE_URL", "postgresql://u:p@127.0.0.1:1/x?bogus=1"),
    }
    name, text = wrong[cause]
    ended = command("serve", "--port", "0", "--workers", "1", **{f"DIGITSERVE_{name}": text})
    assert ended.returncode == 1, ended.stdout
    (sentence,) = ended.stderr.splitlines()
    assert sentence.startswith("digitserve: ") and f"DIGITSERVE_{name}" in sentence
