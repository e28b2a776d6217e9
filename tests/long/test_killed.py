"""Jobs of the shipped version on a real server, whose worker is killed, and stopped, and whose supervisor is killed."""

import os
import signal
from pathlib import Path

from app.errors import DatabaseUnavailable
from tests.support.patience import in_spite_of, wait_until
from tests.system.harness import events, until
from tests.system.test_jobs import ended_once, let_lease_end, pictures, processes, two_workers, until_epoch, worker_of

__all__ = ["pictures"]  # the fixture


def stop(worker: int, folder: Path) -> None:
    """The worker is not heard of any more; not in the middle of a write, which would keep all others from theirs."""
    while True:
        os.kill(worker, signal.SIGSTOP)
        try:
            let_lease_end(folder)
            return
        except DatabaseUnavailable:
            os.kill(worker, signal.SIGCONT)


def test_whatever_is_killed_or_stopped_a_job_ends_once(tmp_path: Path, pictures: bytes) -> None:
    with two_workers(tmp_path) as running:
        ai = running.ai
        uploaded = ai.files.create(file=("mine.zip", pictures), purpose="fine-tune").id
        job = ai.fine_tuning.jobs.create(model="digits", training_file=uploaded, hyperparameters={"n_epochs": 90}).id
        until_epoch(ai, job, 3)

        killed = wait_until(lambda: worker_of(tmp_path))
        os.kill(killed, signal.SIGKILL)
        in_spite_of(DatabaseUnavailable, lambda: let_lease_end(tmp_path))
        wait_until(lambda: worker_of(tmp_path) not in (0, killed))  # its training went with it: another has the job
        until_epoch(ai, job, 8)

        stopped = wait_until(lambda: worker_of(tmp_path))
        stop(stopped, tmp_path)
        wait_until(lambda: ai.fine_tuning.jobs.retrieve(job).to_dict()["attempt"] == 3)
        until_epoch(ai, job, 12)
        os.kill(stopped, signal.SIGCONT)
        until(running.log, "job_lost")  # the old owner wakes up, is told, and ends its training
        ended_once(running, job, 90, deaths=2)

        again = ai.fine_tuning.jobs.create(model="digits", training_file=uploaded, hyperparameters={"n_epochs": 30}).id
        until_epoch(ai, again, 3)
        before = set(processes(tmp_path))
        os.kill(running.supervisor, signal.SIGKILL)
        running.log.rename(tmp_path / "first")
        port = running.url.rpartition(":")[2]  # the same at once, as an operator's service manager does it
        with two_workers(tmp_path, "--port", port) as next_one:
            wait_until(lambda: not before & set(processes(tmp_path)))  # nothing of before serves or trains any more
            in_spite_of(DatabaseUnavailable, lambda: let_lease_end(tmp_path))
            ended_once(next_one, again, 30, deaths=1)
    assert events(tmp_path / "log", "job_claimed")[0]["job"] == again
