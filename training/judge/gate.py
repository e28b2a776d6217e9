"""Decides whether a fine-tuned candidate is good enough to serve."""

import math
from dataclasses import dataclass

from models_store.specs import FineTuneSpec

OWN_TEST = "the base's own test"


@dataclass(frozen=True)
class Judged:
    """One side of the comparison: the same rows, read by the base and by the candidate."""

    rows: int
    base: float | None  # share read right; None where the base does not have these labels
    candidate: float
    what: str = OWN_TEST


@dataclass(frozen=True)
class Decision:
    """What the gate said, and its numbers in one sentence for the manifest."""

    accepted: bool
    why: str


def decide(new: Judged, old: Judged | None, spec: FineTuneSpec, how: str, alike: float | None = None) -> Decision:
    """Accepted when the candidate is no worse than its base on new data that it has not seen, and loses at most
    `max_loss` on the base's own test; a new label set has no base to compare with and must reach `min_accuracy`.

    `how` says how the new rows were kept apart, `old` is None where no test of the base is on this machine. `alike` is
    the share of the old rows that candidate and base read alike, where others stand in for that test. Then it decides,
    with `min_alike`: on such rows, forgetting shows in answers that change, not in wrong ones (docs/training-log.md).
    """
    numbers = [new.candidate, *([old.candidate] if old else []), *([] if alike is None else [alike])]
    if not all(math.isfinite(number) for number in numbers):
        return Decision(False, "rejected: the candidate's answers are no numbers")
    if new.base is None:
        enough = new.candidate >= spec.min_accuracy
        said = f"{_share(new.candidate)} of {how} read right, at least {_share(spec.min_accuracy)} needed"
        return Decision(enough, f"{_word(enough)}: a new label set, {said}")
    better = new.candidate >= new.base
    said = f"{how}: {_share(new.base)} -> {_share(new.candidate)}"
    if old is None or old.base is None:
        return Decision(better, f"{_word(better)}: {said}; no test of the base is on this machine")
    limit = spec.max_loss if alike is None else 1 - spec.min_alike
    kept = old.base - old.candidate <= limit + 1e-9  # shares of whole rows: a tie in floats is a tie
    said += f"; {old.what} ({old.rows:,} rows): {_share(old.base)} -> {_share(old.candidate)}"
    faithful = alike is None or alike >= spec.min_alike
    said += "" if alike is None else f", {_share(alike)} of them read as the base reads them"
    blame = [] if better else ["worse on the new pictures"]
    blame += [] if kept else [f"forgets more than {100 * limit:g} points"]
    blame += [] if faithful else [f"reads more than {100 * (1 - spec.min_alike):g} % of them otherwise than its base"]
    return Decision(not blame, f"{_word(not blame)}: {said}{''.join(f'; {reason}' for reason in blame)}")


def still_good(old: Judged, spec: FineTuneSpec | None) -> Decision:
    """Whether a compressed version keeps enough of its parent's accuracy on the parent's own test."""
    assert old.base is not None, "a compressed version has its parent's labels"
    limit = (spec or FineTuneSpec(base="")).max_loss
    kept = math.isfinite(old.candidate) and old.base - old.candidate <= limit + 1e-9
    said = f"{old.rows:,} test rows: {_share(old.base)} -> {_share(old.candidate)}"
    return Decision(kept, f"{_word(kept)}: {said}, at most {100 * limit:g} points may be lost")


def _word(accepted: bool) -> str:
    return "accepted" if accepted else "rejected"


def _share(number: float) -> str:
    return f"{number:.2%}"
