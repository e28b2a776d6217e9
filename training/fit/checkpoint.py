"""Keeps a training on disk after every epoch, so that a killed one goes on."""

import contextlib
import fcntl
import io
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from models_store import durable
from training.errors import CheckpointRejected, ExperimentBusy

State = dict[str, Any]  # tensors, numbers, texts, lists and dicts: nothing that needs a pickle to be trusted


@contextlib.contextmanager
def experiment_folder(root: Path, key: str) -> Iterator[Path]:
    """The folder of one training and what it leaves, held by one process; removed when the block ends well, kept when
    it fails.

    `key` names what it learns from and how: the same command finds it again. Raises ExperimentBusy.
    """
    folder = root / key
    lock = _locked(folder)
    try:
        yield folder
        shutil.rmtree(folder, ignore_errors=True)
    finally:
        with contextlib.suppress(OSError):  # nothing to go on from: leave no empty folder
            folder.rmdir()
        os.close(lock)


def _locked(folder: Path) -> int:
    """Makes the folder and locks it; again where a training that was just ending took it away in between."""
    while True:
        folder.mkdir(parents=True, exist_ok=True)
        try:
            lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        except FileNotFoundError:
            continue
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if folder.stat().st_ino == os.fstat(lock).st_ino:
                return lock
        except BlockingIOError:
            os.close(lock)
            raise ExperimentBusy("The same training runs already. Wait for it, or change the seed.") from None
        except FileNotFoundError:
            pass
        os.close(lock)


def save(path: Path, state: State) -> None:
    """Writes the state, whole or not at all. Through memory: torch aborts the process on a full disk otherwise."""
    buffer = io.BytesIO()
    torch.save(state, buffer)
    durable.write(path, buffer.getvalue())


def read(path: Path | None) -> bytes | None:
    """The bytes of a checkpoint, None where there is none."""
    return path.read_bytes() if path is not None and path.is_file() else None


def load(data: bytes, device: torch.device) -> State:
    """What `save` wrote. Raises CheckpointRejected for anything else; never runs code from the file."""
    try:
        state = torch.load(io.BytesIO(data), map_location=device, weights_only=True)
    except Exception:  # whatever a damaged file makes of torch's reader
        raise CheckpointRejected(
            "The checkpoint of this training is damaged. Repeat the command with --fresh."
        ) from None
    if not isinstance(state, dict):
        raise CheckpointRejected("The checkpoint of this training is of another kind. Repeat the command with --fresh.")
    return state
