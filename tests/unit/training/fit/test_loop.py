"""The loop: what it learns, what it publishes, and what it tells of rows that only watch."""

import dataclasses

import pytest
import torch
from torch import Tensor

from models_store.specs import AugmentSpec, NetSpec, TrainSpec
from tests.support.lessons import PICTURE, SPEC, accuracy, recipe_of, same_weights, stripes, trained
from training.data.rows import Rows
from training.errors import TrainingDiverged
from training.fit.loop import fit
from training.fit.material import Distillation, Material, Replay
from training.fit.measure import measure
from training.nets.catalog import build


@pytest.mark.parametrize("name", ["fast", "cnn"])
@pytest.mark.parametrize("ema", [0.0, 0.99])
def test_a_small_set_is_learned(name: str, ema: float) -> None:
    net, epochs = trained(stripes(240), dataclasses.replace(SPEC, ema=ema, label_smoothing=0.05), name=name)
    assert not net.training
    assert accuracy(net, stripes(99, seed=5)) == 1
    assert [(epoch.number, epoch.epochs) for epoch in epochs] == [(1, 3), (2, 3), (3, 3)]
    assert epochs[-1].accuracy > 0.98
    assert epochs[-1].loss < epochs[0].loss


def test_bent_pictures_are_learned_too() -> None:
    net, _ = trained(stripes(240), augment=AugmentSpec(shift_pixels=1.5, rotate_degrees=5))
    assert accuracy(net, stripes(99, seed=5)) == 1


def test_the_same_seed_gives_the_same_bits_and_another_one_does_not() -> None:
    rows, augment = stripes(60), AugmentSpec(shift_pixels=1)
    spec = dataclasses.replace(SPEC, epochs=1, ema=0.9)
    first, _ = trained(rows, spec, 1, augment=augment)
    torch.rand(7)  # whatever else drew random numbers
    assert same_weights(first, trained(rows, spec, 1, augment=augment)[0])
    assert not same_weights(first, trained(rows, spec, 2, augment=augment)[0])


def test_the_data_are_left_as_they_were() -> None:
    rows = stripes(40)
    before = Rows(rows.pictures.clone(), rows.labels.clone())
    trained(rows, augment=AugmentSpec(shift_pixels=1))
    assert torch.equal(rows.pictures, before.pictures)
    assert torch.equal(rows.labels, before.labels)


def test_weight_decay_shrinks_kernels_and_leaves_biases_and_norms_alone() -> None:
    still = TrainSpec(
        epochs=20, batch_size=60, learning_rate=1e-6, weight_decay=4e5, precision="float32"
    )  # a gradient moves nothing
    torch.manual_seed(0)
    before = build(NetSpec(name="fast"), PICTURE, 3).state_dict()
    after = trained(stripes(60), still)[0].state_dict()
    for name, weights in before.items():
        if weights.dim() > 1:
            assert after[name].norm() < 0.2 * weights.norm(), name
        elif not name.endswith(("running_mean", "running_var", "num_batches_tracked")):
            assert torch.allclose(after[name], weights, atol=0.01), name


@pytest.mark.parametrize("rows", [41, 21, 39, 3])
def test_a_last_batch_of_one_row_is_no_problem_and_every_row_counts(rows: int) -> None:
    _, epochs = trained(stripes(rows), dataclasses.replace(SPEC, epochs=8))
    assert epochs[-1].accuracy * rows == pytest.approx(round(epochs[-1].accuracy * rows), abs=1e-6)
    assert 0 < epochs[-1].accuracy <= 1


def test_the_moving_average_is_published_as_worked_out_by_hand() -> None:
    one_step = TrainSpec(epochs=1, batch_size=60, learning_rate=0.05, precision="float32")
    torch.manual_seed(0)
    start = build(NetSpec(name="fast"), PICTURE, 3).state_dict()
    end = trained(stripes(60), one_step)[0].state_dict()
    average = trained(stripes(60), dataclasses.replace(one_step, ema=0.1))[0].state_dict()
    for name, weights in average.items():
        if name.endswith("num_batches_tracked"):
            assert int(weights) == 1
        else:
            assert torch.allclose(weights, 0.1 * start[name] + 0.9 * end[name], atol=1e-6), name


