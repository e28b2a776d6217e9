import subprocess
import sys

from benchmarks.processes import api_processes, cpu, cpu_of_all, tree
from tests.support.patience import wait_until

# Works for a while in its main thread, in another, and in a child that ends; then waits.
WORKS = """
import subprocess, sys, threading, time
def work(seconds):
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        sum(range(1000))
other = threading.Thread(target=work, args=(0.3,))
other.start()
other.join()
work(0.2)
child = "import time\\nwhile time.process_time() < 0.5: sum(range(1000))"
subprocess.run([sys.executable, "-c", child])
print("done", flush=True)
sys.stdin.read()
"""


def test_cpu_of_a_process_its_main_thread_and_all_that_it_started() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", WORKS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == "done\n"
        whole, main, with_children = cpu(process.pid), cpu(process.pid, main_thread=True), cpu_of_all(process.pid)
        assert whole.together >= main.together + 0.25
        assert main.together >= 0.15
        assert with_children >= whole.together + 0.4
        assert (whole - whole).together == 0
        process.kill()
    assert (cpu(process.pid).together, cpu_of_all(process.pid)) == (0, 0)


def test_api_processes_are_those_with_a_socket() -> None:
    child = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'input()', *sys.argv[1:]])"
    with subprocess.Popen([sys.executable, "-c", child, "serve", "--fd", "7"], stdin=subprocess.PIPE) as parent:
        wait_until(lambda: len(api_processes(parent.pid)) == 2)  # the parent of this test has the option too
        assert set(api_processes(parent.pid)) == set(tree(parent.pid))
    with subprocess.Popen([sys.executable, "-c", child, "worker"], stdin=subprocess.PIPE) as parent:
        wait_until(lambda: len(tree(parent.pid)) == 2)
        assert api_processes(parent.pid) == []
