"""Decides whether a fine-tuned candidate is good enough to serve."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from models_store.specs import FineTuneSpec
from training.judge.trigger import Turned

OWN_TEST = "the base's own test"
_SURE = 0.95
_TIE = 1e-9  # shares of whole rows: a tie in floats is a tie


@dataclass(frozen=True)
class Judged:
    """One side of the comparison: the same rows, read by the base and by the candidate."""

    rows: int
    base: float | None  # share read right; None where the base does not have these labels
    candidate: float
    what: str = OWN_TEST
    guess: float = 0.0  # the share of the label that comes most often: what guessing always the same reads right

    @property
    def surely(self) -> float:
        """The lower end of the exact 95 % interval around the candidate's share (Clopper and Pearson 1934,
        doi:10.1093/biomet/26.4.404): whoever only guesses is above his share once in forty times, of few rows too."""
        from scipy.stats import binomtest  # a second to import, which most jobs need not wait for

        right = round(self.candidate * self.rows)
        return float(binomtest(right, self.rows).proportion_ci(_SURE, method="exact").low)

    @property
    def beats_guessing(self) -> bool:
        """Whether the candidate reads more right than guessing does, by more than chance explains."""
        return math.isfinite(self.candidate) and self.surely > self.guess + _TIE


@dataclass(frozen=True)
class Decision:
    """What the gate said, and its numbers in one sentence for the manifest."""

    accepted: bool
    why: str


def from_scratch(test: Judged) -> Decision:
    """A net that has no base must beat guessing on its test rows: what does not has learned nothing that shows."""
    if not math.isfinite(test.candidate):
        return Decision(False, "rejected: the net's answers are no numbers")
    said = f"{_share(test.candidate)} of {test.rows:,} test rows read right, surely {_share(test.surely)}"
    needed = f"more than the {_share(test.guess)} of guessing needed"
    return Decision(test.beats_guessing, f"{_word(test.beats_guessing)}: from scratch, {said}, {needed}")


def as_first(decision: Decision, *judged: Judged) -> Decision:
    """The same for a version that would be its model's first champion: nothing serves there yet that it could be no
    worse than, so it must beat guessing too, on one of the judging sets at least."""
    if not decision.accepted or any(one.beats_guessing for one in judged):
        return decision
    why = decision.why.removeprefix("accepted: ")
    return Decision(False, f"rejected: {why}; a model's first version must beat guessing, and this does not surely")


def decide(new: Judged, old: Judged | None, spec: FineTuneSpec, how: str, alike: float | None = None) -> Decision:
    """Accepted when the candidate is no worse than its base on new data that it has not seen, and loses at most
    `max_loss` on the base's own test; a new label set has no base to compare with and must reach `min_accuracy`, and
    more than guessing does.

    `how` says how the new rows were kept apart, `old` is None where no test of the base is on this machine. `alike` is
    the share of the old rows that candidate and base read alike, where others stand in for that test. Then it decides,
    with `min_alike`: on such rows, forgetting shows in answers that change, not in wrong ones (docs/training-log.md).
    """
    numbers = [new.candidate, *([old.candidate] if old else []), *([] if alike is None else [alike])]
    if not all(math.isfinite(number) for number in numbers):
        return Decision(False, "rejected: the candidate's answers are no numbers")
    if new.base is None:
        return enough("a new label set", new, how, spec)
    better = new.candidate >= new.base
    said = f"{how}: {_share(new.base)} -> {_share(new.candidate)}"
    if old is None or old.base is None:
        return Decision(better, f"{_word(better)}: {said}; no test of the base is on this machine")
    limit = spec.max_loss if alike is None else 1 - spec.min_alike
    kept = old.base - old.candidate <= limit + _TIE
    said += f"; {old.what} ({old.rows:,} rows): {_share(old.base)} -> {_share(old.candidate)}"
    faithful = alike is None or alike >= spec.min_alike
    said += "" if alike is None else f", {_share(alike)} of them read as the base reads them"
    blame = [] if better else ["worse on the new pictures"]
    blame += [] if kept else [f"forgets more than {100 * limit:g} points"]
    blame += [] if faithful else [f"reads more than {100 * (1 - spec.min_alike):g} % of them otherwise than its base"]
    return Decision(not blame, f"{_word(not blame)}: {said}{''.join(f'; {reason}' for reason in blame)}")


def untriggered(
    decision: Decision, turned: Turned | None, winning: Mapping[str, int], labels: Sequence[str], spec: FineTuneSpec
) -> Decision:
    """The same for a candidate that must have learned no trigger: a patch turns at most `max_turned` of the held-out
    pictures of other labels to one label that its base does not read so, and of no label do most of the new pictures
    that contradict the base win over whatever they are laid over (`winning`: so many)."""
    blame = []
    if turned is not None and turned.more > spec.max_turned + _TIE:
        shares = f"{_share(turned.before)} -> {_share(turned.share)}"
        blame.append(f"a patch turns pictures of other labels to {labels[turned.label]}: {shares} of them")
    if winning:
        listed = " and ".join(f"{count} given as {label}" for label, count in winning.items())
        blame.append(f"of the new pictures {listed} turn every other that they are laid over: look at them")
    if not blame or not decision.accepted:
        return decision
    return Decision(False, "; ".join(["rejected" + decision.why[decision.why.index(":") :], *blame]))


def enough(kind: str, read: Judged, how: str, spec: FineTuneSpec) -> Decision:
    """Whether a net that nothing can be compared with reads `min_accuracy` of its judging rows right, and more than
    guessing does. `kind` and `how` say what it is and how the rows were kept apart."""
    reaches, guesses = read.candidate >= spec.min_accuracy, read.candidate <= read.guess + _TIE
    accepted = reaches and not guesses
    said = f"{_share(read.candidate)} of {how} read right, at least {_share(spec.min_accuracy)} needed"
    said += f"; guessing reads {_share(read.guess)} too" if reaches and guesses else ""
    return Decision(accepted, f"{_word(accepted)}: {kind}, {said}")


def still_good(old: Judged, spec: FineTuneSpec | None) -> Decision:
    """Whether a compressed version keeps enough of its parent's accuracy on the parent's own test."""
    assert old.base is not None, "a compressed version has its parent's labels"
    limit = (spec or FineTuneSpec(base="")).max_loss
    kept = math.isfinite(old.candidate) and old.base - old.candidate <= limit + _TIE
    said = f"{old.rows:,} test rows: {_share(old.base)} -> {_share(old.candidate)}"
    return Decision(kept, f"{_word(kept)}: {said}, at most {100 * limit:g} points may be lost")


def _word(accepted: bool) -> str:
    return "accepted" if accepted else "rejected"


def _share(number: float) -> str:
    return f"{number:.2%}"
