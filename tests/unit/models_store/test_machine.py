import os
import signal
import subprocess
import sys
import threading
from importlib.metadata import version
from pathlib import Path

import pytest

from app.supervision.slots import environment
from models_store.machine import cores, gpus, step_back
from tests.support.patience import wait_until

# A process that starts one which ends with it, and is killed itself. `prctl` is Linux's.
PARENT = """
import os, subprocess, sys
child = f'''
import ctypes, time
from models_store import machine
{sys.argv[1]}
machine.end_with_parent({os.getpid()})
print("here", flush=True)
time.sleep(600)
'''
one = subprocess.Popen([sys.executable, "-c", child], stdout=subprocess.PIPE)
one.stdout.readline()
print(one.pid, flush=True)
os.kill(os.getpid(), 9)
"""
NO_PRCTL = "class CDLL:\n    def __init__(self, name): raise OSError\nctypes.CDLL = CDLL"


def test_at_least_one_core_may_be_used() -> None:
    assert cores() >= 1


def test_cards_are_counted_unless_torch_is_built_without_them(tmp_path: Path) -> None:
    for name in ("0000:01:00.0", "0000:02:00.0"):
        (tmp_path / name).mkdir()
    assert gpus(tmp_path) == (0 if version("torch").endswith("+cpu") else 2)
    assert gpus(tmp_path / "nothing") == 0


def test_each_process_gets_a_card_of_its_own_in_turn() -> None:
    given = [environment({"A": "b"}, number, cards=2)["CUDA_VISIBLE_DEVICES"] for number in (1, 2, 3)]
    assert given == ["0", "1", "0"]


def test_without_cards_or_with_the_operators_choice_no_card_is_named() -> None:
    given = environment({"A": "b"}, 1, cards=0)
    assert given["A"] == "b" and "CUDA_VISIBLE_DEVICES" not in given
    assert {name for name in given if name.startswith("MALLOC")} == set(given) - {"A"}  # glibc is told to be sparing
    chosen = {"CUDA_VISIBLE_DEVICES": "5", **dict.fromkeys(set(given) - {"A"}, "4")}
    assert environment(chosen, 1, cards=2) == chosen


@pytest.mark.parametrize("without", ["", NO_PRCTL])
def test_a_child_ends_with_its_parent_with_and_without_linux(without: str) -> None:
    done = subprocess.run([sys.executable, "-c", PARENT, without], stdout=subprocess.PIPE, check=False)
    assert done.returncode == -signal.SIGKILL
    wait_until(lambda: not runs(int(done.stdout)))


def runs(pid: int) -> bool:
    """Whether a process computes or waits; one that nobody has asked how it ended does neither."""
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
    return bool(state.strip()) and not state.startswith("Z")


def test_a_thread_steps_back_and_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    found: list[int] = []

    def nice() -> None:
        step_back(4)
        found.append(os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))

    before = os.getpriority(os.PRIO_PROCESS, os.getpid())
    for platform, after in (("linux", min(19, before + 4)), ("darwin", before)):
        monkeypatch.setattr(sys, "platform", platform)
        thread = threading.Thread(target=nice)
        thread.start()
        thread.join()
        assert found.pop() == after
    assert os.getpriority(os.PRIO_PROCESS, os.getpid()) == before
