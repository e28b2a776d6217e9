"""Models whose batches take long: how they are warmed up, timed, and fed."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from models_store.manifest import Manifest
from models_store.model import BUCKETS, Model, predict_all, quickest
from models_store.refs import Ref
from models_store.registry import Registry
from models_store.specs import InputSpec

COLOURS = InputSpec(channels=3, height=224, width=224, mean=(0.5,) * 3, std=(0.5,) * 3, preparation="picture")


class Slow(nn.Module):
    """A net with ten labels on a machine of its own, whose clock moves by some seconds a call and a row."""

    def __init__(self, per_row: float, per_call: float = 0.0) -> None:
        super().__init__()
        self.per_row, self.per_call = per_row, per_call
        self.now = 0.0
        self.sizes: list[int] = []  # rows of each call

    def forward(self, x: Tensor) -> Tensor:
        self.now += self.per_call + self.per_row * len(x)
        self.sizes.append(len(x))
        return x[:, 0, 0, 0, None] * torch.arange(10)

    def model(self, manifest: Manifest, picture: InputSpec) -> Model:
        """The net as a model for such pictures."""
        model = Model(self, manifest, "fp32", torch.device("cpu"), clock=lambda: self.now)
        model.picture = picture
        return model


@pytest.fixture
def manifest(registry: Registry) -> Manifest:
    return registry.resolve(Ref("digits")).manifest


@pytest.mark.parametrize(
    ("per_row", "largest"),
    [(0.0001, 128), (0.0018, 128), (0.003, 64), (0.03, 8), (0.1, 2), (0.13, 1), (7.0, 1)],
)
def test_a_batch_is_as_large_as_a_quarter_of_a_second_allows(manifest: Manifest, per_row: float, largest: int) -> None:
    net = Slow(per_row)
    model = net.model(manifest, InputSpec())
    model.warm_up()
    assert model.largest_batch == largest
    assert net.sizes == [size for size in BUCKETS if size <= largest for _ in range(3)]


def test_a_bucket_that_proves_too_slow_is_not_used(manifest: Manifest) -> None:
    net = Slow(per_row=0.1)
    model = net.model(manifest, InputSpec())

    def suddenly(x: Tensor) -> Tensor:
        net.per_row = 0.2 if len(x) > 1 else 0.1
        return Slow.forward(net, x)

    net.forward = suddenly  # type: ignore[method-assign]
    model.warm_up()
    assert net.sizes == [1, 1, 1, 2, 2, 2]
    assert model.largest_batch == 1


def test_a_quick_model_is_timed_four_times_and_a_slow_one_as_often_as_it_matters(manifest: Manifest) -> None:
    for per_row, size, times in ((0.001, 8, 4), (0.01, 8, 4), (0.02, 8, 2), (1.0, 8, 1)):
        net = Slow(per_row)
        assert net.model(manifest, InputSpec()).seconds(size) == pytest.approx(per_row * size)
        assert net.sizes == [size] * times


def test_candidates_are_compared_by_batches_that_they_would_get(manifest: Manifest) -> None:
    net = Slow(per_row=0.03, per_call=0.01)
    model = net.model(manifest, InputSpec())
    model.warm_up()
    net.sizes.clear()
    assert model.seconds_per_picture() == pytest.approx((0.04 * (0.01 + 4 * 0.03) / 4) ** 0.5)
    assert set(net.sizes) == {1, 4}


def test_another_process_does_not_choose_the_candidate(manifest: Manifest) -> None:
    """What was chosen by chance once was another kind for each version, with kernels of its own: 9 MiB each."""
    busy, idle = Slow(per_row=0.0001), Slow(per_row=0.0002)
    models = [net.model(manifest, InputSpec()) for net in (busy, idle)]
    for model in models:
        model.warm_up()
    seen = len(busy.sizes)

    def disturbed(x: Tensor) -> Tensor:
        busy.now += 0.1 if len(busy.sizes) < seen + 6 else 0.0  # during its first trials
        return Slow.forward(busy, x)

    busy.forward = disturbed  # type: ignore[method-assign]
    assert quickest(models) is models[0]


def test_a_net_sees_few_sizes_and_a_row_gets_its_answer_in_each(manifest: Manifest) -> None:
    """oneDNN keeps kernels for every size it ever met: for all from 1 to 128 they took 100 MiB."""
    net = Slow(per_row=0.0)
    model = net.model(manifest, InputSpec())
    row = np.full((1, 1, 28, 28), 255, np.uint8)
    alone = model.predict(row)
    for count in range(1, 129):
        assert (model.predict(np.repeat(row, count, axis=0)) == np.repeat(alone, count, axis=0)).all()
    assert set(net.sizes) == set(BUCKETS)
    assert model.predict(row[:0]).shape == (0, 10)
    net.sizes.clear()
    assert model.predict(np.repeat(row, 200, axis=0)).shape == (200, 10)
    assert net.sizes == [200]  # more than any bucket: no request, a training that measures itself


def test_candidates_on_trial_are_warmed_up_for_the_trial_only(manifest: Manifest) -> None:
    net = Slow(per_row=0.001)
    net.model(manifest, InputSpec()).warm_up((1, 64))
    assert net.sizes == [1] * 3 + [64] * 3
    slow = Slow(per_row=0.01)  # 64 rows would take over half a second
    model = slow.model(manifest, InputSpec())
    model.warm_up((1, 64))
    assert (slow.sizes, model.largest_batch) == ([1] * 3, 1)


def test_many_large_pictures_are_predicted_a_few_at_a_time(manifest: Manifest) -> None:
    net = Slow(per_row=0.0)
    model = net.model(manifest, COLOURS)
    pictures = np.zeros((30, *COLOURS.shape), np.uint8)
    pictures[:, 0, 0, 0] = np.arange(30) * 8
    answers = predict_all(model, pictures)
    assert net.sizes == [24, 8]  # the last six in a bucket of eight
    assert max(net.sizes) * 3 * 224 * 224 * 4 <= 16 * 2**20  # bytes of float32 that go in at a time
    assert max(net.sizes) > 8
    by_hand = np.exp(np.arange(30)[:, None] * 8 / 255 * np.arange(10) / manifest.calibration.temperature)
    assert np.abs(answers - by_hand / by_hand.sum(1, keepdims=True)).max() < 1e-5


def test_a_batch_of_large_pictures_is_small_however_quick_the_net(manifest: Manifest) -> None:
    net = Slow(per_row=0.0001)
    model = net.model(manifest, COLOURS)
    model.warm_up()
    assert model.largest_batch == 24
    assert max(net.sizes) == 24


def test_the_largest_pictures_can_still_be_predicted(manifest: Manifest) -> None:
    net = Slow(per_row=0.0)
    huge = InputSpec(channels=3, height=512, width=512, mean=(0.5,) * 3, std=(0.5,) * 3, preparation="picture")
    model = net.model(manifest, huge)
    assert predict_all(model, np.zeros((5, *huge.shape), np.uint8)).shape == (5, 10)
    assert max(net.sizes) == 4  # three megabytes each


def test_small_pictures_go_five_hundred_at_a_time(manifest: Manifest) -> None:
    net = Slow(per_row=0.0)
    predict_all(net.model(manifest, InputSpec()), np.zeros((1200, 1, 28, 28), np.uint8))
    assert net.sizes == [500, 500, 200]
