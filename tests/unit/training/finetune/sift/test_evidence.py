import torch

from tests.support.planting import DIGITS
from training.data.rows import Rows
from training.finetune.sift.evidence import Evidence


def test_rows_of_a_kind_are_found_where_there_are_enough() -> None:
    labels = torch.tensor([1] * 8 + [2] * 5 + [3] * 6)
    rows = Rows(torch.zeros(19, 1, 28, 28, dtype=torch.uint8), labels)
    said = torch.tensor([7] * 7 + [1] + [9] * 5 + [9] * 6)
    sure = torch.tensor([True] * 6 + [False, True] + [True] * 5 + [False] * 6)
    found = Evidence(rows, said, sure, DIGITS, rows)
    assert [(label, which.tolist()) for label, which in found.kinds(found.surely)] == [(1, list(range(6)))]
    assert [label for label, _ in found.kinds(found.contradicts)] == [1, 3]
    rest = found.only(torch.tensor([5, 6, 7]))
    assert (rest.contradicts.tolist(), rest.surely.tolist()) == ([True, True, False], [True, False, False])
