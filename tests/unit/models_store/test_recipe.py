from pathlib import Path

import pytest

import training
from models_store.errors import RecipeRejected, RecordRejected
from models_store.recipe import Recipe
from models_store.specs import AugmentSpec

RECIPES = sorted((Path(training.__file__).parent / "recipes").glob("*.toml"))


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_every_shipped_recipe_survives_json(path: Path) -> None:
    recipe = Recipe.from_toml(path.read_text())
    assert Recipe.from_json(recipe.to_json()) == recipe


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("publish_to = ", "no valid TOML"),
        ("publish_to = 'x'\ncolour = 1", "Unknown key colour"),
        ("publish_to = 'x'", "The key net is missing"),
    ],
)
def test_a_bad_recipe_is_refused_in_one_sentence(text: str, sentence: str) -> None:
    with pytest.raises(RecipeRejected, match=sentence):
        Recipe.from_toml(text)


def test_a_value_out_of_range_names_its_key() -> None:
    text = RECIPES[0].read_text().replace("epochs = ", "epochs = -")
    with pytest.raises(RecipeRejected, match=r"train\.epochs must be 1 to 10000"):
        Recipe.from_toml(text)
    with pytest.raises(RecordRejected, match="no amount may be negative"):
        AugmentSpec(shear=-1)


def test_json_that_is_none_is_refused() -> None:
    with pytest.raises(RecipeRejected, match="no valid JSON"):
        Recipe.from_json("{")
