"""What each optimizer is usually given: the one place for training, fine-tuning, compressing, searching and jobs."""

from collections.abc import Mapping
from dataclasses import dataclass

RECOVERY = 10  # by so much the rate is divided by which a pruned or rounded net recovers


@dataclass(frozen=True)
class UsualNumbers:
    """One optimizer's numbers. With those from fresh weights, three epochs over a tenth of MNIST teach to read 97 % of
    its test (docs/training-log.md)."""

    learning_rate: float  # from fresh weights
    # From a base's: 200 of Semeion's digits teach to read 98.3 to 98.5 % of the other 1,393 (n = 1; untaught 93.0 %).
    tuning_rate: float
    weight_decay: float = 0.0  # from fresh weights; but for adamw it joins the gradient, which adaptive rates undo
    momentum: float | None = None  # from fresh weights, where it is known; rmsprop's makes steps ten times as large


USUAL: Mapping[str, UsualNumbers] = {
    "sgd": UsualNumbers(learning_rate=0.05, tuning_rate=2e-2, weight_decay=5e-4, momentum=0.9),
    "adam": UsualNumbers(learning_rate=2e-3, tuning_rate=2e-3),
    "adamw": UsualNumbers(learning_rate=2e-3, tuning_rate=2e-3, weight_decay=1e-2),
    "rmsprop": UsualNumbers(learning_rate=1e-3, tuning_rate=2e-4, momentum=0.0),
    "adagrad": UsualNumbers(learning_rate=1e-2, tuning_rate=1e-2),
}


def from_fresh_weights(optimizer: str) -> dict[str, float]:
    """What a recipe's table `train` takes from a table of `USUAL` where an optimizer is named without a rate."""
    usual = USUAL[optimizer]
    numbers = {"learning_rate": usual.learning_rate, "weight_decay": usual.weight_decay}
    return numbers if usual.momentum is None else {**numbers, "momentum": usual.momentum}
