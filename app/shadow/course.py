"""What comes next for a challenger, by its row and by where the aliases are: one rule, for whoever looks.

The aliases say who answers and who reads beside; the labels say who is better. Each step changes one thing, so that
whoever comes after a crash finds what is left to do.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from app.shadow.mcnemar import Judgement
from app.shadow.record import Pair, Phase, Shadow
from models_store.refs import CHALLENGER, CHAMPION


class Act(StrEnum):
    """One step."""

    BEGIN = "begin"  # write down that two versions are compared
    CROWN = "crown"  # the challenger becomes the champion
    TURN = "turn"  # the one that was champion becomes the challenger
    FOLLOW = "follow"  # write down that roles were changed
    TAKE_AWAY = "take_away"  # nobody is challenger any more
    END = "end"  # write down how it ended


@dataclass(frozen=True)
class Step:
    """`pair` is what begins; `phase` and `why` are how it ends, or goes on."""

    act: Act
    pair: Pair
    phase: Phase = Phase.COLLECTING
    why: str = ""


def next_step(shadow: Shadow | None, model: str, aliases: Mapping[str, int]) -> Step | None:
    """None where row and aliases agree. `shadow` is the model's active one."""
    champion, challenger = aliases.get(CHAMPION), aliases.get(CHALLENGER)
    if shadow is None:
        if champion is None or challenger is None or champion == challenger:
            return None
        return Step(Act.BEGIN, Pair(model, champion, challenger))
    pair, verdict = shadow.pair, shadow.labels.verdict
    if verdict is Judgement.BETTER and champion in (pair.champion, pair.challenger):
        return _better(shadow, champion, challenger)
    if verdict in (Judgement.WORSE, Judgement.EQUAL):
        return _not_better(shadow, challenger)
    if champion != pair.champion:
        serves = f"{pair.ref(champion)} serves" if champion else "no version serves"
        why = f"The champion was moved by somebody while they were compared: {serves} now."
        return _over(pair, challenger, Phase.ENDED, why)
    if challenger is None:
        return Step(Act.END, pair, Phase.ENDED, f"Somebody ended it: {pair.ref(pair.challenger)} reads no more.")
    if challenger != pair.challenger:
        why = f"{pair.ref(challenger)} took the place of {pair.ref(pair.challenger)} as the challenger."
        return Step(Act.END, pair, Phase.ENDED, why)
    return None


def _better(shadow: Shadow, champion: int, challenger: int | None) -> Step:
    """The challenger is better: it becomes the champion, unless it has already."""
    pair = shadow.pair
    if champion == pair.champion:
        if challenger == pair.challenger:
            return Step(Act.CROWN, pair)
        return Step(Act.END, pair, Phase.ENDED, f"Another version took the place of {pair.ref(pair.challenger)}.")
    if shadow.phase is Phase.PROMOTED:
        why = f"{_better_by(shadow)}, so {pair.ref(pair.challenger)} was put back."
        return _over(pair, challenger, Phase.ROLLED_BACK, why)
    why = f"{_better_by(shadow)}, so it was promoted"
    if challenger == pair.challenger:
        return Step(Act.TURN, pair)
    if challenger == pair.champion:
        why = f"{why}; {pair.ref(pair.champion)} reads beside it now."
        return Step(Act.FOLLOW, Pair(pair.model, pair.challenger, pair.champion), Phase.PROMOTED, why)
    return Step(Act.END, pair, Phase.PROMOTED, f"{why}.")


def _not_better(shadow: Shadow, challenger: int | None) -> Step:
    pair, labels = shadow.pair, shadow.labels
    one, other = pair.ref(pair.champion), pair.ref(pair.challenger)
    counts = f"{one} was right in {labels.champion}, {other} in {labels.challenger} of {labels.count} labelled pictures"
    if shadow.phase is Phase.PROMOTED:
        return _over(pair, challenger, Phase.PROMOTED, f"{counts}, so {one} stays the champion.")
    if labels.verdict is Judgement.WORSE:
        return _over(pair, challenger, Phase.ENDED, f"{counts}, so {other} is worse and was not promoted.")
    why = f"{counts}, which tells no difference. Promote {other} by hand if you like it, or leave it."
    return _over(pair, challenger, Phase.UNDECIDED, why)


def _better_by(shadow: Shadow) -> str:
    pair, labels = shadow.pair, shadow.labels
    return (
        f"{pair.ref(pair.challenger)} was right in {labels.challenger}, {pair.ref(pair.champion)} in {labels.champion} "
        f"of {labels.count} labelled pictures"
    )


def _over(pair: Pair, challenger: int | None, phase: Phase, why: str) -> Step:
    """First the alias goes, then it is written down: else another process would begin it anew."""
    return Step(Act.TAKE_AWAY if challenger == pair.challenger else Act.END, pair, phase, why)
