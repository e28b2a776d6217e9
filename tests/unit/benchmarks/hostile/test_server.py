import os
import subprocess
import sys
from pathlib import Path

from benchmarks.hostile.server import Watch, busy_cores, cpu
from benchmarks.processes import descriptors, resident, tree
from tests.support.patience import wait_until

GROWS = """
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)
sys.stdin.readline()
held = bytearray(b"x") * (200 * 2**20)
files = [open("/dev/null") for _ in range(50)]
print("grown", flush=True)
sys.stdin.read()
"""


def test_what_processes_computed_counts_when_they_have_ended_too() -> None:
    burns = "import time\nwhile time.process_time() < 0.3: pass"
    before = cpu(os.getpid()), busy_cores()
    subprocess.run([sys.executable, "-c", burns], check=True)
    mine, everybodys = cpu(os.getpid()) - before[0], busy_cores() - before[1]
    assert mine >= 0.29 and everybodys >= 0.25  # both are counted in hundredths


def test_a_process_is_seen_with_what_it_started_and_how_much_it_took(tmp_path: Path) -> None:
    command = [sys.executable, "-c", GROWS]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdin and parent.stdout
        wait_until(lambda: len(tree(parent.pid)) == 2)
        watch = Watch(parent.pid)
        watch.start()
        parent.stdin.write("\n")
        parent.stdin.flush()
        assert parent.stdout.readline() == "grown\n"
        wait_until(lambda: watch.growth > 190 * 2**20 and watch.descriptors > 50)
        watch.stop()
        assert watch.together > watch.growth
        assert watch.processes == 2
        assert descriptors(parent.pid) > 50
        parent.kill()
    assert (resident(parent.pid), descriptors(parent.pid), tree(parent.pid)) == (0, 0, [parent.pid])
    assert resident(os.getpid()) > 10 * 2**20
