"""`serve` as a person has it: in a terminal of its own, started, stopped with Ctrl-C and started again."""

import contextlib
import json
import os
import pty
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from models_store.shipped_version import open_store
from tests.conftest import ROOT
from tests.support.patience import PATIENCE_SECONDS, Patience
from tests.system.harness import events, serving, start, until

CTRL_C = b"\x03"
READY = "Ctrl-C stops it"


@pytest.fixture(autouse=True)
def _numbered_store(tmp_path: Path) -> None:
    open_store(tmp_path / "store")  # the shipped version as digits@1: see tests/conftest.py


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


class Terminal:
    """A terminal in which a command runs: what it shows, and a keyboard."""

    def __init__(self, child: subprocess.Popen[bytes], keyboard: int) -> None:
        self.child = child
        self._keyboard = keyboard
        self._shown = b""

    @property
    def lines(self) -> list[str]:
        """As a person sees them: what starts with the line again covers what stood there."""
        return [line.rsplit("\r", 1)[-1] for line in self._shown.decode().replace("\r\n", "\n").rstrip().split("\n")]

    def until(self, words: str) -> None:
        """Waits until the words are shown."""
        patience = Patience(words, progress=lambda: self._shown)
        while words not in self._shown.decode(errors="replace"):
            assert self._read(patience.pause()), f"{words!r} was not shown: {self._shown.decode()}"

    def type(self, keys: bytes) -> None:
        os.write(self._keyboard, keys)

    def ended(self) -> int:
        """The exit code, when everything is shown."""
        patience = Patience("the end", progress=lambda: self._shown)
        while self._read(patience.pause()):
            pass
        return self.child.wait(PATIENCE_SECONDS)

    def _read(self, seconds: float) -> bool:
        """Reads for a moment. False when the last process of the terminal has ended."""
        if select.select([self._keyboard], [], [], seconds)[0]:
            try:
                data = os.read(self._keyboard, 65_536)
            except OSError:  # Linux's way to say so
                return False
            self._shown += data
            return bool(data)
        return True


@contextlib.contextmanager
def terminal(*arguments: str, **environment: str) -> Iterator[Terminal]:
    """`digitserve serve` in a terminal, which is closed at the end whatever happens."""
    keyboard, screen = pty.openpty()
    child = subprocess.Popen(
        [sys.executable, "-c", _IN_A_TERMINAL, "serve", *arguments],
        cwd=ROOT, env={**os.environ, **environment}, stdin=screen, stdout=screen, stderr=screen, start_new_session=True,
    )  # fmt: skip
    os.close(screen)
    try:
        yield Terminal(child, keyboard)
    finally:
        if child.poll() is None:
            child.terminate()
            child.wait(PATIENCE_SECONDS)
        os.close(keyboard)


# Only the leader of a session can take a terminal as its own, whose Ctrl-C then reaches it.
_IN_A_TERMINAL = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.executable, [sys.executable, "-m", "app", *sys.argv[1:]])
"""


def test_a_first_start_is_four_lines_in_words_and_again_right_after_ctrl_c() -> None:
    port = free_port()
    for _ in range(2):
        with terminal("--port", str(port), "--workers", "2") as shown:
            shown.until(READY)
            url = f"http://127.0.0.1:{port}"
            assert httpx.get(f"{url}/readyz", timeout=PATIENCE_SECONDS, trust_env=False).json()["model"] == "digits@1"
            httpx.get(f"{url}/v1/models", timeout=PATIENCE_SECONDS, trust_env=False)
            shown.until("GET /v1/models")
            shown.type(CTRL_C)
            assert shown.ended() == 0
            first, loading, ready, address, request, stopping, stopped = shown.lines
        assert first.startswith("DigitServe ") and first.endswith("is starting ...")
        assert loading == "loading digits@1 ..."
        assert ready.startswith("ready: digits@1 answers (") and ready.endswith(", 2 processes)")
        assert address == f"Open {url} in a browser. Ctrl-C stops it."
        assert "GET /v1/models  200" in request
        assert stopping.startswith("stopping")
        assert stopped == "stopped"


@pytest.mark.parametrize("moment", ["is starting", "loading digits@1", READY])
def test_ctrl_c_at_any_moment_and_more_than_once_is_no_failure(moment: str) -> None:
    with terminal("--port", "0", "--workers", "1") as shown:
        shown.until(moment)
        shown.type(CTRL_C)
        for _ in range(20):
            time.sleep(0.02)
            shown.type(CTRL_C)
        assert shown.ended() == 0
        assert not [line for line in shown.lines if "Traceback" in line or "problem" in line], shown.lines
        assert any(line.startswith("stopped") for line in shown.lines)


def test_a_start_waits_for_the_server_before_it_to_end(tmp_path: Path) -> None:
    log, port = tmp_path / "log", free_port()
    with serving(log, "--workers", "1", "--port", str(port)) as (before, url):
        with terminal("--port", str(port)) as refused:
            assert refused.ended() == 1
            assert refused.lines[-1].startswith(f"digitserve: DigitServe runs on {url} already.")
        before.send_signal(signal.SIGINT)
        with terminal("--port", str(port), "--workers", "1") as shown:
            shown.until(READY)
        assert before.wait(PATIENCE_SECONDS) == 0


def test_json_on_a_terminal_where_it_is_asked_for() -> None:
    with terminal("--port", "0", "--workers", "1", DIGITSERVE_LOG_FORMAT="json") as shown:
        shown.until('"listening"')
        shown.type(CTRL_C)
        assert shown.ended() == 0
        assert {json.loads(line)["level"] for line in shown.lines if line.startswith("{")} == {"info"}
        assert '"starting"' in shown.lines[0]
        assert '"stopped"' in shown.lines[-1]


def test_where_no_model_can_serve_it_is_up_and_says_so() -> None:
    with terminal(
        "--port", "0", "--workers", "1", DIGITSERVE_DEFAULT_MODEL="nope", DIGITSERVE_JOB_WORKERS="0"
    ) as shown:
        shown.until(READY)
        assert [line.startswith("problem: There is no model nope") for line in shown.lines].count(True) == 1
        assert any(line.startswith("up, but not ready") for line in shown.lines)


def test_a_process_that_is_killed_is_said_in_words() -> None:
    with terminal("--port", "0", "--workers", "1", DIGITSERVE_JOB_WORKERS="0") as shown:
        shown.until(READY)
        (child,) = Path(f"/proc/{shown.child.pid}/task/{shown.child.pid}/children").read_text().split()
        os.kill(int(child), signal.SIGKILL)
        shown.until("problem: a process that")
        shown.until("another takes its place")


def test_listening_is_logged_when_it_answers_and_starting_first(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with log.open("w") as output:
        child = start(output, "--workers", "2")
    try:
        (listening,) = until(log, "listening")
        answer = httpx.get(f"{listening['url']}/readyz", timeout=PATIENCE_SECONDS, trust_env=False)
        assert answer.json()["model"] == listening["version"] == "digits@1"
        assert (listening["workers"], listening["ready"]) == (2, True)
        assert json.loads(log.read_text().splitlines()[0])["event"] == "starting"
        until(log, "answering", count=2)
        assert len(events(log, "listening")) == 1
    finally:
        child.terminate()
        child.wait(PATIENCE_SECONDS)
    assert [line["level"] for line in events(log, "stopped")] == ["info"]
