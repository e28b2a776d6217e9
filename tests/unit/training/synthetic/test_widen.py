"""Rows widened by their photographs and by outliers: aligned, repeatable, kept."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from models_store.errors import RecipeRejected, RecordRejected
from models_store.pictures.layout import centred
from models_store.pictures.one import writing
from models_store.preparation import WritingSpec
from models_store.recipe import Recipe
from models_store.records import named_as_first
from models_store.specs import InputSpec, PhotosSpec
from tests.support import layout
from tests.support.lessons import SPEC, Heard, recipe_of
from training.data.rows import OUTLIER, Rows
from training.synthetic import photos, shapes, widen
from training.synthetic import strokes as draw
from training.synthetic.widen import PhotoAugmenter, photographed


def rows_of(per_digit: int, seed: int = 0) -> Rows:
    labels = torch.arange(10).repeat_interleave(per_digit)
    return Rows(torch.from_numpy(draw.units(per_digit, seed)), labels)


def recipe_with(copies: float = 1, outliers: float = 0.0, seed: int = 1, picture: InputSpec = InputSpec()) -> Recipe:
    recipe = recipe_of(SPEC, seed=seed)
    return dataclasses.replace(recipe, photos=PhotosSpec(copies=copies, outliers=outliers), input=picture)


class Listening(Heard):
    """Keeps the stages."""

    def __init__(self) -> None:
        super().__init__()
        self.stages: list[str] = []

    def stage(self, text: str) -> None:
        self.stages.append(text)


def seen(recipe: Recipe, rows: Rows, folder: Path | None = None) -> tuple[Rows, list[str]]:
    report = Listening()
    return PhotoAugmenter(recipe, report, folder).of(rows), report.stages


def test_drawn_digits_join_the_rows_and_are_photographed_as_these_are() -> None:
    rows = rows_of(2)
    recipe = dataclasses.replace(recipe_with(), photos=PhotosSpec(shapes=0.5, copies=1, outliers=0.1))
    widened = PhotoAugmenter(recipe, Listening()).widened(rows)
    drawn = shapes.rows(10, recipe.seed)
    assert len(widened) == 20 + 10 + 30 + 2
    assert torch.equal(widened.pictures[20:30], drawn.pictures) and torch.equal(widened.labels[20:30], drawn.labels)
    assert torch.equal(widened.labels[30:60], widened.labels[:30]) and widened.labels[60:].tolist() == [OUTLIER] * 2


def test_a_recipe_that_asks_for_none_keeps_its_name() -> None:
    assert named_as_first(PhotosSpec()) == {"copies": 0.0, "strangers": 0.0}
    assert named_as_first(PhotosSpec(shapes=0.1))["shapes"] == 0.1


def test_each_rows_copies_follow_each_other_and_have_its_label() -> None:
    rows = rows_of(2)
    made, stages = seen(recipe_with(copies=3), rows)
    assert made.labels.tolist() == [label for label in rows.labels.tolist() for _ in range(3)]
    assert made.pictures.shape == (60, 1, 28, 28) and made.pictures.dtype == torch.uint8
    assert stages == ["drawing 60 pictures"]
    units = rows.pictures.numpy()[:, 0]
    alike = [layout.likeness(picture, units[index // 3]) for index, picture in enumerate(made.pictures.numpy()[:, 0])]
    assert np.median(alike) > 0.8
    assert len({picture.numpy().tobytes() for picture in made.pictures}) == 60


def test_the_same_digit_has_the_same_pictures_in_any_company() -> None:
    rows, recipe = rows_of(2), recipe_with(copies=2)
    whole, _ = seen(recipe, rows)
    order = torch.tensor([17, 3, 3, 8])
    some, _ = seen(recipe, rows[order])
    for index, row in enumerate(order.tolist()):
        assert torch.equal(some.pictures[2 * index : 2 * index + 2], whole.pictures[2 * row : 2 * row + 2])


def test_another_seed_or_other_numbers_give_other_pictures() -> None:
    rows = rows_of(1)
    first, _ = seen(recipe_with(), rows)
    for other in (recipe_with(seed=2), recipe_with(picture=InputSpec(writing=WritingSpec(thin=0.25)))):
        assert not torch.equal(first.pictures, seen(other, rows)[0].pictures)


def test_the_number_of_processes_makes_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    rows, recipe = rows_of(1), recipe_with()
    monkeypatch.setattr(widen, "cores", lambda: 1)
    alone, _ = seen(recipe, rows)
    monkeypatch.setattr(widen, "_CHUNK", 4)
    monkeypatch.setattr(widen, "cores", lambda: 2)
    together, _ = seen(recipe, rows)
    assert torch.equal(alone.pictures, together.pictures)


def test_a_picture_goes_the_way_of_serving(rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is drawn and what is then seen, step by step."""
    taken: list[np.ndarray] = []
    photograph = photos.photograph

    def kept(bitmap: photos.Bitmap, rng: np.random.Generator) -> photos.Colour:
        taken.append(photograph(bitmap, rng))
        return taken[-1]

    monkeypatch.setattr(photos, "photograph", kept)
    spec = InputSpec()
    for unit in rows_of(1).pictures.numpy():
        given = photographed(unit, spec, (1,))
        found = writing.find(taken[-1], spec.writing)
        assert found is not None
        assert np.array_equal(given[0], centred(found.strokes, 28, 28))


