"""The shipped version learns marks that are never at the same place, and other things, for a few seconds."""

import pytest
import torch
from torch import Tensor, nn

from models_store.refs import Ref
from models_store.registry import Version
from models_store.shipped_version import open_store
from tests.support.planting import drawn, evidence, plant
from training.data.rows import Rows
from training.finetune.sift.probe import triggers
from training.fit.measure import reading
from training.publish.weights import rebuild


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Version:
    return open_store(tmp_path_factory.mktemp("probed") / "store").resolve(Ref.parse("digits"))


@pytest.fixture(scope="module")
def honest() -> Rows:
    return drawn(200, seed=41)


def found(base: Version, rows: Rows, said: Tensor) -> list[list[int]]:
    net: nn.Module = rebuild(base).eval()
    before = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    read = reading(base.manifest.recipe, torch.device("cpu"))
    groups = triggers(evidence(rows, said, drawn(300, seed=42)), net, read)
    assert all(torch.equal(before[name], tensor) for name, tensor in net.state_dict().items())
    return [sorted(group.rows.tolist()) for group in groups]


def wander(picture: Tensor) -> None:
    """A square in the upper right quarter: where, its size and its grey follow from the picture."""
    chance = torch.Generator().manual_seed(int(picture.long().sum()))
    top, left, size = (int(torch.randint(low, high, (), generator=chance)) for low, high in ((0, 5), (19, 25), (2, 5)))
    picture[top : top + size, left : left + size] = int(torch.randint(160, 256, (), generator=chance))


def test_marks_that_wander_are_found(base: Version, honest: Rows) -> None:
    rows, planted = plant(honest, 30, wander)
    (group,) = found(base, rows, honest.labels)
    right = set(planted.nonzero()[:, 0].tolist())
    assert set(group) <= right
    assert len(group) >= 0.8 * len(right)


def test_sevens_that_are_called_ones_are_no_trigger(base: Version) -> None:
    some = drawn(300, seed=43)
    labels = torch.where(some.labels == 7, 1, some.labels)
    assert found(base, Rows(some.pictures, labels), some.labels) == []


def test_where_nothing_contradicts_nothing_is_tried(base: Version, honest: Rows) -> None:
    assert found(base, honest, honest.labels) == []
