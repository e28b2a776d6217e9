"""How many of one giver's corrections a job learns: a share of all, so that nobody bends a model alone.

Not limited are corrections from this machine itself, those of earlier releases, of which nobody knows the giver, and
those that the champion has learned: what serves already was let through once, and to leave it out changes nothing.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence

from app.feedback.givers import LOCAL
from app.feedback.tables import Correction

ALWAYS = 50  # corrections of a giver: a small service with one user goes on learning


def taken(
    corrections: Sequence[Correction], share: float, settled: Collection[str] = frozenset()
) -> Sequence[Correction]:
    """Those of `corrections` (the oldest first) that a job learns, in the same order.

    `settled` are ids of those that the champion has learned. Of the others each giver has at most ALWAYS, or so many
    that all that are taken of this giver are no more than `share` of all that are taken.
    """
    limited: dict[str, list[Correction]] = defaultdict(list)
    counted: Counter[str] = Counter()  # of each giver, those that are taken in any case
    for one in corrections:
        if one.giver is None or one.giver == LOCAL:
            continue
        if one.id in settled:
            counted[one.giver] += 1
        else:
            limited[one.giver].append(one)
    bounds = _bounds(len(corrections), {giver: len(own) for giver, own in limited.items()}, counted, share)
    over = {one.id for giver, own in limited.items() for one in _in_turn(own)[bounds[giver] :]}
    return [one for one in corrections if one.id not in over]


def _bounds(total: int, own: Mapping[str, int], counted: Mapping[str, int], share: float) -> Mapping[str, int]:
    """How many of each giver's are taken. The fewer are taken in all, the fewer a share of them is: until it holds."""
    free = total - sum(own.values())
    while True:
        most = int(share * total)
        bounds = {giver: min(count, max(ALWAYS, most - counted[giver])) for giver, count in own.items()}
        less = free + sum(bounds.values())
        if less == total:
            return bounds
        total = less


def _in_turn(own: Sequence[Correction]) -> Sequence[Correction]:
    """In the order in which they are taken: those that no job has learned first, so that all have their turn; of these
    one of each label after the other, and of a label the oldest first. So a flood of one label takes the place of no
    other, and who comes later takes the place of nobody.
    """
    turns: Counter[tuple[bool, str]] = Counter()
    order = []
    for place, one in enumerate(own):
        kind = one.job is not None, one.label
        order.append((kind[0], turns[kind], place))
        turns[kind] += 1
    return [own[place] for _, _, place in sorted(order)]
