"""What can go wrong in training through no fault of the program. Each text is one sentence that says what to do."""

import errno
import os
from pathlib import Path

_REMEDIES = {
    errno.ENOSPC: "Free some space and repeat the command.",
    errno.EDQUOT: "Free some space and repeat the command.",
    errno.EFBIG: "Let this process write larger files (ulimit -f) and repeat the command.",
    errno.EEXIST: "A file is where a folder must be: move it away or name another folder.",
    errno.ENOTDIR: "A file is where a folder must be: move it away or name another folder.",
    errno.EISDIR: "It is a folder: name a file in it.",
    errno.ENOENT: "Make its folder first.",
    errno.EACCES: "Change its permissions or name another place.",
    errno.EPERM: "Change its permissions or name another place.",
    errno.EROFS: "Name another place.",
    errno.EPIPE: "Whoever read the output is gone, so the command stopped.",
}


def sentence(error: OSError, place: Path) -> str:
    """What the system refused, where, and what to do; an error that names no file is of something in `place`."""
    # a tree that is copied gathers its errors into one without a number
    number = error.errno or next((known for known in _REMEDIES if f"[Errno {known}]" in str(error)), None)
    if number is None:
        return f"The system refused to work on {place}. Check that disk and repeat the command."
    if number == errno.EPIPE:
        return f"{os.strerror(number)}. {_REMEDIES[number]}"
    path = place if error.filename is None else Path(os.fsdecode(error.filename))
    shown = path.parent if path.name.startswith(".") else path  # hidden names are our own
    return f"{os.strerror(number)}: {shown}. {_REMEDIES.get(number, 'Check that disk and repeat the command.')}"


class TrainingError(Exception):
    """The root: `python -m training` prints it and exits with 2."""


class DataMissing(TrainingError):
    """A data set is not on this machine."""


class DataDiffers(TrainingError):
    """Processes that train as one have different data sets."""


class WeightsMissing(TrainingError):
    """The pretrained weights that a net starts from are not on this machine and could not be downloaded."""


class TrainingDiverged(TrainingError):
    """The loss grew over the epochs, or became infinite or no number."""


class CheckpointRejected(TrainingError):
    """A training can't go on from the checkpoint that it left."""


class ExperimentBusy(TrainingError):
    """Another process trains the very same thing."""


class SearchRejected(TrainingError):
    """A search could not begin, or found nothing."""


class ExtraMissing(TrainingError):
    """A library that only some commands need is not installed."""


class DeviceMissing(TrainingError):
    """The GPU that a process should compute on is not in this machine."""


class ProfileRejected(TrainingError):
    """A trace of torch's work can't be written there."""


class ExportRejected(TrainingError):
    """A version can't be written in that format, or not there."""


class JudgingRejected(TrainingError):
    """These versions, or this one and these rows, can't be judged together."""


class WeightsRejected(TrainingError):
    """Weights that do not fit their net, or a file that holds none."""


class BaseUnusable(TrainingError):
    """The version that a job starts from is gone, or not what was published."""


class JobAbandoned(TrainingError):
    """Nobody said for a long time whether a finished job may publish."""
