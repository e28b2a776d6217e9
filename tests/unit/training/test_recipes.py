import pytest

from models_store.recipe import Recipe
from models_store.refs import is_name
from training.commands import RECIPES, shipped_recipes
from training.nets.catalog import NETS, skeleton

TEXTS = {name: (RECIPES / f"{name}.toml").read_text() for name in shipped_recipes()}


@pytest.mark.parametrize("name", TEXTS)
def test_a_recipe_says_what_it_is_for_and_fits_its_net(name: str) -> None:
    assert TEXTS[name].startswith("# ")
    recipe = Recipe.from_toml(TEXTS[name])
    net = skeleton(recipe.net, recipe.input, 10)
    assert sum(weights.numel() for weights in net.parameters()) > 1000
    assert is_name(recipe.publish_to)


def test_every_net_has_a_recipe_and_every_recipe_a_model_of_its_own() -> None:
    recipes = [Recipe.from_toml(text) for text in TEXTS.values()]
    assert {recipe.net.name for recipe in recipes} == set(NETS)
    assert len({recipe.publish_to for recipe in recipes}) == len(recipes)


def test_whole_pictures_are_not_published_among_the_digits() -> None:
    for text in TEXTS.values():
        recipe = Recipe.from_toml(text)
        digits = recipe.input.finds_writing
        assert recipe.publish_to.startswith("digits" if digits else "shapes")
        assert (recipe.data.source == "files") is not digits
