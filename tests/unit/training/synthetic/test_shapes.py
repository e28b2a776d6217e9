"""Drawn digits of rare shapes: in MNIST's layout, repeatable, and of the labels that they are given."""

import numpy as np
import torch

from models_store.model import Model, predict_all
from models_store.refs import Ref
from models_store.registry import Registry
from models_store.shipped_version import SHIPPED
from training.synthetic import shapes


def test_they_are_rows_in_mnists_layout_and_the_same_for_a_seed() -> None:
    rows, again = shapes.rows(120, seed=3), shapes.rows(120, seed=3)
    assert rows.pictures.shape == (120, 1, 28, 28) and rows.pictures.dtype == torch.uint8
    assert torch.equal(rows.pictures, again.pictures) and torch.equal(rows.labels, again.labels)
    assert not torch.equal(rows.pictures[:10], shapes.rows(10, seed=4).pictures)
    assert len({picture.numpy().tobytes() for picture in rows.pictures}) == 120
    grid = np.arange(28)
    for picture in rows.pictures[:, 0].numpy().astype(float):  # the centre of mass lies in the middle
        assert abs((picture.sum(1) @ grid) / picture.sum() - 13.5) < 1
        assert abs((picture.sum(0) @ grid) / picture.sum() - 13.5) < 1


def test_most_are_ones_and_sevens_and_none_is_of_a_shape_that_mnist_has_often() -> None:
    counts = shapes.rows(2000, seed=1).labels.bincount(minlength=10).tolist()
    assert counts[1] > counts[7] > counts[4]
    assert [label for label, count in enumerate(counts) if count] == [0, 1, 2, 4, 7, 9]


def test_none_at_all_is_no_row() -> None:
    rows = shapes.rows(0, seed=1)
    assert (len(rows), rows.pictures.shape, rows.labels.dtype) == (0, (0, 1, 28, 28), torch.int64)


def test_what_a_net_knows_it_reads_and_flagged_ones_it_does_not() -> None:
    """As a person sees them: crossed sevens, fours and nines are plain, only long flags and slashes are news to it."""
    base = Registry(SHIPPED).resolve(Ref("digits", None, Registry(SHIPPED).versions("digits")[0]))
    rows = shapes.rows(600, seed=2)
    right = predict_all(Model.load(base.folder, base.manifest), rows.pictures.numpy()).argmax(1) == rows.labels.numpy()
    share = {label: right[(rows.labels == label).numpy()].mean() for label in (0, 1, 2, 4, 7, 9)}
    assert min(share[label] for label in (2, 4, 7, 9)) > 0.9
    assert share[0] > 0.7 and share[1] > 0.4