def test_the_moving_average_forgets_its_start_within_a_short_run() -> None:
    spec = dataclasses.replace(SPEC, ema=0.9999)
    assert accuracy(trained(stripes(240), spec)[0], stripes(99, seed=5)) == 1


@pytest.mark.parametrize("name", ["fast", "cnn"])
def test_an_absurd_learning_rate_is_told(name: str) -> None:
    with pytest.raises(TrainingDiverged, match=r"in epoch 1: lower train\.learning_rate"):
        trained(stripes(60), dataclasses.replace(SPEC, learning_rate=1e12), name=name)


def test_a_last_step_into_the_absurd_is_told_by_the_watched_rows() -> None:
    """The only loss was measured before the only step; its weights are finite, and their answers are not."""
    recipe = recipe_of(TrainSpec(epochs=1, batch_size=60, learning_rate=1e12, precision="float32"))
    torch.manual_seed(0)
    net = build(recipe.net, PICTURE, 3)
    with pytest.raises(TrainingDiverged, match=r"in epoch 1: lower train\.learning_rate"):
        fit(net, Material(stripes(60), validation=stripes(33, seed=9)), recipe)
    assert all(torch.isfinite(weights).all() for weights in net.state_dict().values())


@pytest.mark.parametrize(
    "changes",
    [
        {"optimizer": "adam", "learning_rate": 2e-3},
        {"optimizer": "adamw", "learning_rate": 2e-3, "weight_decay": 0.01},
        {"optimizer": "rmsprop", "learning_rate": 1e-3},
        {"optimizer": "adagrad", "learning_rate": 0.02},
        {"momentum": 0.0, "nesterov": False, "learning_rate": 0.1},
        {"nesterov": False},
        {"schedule": "cosine"},
        {"schedule": "one_cycle"},
        {"schedule": "step", "step_factor": 0.5},
        {"schedule": "constant"},
        {"schedule": "plateau", "validation": 0.2},
        {"loss": "mse", "learning_rate": 0.3},
        {"l1": 1e-5},
        {"clip": 1.0},
        {"precision": "bfloat16"},
        {"freeze_norms": True},
    ],
)
def test_every_choice_of_a_recipe_learns(changes: dict[str, object]) -> None:
    net, epochs = trained(stripes(240), dataclasses.replace(SPEC, epochs=4, **changes))  # type: ignore[arg-type]
    assert accuracy(net, stripes(99, seed=5)) > 0.95
    assert len(epochs) == 4


def test_l1_makes_weights_smaller_and_clipping_makes_steps_smaller() -> None:
    one_step = TrainSpec(epochs=1, batch_size=60, learning_rate=0.05, precision="float32")
    torch.manual_seed(0)
    start = torch.cat([p.flatten() for p in build(NetSpec(name="fast"), PICTURE, 3).parameters()])

    def after(**changes: float) -> torch.Tensor:
        net = trained(stripes(60), dataclasses.replace(one_step, **changes))[0]  # type: ignore[arg-type]
        return torch.cat([p.detach().flatten() for p in net.parameters()])

    plain = after()
    assert after(l1=0.01).abs().sum() < plain.abs().sum()
    assert (after(clip=1e-3) - start).norm() < 0.01 * (plain - start).norm()


