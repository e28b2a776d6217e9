"""One training with what surrounds it: validation rows, checkpoints, what the report is told, and its key."""

import dataclasses
from pathlib import Path

import pytest
import torch

from models_store.errors import DataSetRejected, RecipeRejected
from models_store.recipe import Recipe
from models_store.registry import Registry
from models_store.specs import DataSpec, InputSpec, NetSpec, PhotosSpec, TrainSpec
from tests.support.lessons import (
    SPEC,
    Heard,
    digit_files,
    mnist_files,
    recipe_of,
    same_weights,
    session,
    stripes,
    trained,
)
from training.data.rows import DIGITS, DataSet, Rows
from training.errors import ExperimentBusy
from training.fit.material import Material
from training.fit.runtime import Runtime
from training.learn import experiment, key, learn, load, teacher

SMALL = Recipe(
    publish_to="stripes",
    net=NetSpec(name="mlp", options={"hidden": 16, "second": 16}),
    data=DataSpec(source="mnist"),
    train=TrainSpec(epochs=1, batch_size=20, learning_rate=0.05, precision="float32"),
)
SHORT = dataclasses.replace(SPEC, epochs=1)


def test_what_is_learned_from_and_how_names_the_training(tmp_path: Path) -> None:
    rows = load(SMALL, mnist_files(tmp_path, stripes(40), stripes(30, seed=5)), Heard())
    name = key(SMALL, rows)
    assert name.startswith("stripes-") and key(SMALL, rows) == name
    darker = DataSet(Rows(rows.train.pictures // 2, rows.train.labels), rows.test, rows.labels, rows.source)
    recipes = (dataclasses.replace(SMALL, seed=2), dataclasses.replace(SMALL, publish_to="other"))
    assert len({name, key(SMALL, darker), *(key(recipe, rows) for recipe in recipes)}) == 4


def test_a_training_has_the_name_that_it_had_in_earlier_releases() -> None:
    """The name was made by the code before `data.test` came, which joins it only where it is given."""
    recipe = dataclasses.replace(SMALL, data=DataSpec(source="files", path="mine"))
    rows = Rows(torch.arange(784).remainder(256).to(torch.uint8).view(1, 1, 28, 28), torch.tensor([1]))
    data = DataSet(rows, rows, ("0", "1"), "files: mine")
    assert key(recipe, data) == "stripes-7936877ab59212c6"
    other = dataclasses.replace(recipe, data=DataSpec(source="files", path="mine", test="theirs"))
    assert key(other, data) != key(recipe, data) != key(recipe, dataclasses.replace(data, validation=rows))


def test_the_rows_set_apart_give_numbers_and_are_not_learned() -> None:
    rows = stripes(48)
    recipe = recipe_of(dataclasses.replace(SPEC, epochs=2, validation=0.5, batch_size=12))
    heard = Heard()
    fitted = learn("training", recipe, Material(rows), 3, Runtime(), heard)
    assert heard.steps == {"training": 2}  # of the 24 rows that are left
    assert heard.epochs == [("training", epoch) for epoch in fitted.epochs]
    assert all(whole_share(epoch.validation_accuracy, 24) for epoch in fitted.epochs)

    heard = Heard()
    learn("training", recipe, Material(rows, validation=stripes(7, seed=9)), 3, Runtime(), heard)
    assert heard.steps == {"training": 4}  # with rows to watch, none is set apart
    assert all(whole_share(epoch.validation_accuracy, 7) for _, epoch in heard.epochs)


def whole_share(share: float | None, rows: int) -> bool:
    return share is not None and abs(share * rows - round(share * rows)) < 1e-5


def test_without_a_share_for_validation_there_are_no_such_numbers() -> None:
    fitted = learn("training", recipe_of(SHORT), Material(stripes(40)), 3, Runtime(), Heard())
    assert (fitted.epochs[0].validation_loss, fitted.epochs[0].validation_accuracy) == (None, None)


def test_rows_of_which_none_can_be_set_apart_are_refused() -> None:
    recipe = recipe_of(dataclasses.replace(SHORT, validation=0.2))
    with pytest.raises(RecipeRejected, match="Of 3 training pictures none can be set apart"):
        learn("training", recipe, Material(stripes(3)), 3, Runtime(), Heard())  # one of each label


def test_the_same_recipe_begins_with_the_same_weights_whatever_came_before() -> None:
    recipe = recipe_of(dataclasses.replace(SHORT, precision="float32"))
    torch.rand(5)
    first = learn("training", recipe, Material(stripes(40)), 3, Runtime(), Heard()).net
    torch.rand(7)
    again = learn("fold 1", recipe, Material(stripes(40)), 3, Runtime(), Heard()).net
    assert same_weights(first, again)


def test_each_training_of_a_folder_has_its_own_checkpoint_and_one_that_went_on_says_so(tmp_path: Path) -> None:
    heard, material = Heard(), Material(stripes(40))
    for name in ("training", "calibration"):
        learn(name, SMALL, material, 3, Runtime(), heard, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["calibration.pt", "training.pt"]
    assert heard.notes == []
    kept = torch.load(tmp_path / "training.pt", weights_only=True)
    longer = dataclasses.replace(SMALL, train=dataclasses.replace(SMALL.train, epochs=3))
    fitted = learn("training", longer, material, 3, Runtime(), heard, tmp_path)
    assert heard.notes == ["training: went on from the checkpoint after epoch 1"]
    assert heard.numbers("training") == [1, 2, 3]
    assert fitted.epochs[0].loss == kept["history"][0]["loss"]


def test_only_the_training_itself_is_profiled(tmp_path: Path) -> None:
    runtime = Runtime(profile=tmp_path / "trace.json")
    learn("calibration", SMALL, Material(stripes(160)), 3, runtime, Heard())
    assert not (tmp_path / "trace.json").exists()
    learn("training", SMALL, Material(stripes(160)), 3, runtime, Heard())
    assert (tmp_path / "trace.json").is_file()


def test_a_teacher_answers_pictures_as_they_are_and_never_changes() -> None:
    net, _ = trained(stripes(60), SHORT)
    before = {name: weights.clone() for name, weights in net.state_dict().items()}
    asked = teacher(net.train(), InputSpec(), torch.device("cpu"))
    pictures = stripes(12, seed=4).pictures / 255
    answers = asked(pictures)
    assert not net.training and not answers.requires_grad
    assert torch.allclose(answers, net((pictures - 0.1307) / 0.3081), atol=1e-5)
    assert all(torch.equal(weights, before[name]) for name, weights in net.state_dict().items())


def test_what_is_left_out_of_a_persons_files_is_told(tmp_path: Path) -> None:
    path = digit_files(tmp_path / "new", per_digit=5)
    recipe = dataclasses.replace(SMALL, data=DataSpec(source="files", path=str(path)))
    heard = Heard()
    assert len(load(recipe, tmp_path, heard).labels) == 10
    assert heard.notes == []
    (path / "7" / "9.png").write_bytes(b"no picture")
    load(recipe, tmp_path, heard)
    assert len(heard.notes) == 1 and "7/9.png" in heard.notes[0]
    with pytest.raises(DataSetRejected):
        load(dataclasses.replace(recipe, data=DataSpec(source="files", path=str(tmp_path / "no"))), tmp_path, heard)


def test_digits_are_drawn_beside_digits_alone(tmp_path: Path) -> None:
    path = digit_files(tmp_path / "new", per_digit=5)
    mine = DataSpec(source="files", path=str(path))
    recipe = dataclasses.replace(
        SMALL, data=mine, input=InputSpec(preparation="writing"), photos=PhotosSpec(shapes=0.1)
    )
    assert load(recipe, tmp_path, Heard()).labels == DIGITS
    (path / "7").rename(path / "seven")
    with pytest.raises(RecipeRejected, match=r"photos\.shapes draws the digits 0 to 9, and this data set has other"):
        load(recipe, tmp_path, Heard())


def test_an_experiment_is_one_processs_and_begins_anew_where_it_shall(tmp_path: Path) -> None:
    store = Registry(tmp_path / "own")
    with pytest.raises(ZeroDivisionError), experiment(session(store), "a") as folder:
        (folder / "training.pt").write_bytes(b"after an epoch")
        with pytest.raises(ExperimentBusy), experiment(session(store), "a"):
            pass
        raise ZeroDivisionError
    assert folder.is_relative_to(store.root)
    with pytest.raises(ZeroDivisionError), experiment(session(store), "a") as folder:
        assert (folder / "training.pt").read_bytes() == b"after an epoch"
        raise ZeroDivisionError
    with experiment(session(store, fresh=True), "a") as folder:
        assert list(folder.iterdir()) == []
    assert not folder.exists()
