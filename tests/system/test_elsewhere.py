"""Linux's own calls and files taken away, and the processor's name: the server starts, reads and ends there too."""

import signal
from pathlib import Path

import pytest

from tests.conftest import EXAMPLES
from tests.support.patience import PATIENCE_SECONDS, wait_until
from tests.support.pictures import png
from tests.system.harness import caller, command, events, serving
from training.synthetic import strokes

# Python reads it before anything else, in each process. What it takes away is what Linux has and macOS has not; it says
# who was told so. torch and numpy ask the real processor from C.
SITE = """
import contextlib, os, platform, signal, socket, sys

for module, names in {
    os: ("memfd_create", "posix_fallocate", "pidfd_open", "sched_getaffinity", "sched_setaffinity", "eventfd"),
    socket: ("TCP_KEEPIDLE", "TCP_USER_TIMEOUT", "SO_REUSEPORT", "SOCK_CLOEXEC", "SOCK_NONBLOCK"),
}.items():
    for name in names:
        with contextlib.suppress(AttributeError):
            delattr(module, name)
platform.machine = lambda: "arm64"


def elsewhere(event, facts):
    if event in ("open", "os.listdir", "os.scandir") and str(facts[0]).startswith(("/proc", "/sys")):
        raise FileNotFoundError(2, "not on this system", facts[0])
    if event == "ctypes.dlsym" and facts[1] == "prctl":
        raise AttributeError("prctl")
    if event == "ctypes.dlopen" and facts[0] == "libc.so.6":
        raise OSError("no glibc")
    if event == "resource.setrlimit" and facts[1][0] not in (None, 0) and facts[0] == 2:
        raise ValueError("the kernel keeps no limit of memory")


with open(os.path.join(os.path.dirname(__file__), "witness"), "a") as witness:
    witness.write(" ".join(sys.orig_argv[1:4]) + "\\n")
sys.addaudithook(elsewhere)
"""


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Who was started without Linux, a line each."""
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(SITE)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "site"))
    return tmp_path / "site" / "witness"


def test_a_server_reads_and_ends_without_linux_on_an_arm_processor(elsewhere: Path, tmp_path: Path) -> None:
    log = tmp_path / "log"
    with serving(log, "--workers", "2") as (child, url), caller(url) as http:
        unit = png(strokes.units(per_digit=1, seed=5)[7, 0])  # read by the process itself, the other one by a child
        for picture in (unit, (EXAMPLES / "7.png").read_bytes()):
            answer = http.post("/v1/predict", files={"file": picture}).json()
            assert (answer["label"], answer["model"]) == ("7", "digits@1")
        wait_until(lambda: any("worker" in line for line in elsewhere.read_text().splitlines()))
        assert http.get("/metrics").status_code == 200
        child.send_signal(signal.SIGTERM)
        assert child.wait(PATIENCE_SECONDS) == 0
    started = elsewhere.read_text()
    assert all(name in started for name in ("app serve", "app worker", "app.decoding.child"))
    assert [line["why"] for line in events(log, "candidate_passed_over") if line["candidate"] == "int8"] == []


def test_the_doctor_finds_nothing_wrong_there(elsewhere: Path) -> None:
    done = command("doctor")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "CPU core" in done.stdout
