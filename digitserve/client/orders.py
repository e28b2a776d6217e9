"""What a fine-tune may be asked for, and how a job's request spells that."""

from collections.abc import Mapping
from typing import Any, Literal, TypedDict

from digitserve.client.data_sets import Data

Promote = Literal["never", "if_better", "shadow"]
Blocks = Literal["auto", "head", "last_block", "gradual", "all"]


class Order(TypedDict, total=False):
    """The words of `start` and `teach`; what is left out, the server chooses."""

    model: str  # what to start from: name, name@alias or name@7; left out: digits
    validation: Data | None  # pictures that judge, in place of a part of the others
    suffix: str | None  # publish as a model of its own, which may have other labels
    epochs: int | None
    batch_size: int | None
    learning_rate: float | None  # times the usual one
    unfreeze: Blocks  # which part learns
    promote: Promote  # serve the result; left out: never
    seed: int | None
    metadata: Mapping[str, str] | None
    key: str | None  # the same call with the same key makes one job, however often


def request(order: Order) -> dict[str, Any]:
    """The job's request, but for its files."""
    numbers = _given(
        n_epochs=order.get("epochs"),
        batch_size=order.get("batch_size"),
        learning_rate_multiplier=order.get("learning_rate"),
    )
    supervised = _given(unfreeze=order.get("unfreeze"), promote=order.get("promote"), hyperparameters=numbers or None)
    return _given(
        model=order.get("model", "digits"),
        suffix=order.get("suffix"),
        seed=order.get("seed"),
        metadata=order.get("metadata"),
        method={"type": "supervised", "supervised": supervised} if supervised else None,
    )


def _given(**values: object) -> dict[str, object]:
    return {name: value for name, value in values.items() if value is not None}