def test_watched_rows_give_numbers_and_teach_nothing() -> None:
    recipe, watched = recipe_of(SPEC), stripes(33, seed=9)

    def fitted(validation: Rows | None) -> tuple[torch.nn.Module, list[float | None]]:
        torch.manual_seed(0)
        done = fit(build(recipe.net, PICTURE, 3), Material(stripes(90), validation=validation), recipe)
        return done.net, [epoch.validation_accuracy for epoch in done.epochs]

    (alone, none), (beside, shares) = fitted(None), fitted(watched)
    assert same_weights(alone, beside)
    assert none == [None] * 3
    assert shares[-1] == pytest.approx(accuracy(beside, watched))


def test_patience_stops_the_run_and_publishes_its_best_epoch() -> None:
    confused = Rows(stripes(60).pictures, torch.randint(0, 3, (60,), generator=torch.Generator().manual_seed(1)))
    spec = dataclasses.replace(SPEC, epochs=30, validation=0.2, patience=2, schedule="constant")
    recipe = recipe_of(spec)
    torch.manual_seed(0)
    done = fit(build(recipe.net, PICTURE, 3), Material(stripes(60), validation=confused), recipe)
    losses = [epoch.validation_loss or 0.0 for epoch in done.epochs]
    assert len(losses) < 30  # what is learned contradicts what is watched
    assert losses.index(min(losses)) == len(losses) - 3
    cpu = torch.device("cpu")
    assert measure(done.net, confused, recipe, cpu)[0] == pytest.approx(min(losses), rel=1e-4)


def test_replayed_rows_are_kept_in_mind() -> None:
    """Label 2 is in the replay only, and is read all the same."""
    everything = stripes(240)
    two, third = everything[everything.labels < 2], everything[everything.labels == 2]
    recipe, test = recipe_of(SPEC), stripes(99, seed=5)

    def read_right(replay: Rows | None) -> float:
        torch.manual_seed(0)
        material = Material(two, replay=Replay(replay, 8) if replay else None)
        net = fit(build(recipe.net, PICTURE, 3), material, recipe).net
        return accuracy(net, test[test.labels == 2])

    assert read_right(None) == 0
    assert read_right(third) == 1


def test_of_replayed_rows_half_are_learned_by_their_labels_and_half_by_the_teachers_answers() -> None:
    """Both say the same of label 2 or contradict each other: alone, neither would leave the other any room."""
    everything = stripes(240)
    two, third = everything[everything.labels < 2], everything[everything.labels == 2]
    wise, _ = trained(everything)
    test = stripes(99, seed=5)
    asked: list[int] = []

    def taught(pictures: Tensor) -> Tensor:
        asked.append(len(pictures))
        return torch.as_tensor(wise((pictures - 0.1307) / 0.3081).detach())

    def read_right(replay: Rows, distil: float) -> float:
        rate = SPEC.learning_rate / max(1, distil)  # as the loss is so much larger
        recipe = recipe_of(dataclasses.replace(SPEC, learning_rate=rate))
        torch.manual_seed(0)
        net = build(recipe.net, PICTURE, 3)
        distillation = Distillation(taught, distil) if distil else None
        done = fit(net, Material(two, replay=Replay(replay, 9), distillation=distillation), recipe).net
        return accuracy(done, test[test.labels == 2])

    assert read_right(third, 1.0) == 1
    assert set(asked) == {5}  # of nine rows the labels tell four
    wrong = Rows(third.pictures, third.labels * 0)
    assert read_right(wrong, 20.0) == 1  # the louder one is believed
    assert read_right(wrong, 0.0) == 0


def test_a_student_learns_what_its_teacher_says_and_not_what_the_labels_say() -> None:
    rows = stripes(240)
    wrong = Rows(rows.pictures, (rows.labels + 1) % 3)
    wise, _ = trained(rows)
    recipe = recipe_of(SPEC)
    torch.manual_seed(3)
    taught = lambda pictures: wise((pictures - 0.1307) / 0.3081).detach()  # noqa: E731
    material = Material(wrong, distillation=Distillation(taught, 1.0))
    student = fit(build(recipe.net, PICTURE, 3), material, recipe).net
    assert accuracy(student, stripes(99, seed=5)) == 1
