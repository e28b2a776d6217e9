"""What stands for a version's knowledge, and the drawings among it, asked of the shipped version."""

from pathlib import Path

import numpy as np
import pytest
import torch

from models_store.model import Model, predict_all
from models_store.refs import Ref
from models_store.registry import Registry
from models_store.shipped_version import SHIPPED
from tests.support.lessons import mnist_files, stripes
from training.data import sources
from training.data.rows import OUTLIER, Rows
from training.finetune import replay
from training.finetune.replay import known, reminders, repeated
from training.synthetic import handwriting

BASE = Registry(SHIPPED).resolve(Ref("digits", None, 2))
NOWHERE = Path("/no/mnist/here")


def read_right(rows: Rows) -> float:
    answers = predict_all(Model.load(BASE.folder, BASE.manifest), rows.pictures.numpy()).argmax(1)
    return float((answers == rows.labels.numpy()).mean())


def test_drawings_are_digits_in_mnists_layout_and_the_same_for_a_seed() -> None:
    drawn = handwriting.pictures(200, seed=4)
    assert drawn.shape == (200, 1, 28, 28) and drawn.dtype == np.uint8
    assert np.array_equal(drawn[:50], handwriting.pictures(50, seed=4))
    assert len({picture.tobytes() for picture in drawn}) == 200
    assert read_right(Rows(torch.from_numpy(drawn), torch.arange(200) % 10)) > 0.98
    rows, columns = np.arange(28), np.arange(28)
    for picture in drawn[:, 0].astype(float):  # MNIST's page: the centre of mass lies in the middle
        assert abs((picture.sum(1) @ rows) / picture.sum() - 13.5) < 1
        assert abs((picture.sum(0) @ columns) / picture.sum() - 13.5) < 1


def test_where_mnist_is_not_far_bent_drawings_test_and_the_bundled_digits_are_repeated() -> None:
    here = torch.random.get_rng_state()
    found, again = known(BASE, NOWHERE), known(BASE, NOWHERE)
    assert found is not None and again is not None
    assert torch.equal(torch.random.get_rng_state(), here)  # what comes after is drawn as it would have been
    assert torch.equal(found.train.pictures, sources.bundled().train.pictures)
    assert torch.equal(found.test.pictures, again.test.pictures)
    assert found.test.labels.bincount().tolist() == [replay._JUDGES // 10] * 10
    assert 0.93 < read_right(found.test) < 0.97  # hard enough to be lost, and digits all the same


def test_where_mnist_is_its_own_test_is_asked(tmp_path: Path) -> None:
    train, test = stripes(30), stripes(12, seed=5)
    found = known(BASE, mnist_files(tmp_path, train, test))
    assert found is not None and found.source == "mnist"
    assert torch.equal(found.test.pictures, test.pictures) and torch.equal(found.train.labels, train.labels)
    rows = reminders(found, BASE)
    assert torch.equal(rows.pictures[:30], train.pictures)
    assert len(rows) == 30 + len(sources.bundled().train) + 1000 + 600


def test_drawings_that_no_test_has_join_what_is_repeated() -> None:
    found = known(BASE, NOWHERE)
    assert found is not None
    rows = reminders(found, BASE)
    assert torch.equal(rows.pictures[: len(found.train)], found.train.pictures)
    others = rows[len(found.train) :]
    assert int((others.labels == OUTLIER).sum()) == 600  # pictures of no digit, as this base is unsure of them
    drawn = others[others.labels != OUTLIER]
    assert drawn.labels.bincount().tolist() == [100] * 10
    assert read_right(drawn) > 0.98
    tested = {picture.tobytes() for picture in found.test.pictures.numpy()}
    assert not tested & {picture.tobytes() for picture in drawn.pictures.numpy()}


@pytest.mark.parametrize(
    ("count", "least", "times"), [(20, 190, 10), (100, 192, 2), (200, 192, 1), (900, 192, 1), (5, 0, 1)]
)
def test_few_rows_are_repeated_all_equally_often(count: int, least: int, times: int) -> None:
    rows = stripes(count)
    found = repeated(rows, least)
    assert len(found) == times * count
    assert torch.equal(found.pictures, rows.pictures.repeat(times, 1, 1, 1))
    assert torch.equal(found.labels, rows.labels.repeat(times))
