"""What can go wrong in training through no fault of the program. Each text is one sentence that says what to do."""


class TrainingError(Exception):
    """The root: `python -m training` prints it and exits with 2."""


class DataMissing(TrainingError):
    """A data set is not on this machine."""


class WeightsMissing(TrainingError):
    """The pretrained weights that a net starts from are not on this machine and could not be downloaded."""


class TrainingDiverged(TrainingError):
    """The loss became infinite or no number."""


class CheckpointRejected(TrainingError):
    """A run can't go on from the checkpoint that it left."""


class RunBusy(TrainingError):
    """Another process trains the very same thing."""


class SearchRejected(TrainingError):
    """A search could not begin, or found nothing."""


class ExtraMissing(TrainingError):
    """A library that only some commands need is not installed."""
