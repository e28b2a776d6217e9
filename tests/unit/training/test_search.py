import dataclasses
from pathlib import Path

import optuna
import pytest

from models_store.errors import RecipeRejected
from models_store.recipe import Recipe
from models_store.registry import Registry
from models_store.specs import AugmentSpec, DataSpec, NetSpec, TrainSpec
from tests.support.lessons import Heard, mnist_files, session, stripes
from training.data import sources
from training.data.rows import Rows
from training.errors import SearchRejected
from training.search import search
from training.train import train

SMALL = Recipe(
    publish_to="tried",
    net=NetSpec(name="lite", options={"width": 0.5}),
    data=DataSpec(source="bundled"),
    train=TrainSpec(epochs=1, batch_size=64, learning_rate=0.1, precision="float32"),
    augment=AugmentSpec(rotate_degrees=10, shear=0.12, elastic_grid=4),
)


@pytest.fixture
def stripes_recipe() -> Recipe:
    net = NetSpec(name="mlp", options={"hidden": 8, "second": 8})
    return dataclasses.replace(SMALL, net=net, data=DataSpec(source="mnist"), augment=AugmentSpec())


def test_the_best_of_three_variants_is_written_down_and_can_be_trained(tmp_path: Path) -> None:
    heard, out = Heard(), tmp_path / "best.toml"
    best = search(SMALL, 3, None, out, session(Registry(tmp_path), tmp_path, heard))
    assert Recipe.from_toml(out.read_text()) == best
    assert {run for run, _ in heard.epochs} == {"trial 0", "trial 1", "trial 2"}
    shares = [epoch.validation_accuracy or 0 for _, epoch in heard.epochs]
    assert heard.facts["validation_accuracy"] == max(shares) == shares[heard.facts["best"]]
    watched = sum(round(0.1 * count) for count in sources.bundled().train.labels.bincount().tolist())
    assert heard.titles == [f"3 variants, 3 to their end, on {watched} validation rows"]
    assert [row[1] for row in heard.rows] == [f"{share:.2%}" for share in sorted(shares, reverse=True)]

    # Only rate, width and the amounts of bending differ, each within its range.
    tuned = dataclasses.replace(best.train, learning_rate=SMALL.train.learning_rate)
    assert dataclasses.replace(best, train=tuned, net=SMALL.net, augment=SMALL.augment) == SMALL
    assert 0.02 <= best.train.learning_rate <= 0.5
    assert best.net.options["width"] in (0.25, 0.375, 0.5, 0.625, 0.75)  # times the recipe's own
    times = best.augment.rotate_degrees / 10
    assert 0 <= times <= 2
    assert best.augment.shear == pytest.approx(0.12 * times, abs=1e-4)
    bent = dataclasses.replace(
        SMALL.augment, rotate_degrees=best.augment.rotate_degrees, shear=best.augment.shear
    )  # what is 0 stays so, and what is no amount stays as it is
    assert best.augment == bent


def test_a_search_goes_on_where_it_stopped(tmp_path: Path, stripes_recipe: Recipe) -> None:
    folder = mnist_files(tmp_path / "data", stripes(120), stripes(30, seed=5))
    storage = f"sqlite:///{tmp_path / 'search.db'}"
    first, second = Heard(), Heard()
    search(stripes_recipe, 2, storage, None, session(Registry(tmp_path), folder, first))
    search(stripes_recipe, 1, storage, None, session(Registry(tmp_path), folder, second))
    assert {run for run, _ in first.epochs} == {"trial 0", "trial 1"}
    assert {run for run, _ in second.epochs} == {"trial 2"}
    (name,) = optuna.get_all_study_names(storage)
    study = optuna.load_study(study_name=name, storage=storage)
    assert [trial.number for trial in study.trials] == [0, 1, 2]
    assert second.facts["validation_accuracy"] == max(trial.value or 0 for trial in study.trials)
    assert len(second.rows) == 3
    assert {name for trial in study.trials for name in trial.params} == {"rate"}  # no width, nothing is bent


def test_test_rows_are_never_used(tmp_path: Path, stripes_recipe: Recipe) -> None:
    """No net here has a label 99: whatever looks at these test rows fails, as training does at its end."""
    unseen = stripes(30, seed=5)
    folder = mnist_files(tmp_path, stripes(120), Rows(unseen.pictures, unseen.labels + 99))
    heard = Heard()
    search(stripes_recipe, 1, None, None, session(Registry(tmp_path), folder, heard))
    assert heard.titles == ["1 variants, 1 to their end, on 12 validation rows"]
    with pytest.raises((ValueError, IndexError)):
        train(stripes_recipe, session(Registry(tmp_path / "store"), folder, Heard()))


def test_the_recipes_own_share_watches_and_no_variant_stops_by_itself(tmp_path: Path, stripes_recipe: Recipe) -> None:
    folder = mnist_files(tmp_path, stripes(120), stripes(30, seed=5))
    spec = dataclasses.replace(stripes_recipe.train, epochs=6, validation=0.3, patience=1, learning_rate=1e-9)
    heard = Heard()
    best = search(
        dataclasses.replace(stripes_recipe, train=spec), 1, None, None, session(Registry(tmp_path), folder, heard)
    )
    assert heard.titles == ["1 variants, 1 to their end, on 36 validation rows"]
    assert heard.numbers("trial 0") == [1, 2, 3, 4, 5, 6]
    assert best.train.patience == 1


@pytest.mark.parametrize("storage", ["nonsense", "sqlite:////no/such/folder/search.db", "nosuchdb://host/x"])
def test_a_storage_that_cannot_be_opened_is_one_sentence(tmp_path: Path, storage: str) -> None:
    heard = Heard()
    with pytest.raises(SearchRejected, match="give an SQLAlchemy URL such as sqlite:///"):
        search(SMALL, 1, storage, None, session(Registry(tmp_path), tmp_path, heard))
    assert heard.epochs == []


@pytest.mark.parametrize("out", ["missing/best.toml", "."])
def test_where_nothing_can_be_written_is_told_before_the_first_variant(tmp_path: Path, out: str) -> None:
    heard = Heard()
    with pytest.raises(SearchRejected, match="--out"):
        search(SMALL, 1, None, tmp_path / out, session(Registry(tmp_path), tmp_path, heard))
    assert heard.epochs == []


def test_variants_that_all_diverge_are_told(tmp_path: Path, stripes_recipe: Recipe) -> None:
    folder = mnist_files(tmp_path / "data", stripes(120), stripes(30, seed=5))
    wild = dataclasses.replace(stripes_recipe, train=dataclasses.replace(stripes_recipe.train, learning_rate=1e30))
    with pytest.raises(SearchRejected, match=r"lower train\.learning_rate"):
        search(wild, 2, None, tmp_path / "best.toml", session(Registry(tmp_path), folder, Heard()))
    assert not (tmp_path / "best.toml").exists()


def test_a_recipe_of_an_unknown_net_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecipeRejected, match="no net named"):
        search(
            dataclasses.replace(SMALL, net=NetSpec(name="nope")),
            1,
            None,
            None,
            session(Registry(tmp_path), tmp_path, Heard()),
        )
