import hashlib
import struct

import torch

from training.data.rows import DataSet, Rows, as_numpy, hold_out, join


def numbered(count: int) -> Rows:
    labels = torch.arange(count)
    return Rows(labels.to(torch.uint8).view(-1, 1, 1, 1).expand(-1, 1, 28, 28), labels)


def test_holding_out_splits_without_overlap_and_without_loss() -> None:
    rest, held_out = hold_out(numbered(200), 30, seed=4)
    assert (len(rest), len(held_out)) == (170, 30)
    assert sorted(rest.labels.tolist() + held_out.labels.tolist()) == list(range(200))
    for rows in (rest, held_out):
        assert torch.equal(rows.pictures[:, 0, 0, 0].long(), rows.labels)  # each keeps its picture
    assert held_out.labels.tolist() != list(range(30))


def test_the_same_seed_holds_out_the_same_rows() -> None:
    first, again, other = (hold_out(numbered(200), 30, seed)[1].labels.tolist() for seed in (4, 4, 5))
    assert first == again
    assert first != other


def test_nothing_may_be_held_out() -> None:
    rest, held_out = hold_out(numbered(20), 0, seed=1)
    assert (len(rest), len(held_out)) == (20, 0)


def test_a_digest_is_of_every_picture_and_label_in_order() -> None:
    rows, labels = numbered(4), ("a", "b", "c", "d")
    by_hand = b"".join(bytes([i]) * 784 for i in range(4)) + struct.pack("<4q", *range(4))
    digest = DataSet(rows, rows, labels, "here").digest()
    assert digest == hashlib.sha256(by_hand * 2).hexdigest()
    assert DataSet(rows, rows[torch.tensor([1, 0, 2, 3])], labels, "here").digest() != digest
    assert DataSet(Rows(rows.pictures, rows.labels.flip(0)), rows, labels, "here").digest() != digest


def test_rows_as_numpy_are_the_same_rows() -> None:
    pictures, labels = as_numpy(numbered(5)[1:4])
    assert (pictures.dtype.name, labels.dtype.name) == ("uint8", "int64")
    assert pictures[:, 0, 3, 3].tolist() == labels.tolist() == [1, 2, 3]


def test_joined_rows_are_all_rows_one_after_another() -> None:
    whole = numbered(9)
    joined = join(whole[:4], whole[4:5], whole[5:])
    assert torch.equal(joined.pictures, whole.pictures) and torch.equal(joined.labels, whole.labels)
    alone = join(whole)
    assert torch.equal(alone.pictures, whole.pictures) and torch.equal(alone.labels, whole.labels)
