"""What can go wrong in training through no fault of the program. Each text is one sentence that says what to do."""


class TrainingError(Exception):
    """The root: `python -m training` prints it and exits with 2."""


class DataMissing(TrainingError):
    """A data set is not on this machine."""


class TrainingDiverged(TrainingError):
    """The loss became infinite or no number."""
