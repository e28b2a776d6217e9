"""Recipe: everything that a training needs, as one frozen record <-> TOML or JSON."""

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from models_store import records
from models_store.errors import RecipeRejected, RecordRejected
from models_store.records import require
from models_store.specs import (
    AugmentSpec,
    CalibrationSpec,
    DataSpec,
    FineTuneSpec,
    InputSpec,
    NetSpec,
    PhotosSpec,
    TrainSpec,
)


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """One training. With `deterministic`, one machine gives the same bits for the same data and thread count."""

    publish_to: str
    net: NetSpec
    data: DataSpec
    train: TrainSpec
    input: InputSpec = InputSpec()
    augment: AugmentSpec = AugmentSpec()
    photos: PhotosSpec = PhotosSpec()
    calibration: CalibrationSpec = CalibrationSpec()
    finetune: FineTuneSpec | None = None
    deterministic: bool = False  # only operations that give the same bits every time, where torch has them
    seed: int = 1

    def __post_init__(self) -> None:
        mirrored_digit = self.augment.mirror and self.input.finds_writing
        require(not mirrored_digit, "augment.mirror is for whole pictures: a mirrored digit is another digit or none.")
        photographed = any((self.photos.shapes, self.photos.copies, self.photos.outliers))
        in_mnists_format = self.input.preparation == "writing" and self.input.shape == (1, 28, 28)
        require(in_mnists_format or not photographed, 'photos is for input.preparation = "writing" of 28x28 pixels.')
        require(0 <= self.seed < 2**31, f"seed must be 0 to {2**31 - 1}.")

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> "Recipe":
        """From parsed TOML or JSON. Raises RecipeRejected, naming the key that is wrong."""
        try:
            return records.read(cls, data)
        except RecordRejected as refusal:
            raise RecipeRejected(f"The recipe is not usable: {refusal}") from None

    @classmethod
    def from_toml(cls, text: str) -> "Recipe":
        """From a recipe file's text. Raises RecipeRejected."""
        try:
            return cls.read(tomllib.loads(text))
        except tomllib.TOMLDecodeError as error:
            raise RecipeRejected(f"The recipe is no valid TOML: {error}.") from None

    @classmethod
    def from_json(cls, text: str) -> "Recipe":
        """From a job folder's `recipe.json`. Raises RecipeRejected."""
        try:
            return cls.read(json.loads(text))
        except ValueError:
            raise RecipeRejected("The recipe is no valid JSON.") from None

    def to_json(self) -> str:
        """The text that `from_json` reads back as an equal recipe."""
        return json.dumps(records.plain(self), indent=1)
