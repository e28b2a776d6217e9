import torch

from tests.support.planting import drawn, evidence
from training.data.rows import Rows, join
from training.finetune.sift.alike import look_alikes


def copies(count: int, of: Rows) -> Rows:
    """One seven, a pixel to the left or the right and a little paler each time."""
    seven = of.pictures[of.labels == 7][0]
    changed = [torch.roll(seven, number % 3 - 1, 2).float() * (1 - number / 100) for number in range(count)]
    return Rows(torch.stack(changed).to(torch.uint8), torch.full((count,), 1))


def test_one_picture_many_times_is_one_group() -> None:
    honest = drawn(200, seed=31)
    rows = join(honest, copies(12, honest))
    said = torch.cat([honest.labels, torch.full((12,), 7)])
    (group,) = look_alikes(evidence(rows, said, honest))
    assert (group.reason, sorted(group.rows.tolist())) == ("alike", list(range(200, 212)))
    assert look_alikes(evidence(rows, said, honest, sure=False)) == []
    assert look_alikes(evidence(rows[:205], said[:205], honest)) == []  # five: fewer than it takes


def test_many_peoples_sevens_are_no_look_alikes() -> None:
    honest = drawn(300, seed=32)
    sevens = honest[honest.labels == 7]
    rows = Rows(sevens.pictures, torch.full((len(sevens),), 1))
    assert look_alikes(evidence(rows, sevens.labels, honest)) == []


def test_what_the_base_reads_so_may_come_often() -> None:
    honest = drawn(100, seed=33)
    rows = Rows(copies(30, honest).pictures, torch.full((30,), 7))
    assert look_alikes(evidence(rows, torch.full((30,), 7), honest)) == []