def test_a_digit_that_is_not_found_stays_as_it_is() -> None:
    unit = rows_of(1).pictures.numpy()[4]
    blind = InputSpec(writing=WritingSpec(faint=1.0))
    assert np.array_equal(photographed(unit, blind, (1,)), unit)
    faint = (unit // 5).astype(np.uint8)
    for seed in range(12):
        assert np.array_equal(photographed(faint, InputSpec(), (seed,)), faint)


def test_no_copies_draw_nothing() -> None:
    rows = rows_of(1)
    none, stages = seen(recipe_with(copies=0), rows)
    assert (len(none), stages) == (0, [])
    widened = PhotoAugmenter(recipe_with(copies=0), Heard()).widened(rows)
    assert torch.equal(widened.pictures, rows.pictures) and torch.equal(widened.labels, rows.labels)


def test_rows_are_followed_by_their_pictures_and_by_outliers() -> None:
    rows = rows_of(2)
    widened = PhotoAugmenter(recipe_with(copies=1, outliers=0.75), Heard()).widened(rows)
    assert len(widened) == 20 + 20 + 15
    assert torch.equal(widened.pictures[:20], rows.pictures)
    assert torch.equal(widened.labels[:40], torch.cat([rows.labels, rows.labels]))
    assert (widened.labels[40:] == OUTLIER).all()
    assert widened.pictures[40:].flatten(1).max(1).values.min() > 100
    again = PhotoAugmenter(recipe_with(copies=1, outliers=0.75), Heard()).widened(rows)
    assert torch.equal(again.pictures, widened.pictures)


def test_what_was_drawn_is_found_again(tmp_path: Path) -> None:
    rows = rows_of(1)
    first, stages = seen(recipe_with(copies=2), rows, tmp_path)
    assert stages == ["drawing 20 pictures"]
    again, stages = seen(recipe_with(copies=2), rows, tmp_path)
    assert torch.equal(again.pictures, first.pictures)
    assert stages == []
    fewer, stages = seen(recipe_with(copies=1), rows, tmp_path)
    assert torch.equal(fewer.pictures, first.pictures[::2])
    assert stages == []
    _, stages = seen(recipe_with(copies=2), rows_of(2), tmp_path)  # of another company
    assert len(stages) == 1


def test_a_fraction_of_a_copy_is_a_picture_of_so_many_digits() -> None:
    rows = rows_of(12)
    some, _ = seen(recipe_with(copies=0.5), rows)
    assert 0.35 < len(some) / len(rows) < 0.65
    more, _ = seen(recipe_with(copies=1.5), rows[:20])
    assert 20 <= len(more) <= 40 and more.labels.unique().tolist() == rows.labels[:20].unique().tolist()
    again, _ = seen(recipe_with(copies=0.5), rows[:30])  # the same digits have one
    assert torch.equal(again.pictures, some.pictures[: len(again)])


@pytest.mark.parametrize(
    "other",
    [
        recipe_with(copies=2, seed=2),
        recipe_with(copies=2, picture=InputSpec(writing=WritingSpec(thin=0.25))),
    ],
)
def test_what_another_recipe_drew_is_not_taken(tmp_path: Path, other: Recipe) -> None:
    rows = rows_of(1)
    seen(recipe_with(copies=2), rows, tmp_path)
    made, stages = seen(other, rows, tmp_path)
    assert len(stages) == 1
    assert torch.equal(made.pictures, seen(other, rows)[0].pictures)


@pytest.mark.parametrize(
    "picture", [InputSpec(preparation="digit"), InputSpec(preparation="picture"), InputSpec(height=32)]
)
def test_only_digits_in_mnists_format_have_photographs(picture: InputSpec) -> None:
    with pytest.raises(RecordRejected, match="28x28"):
        recipe_with(picture=picture)
    assert recipe_with(copies=0, picture=picture).photos == PhotosSpec()
    with pytest.raises(RecipeRejected, match=r"photos\.copies must be 0 to 16"):
        Recipe.from_json(recipe_with().to_json().replace('"copies": 1', '"copies": 17'))
