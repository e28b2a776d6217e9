"""What one epoch did, in numbers: what the loop tells and everybody shows."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Epoch:
    """One pass over the training rows; loss and accuracy are of the augmented pictures, as they were trained on."""

    number: int
    epochs: int
    loss: float
    accuracy: float
    learning_rate: float
    seconds: float
    validation_loss: float | None = None
    validation_accuracy: float | None = None
