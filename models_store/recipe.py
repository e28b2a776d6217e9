"""Recipe: everything that a training run needs, as one frozen record <-> TOML or JSON. It knows no torch."""

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from models_store import records
from models_store.errors import RecipeRejected, RecordRejected


def _require(ok: bool, sentence: str) -> None:
    if not ok:
        raise RecordRejected(sentence)


@dataclass(frozen=True, kw_only=True)
class InputSpec:
    """What a net takes: the shape in pixels, how pixels are made, and the normalisation inside its graph.

    The default mean and deviation are those of MNIST's 60,000 training images on the scale 0..1.
    """

    channels: int = 1
    height: int = 28
    width: int = 28
    mean: tuple[float, ...] = (0.1307,)
    std: tuple[float, ...] = (0.3081,)
    preparation: Literal["digit"] = "digit"

    def __post_init__(self) -> None:
        _require(self.channels == 1, "input.channels must be 1: digits are prepared as one grey channel.")
        _require(8 <= self.height <= 512 and 8 <= self.width <= 512, "input.height and .width must be 8 to 512 pixels.")
        _require(
            len(self.mean) == len(self.std) == self.channels, "input.mean and input.std need one number per channel."
        )
        _require(min(self.std) > 0, "input.std must be above 0.")

    @property
    def shape(self) -> tuple[int, int, int]:
        """(C, H, W) of one picture."""
        return self.channels, self.height, self.width


@dataclass(frozen=True, kw_only=True)
class NetSpec:
    """Which net of `training.nets`, and its constructor's options."""

    name: str
    options: Mapping[str, bool | int | float | str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class DataSpec:
    """Where the pictures come from: MNIST's files, or the 1,797 digits bundled with scikit-learn."""

    source: Literal["mnist", "bundled"]


@dataclass(frozen=True, kw_only=True)
class TrainSpec:
    """SGD with Nesterov momentum; the rate climbs for the share `warmup` of all steps, then falls to 0, linearly."""

    epochs: int
    batch_size: int
    learning_rate: float
    momentum: float = 0.9
    weight_decay: float = 0.0  # of weights only, never of biases and batch norms
    warmup: float = 0.25
    label_smoothing: float = 0.0
    ema: float = 0.0  # decay of the weights' moving average, which is what gets published; 0 publishes the weights

    def __post_init__(self) -> None:
        _require(1 <= self.epochs <= 10_000, "train.epochs must be 1 to 10000.")
        _require(2 <= self.batch_size <= 65_536, "train.batch_size must be 2 to 65536.")
        _require(self.learning_rate > 0, "train.learning_rate must be above 0.")
        _require(0 < self.momentum < 1, "train.momentum must be between 0 and 1.")
        _require(self.weight_decay >= 0, "train.weight_decay must not be negative.")
        _require(0 <= self.warmup < 1, "train.warmup must be at least 0 and below 1.")
        _require(0 <= self.label_smoothing < 1, "train.label_smoothing must be at least 0 and below 1.")
        _require(0 <= self.ema < 1, "train.ema must be at least 0 and below 1.")


@dataclass(frozen=True, kw_only=True)
class AugmentSpec:
    """How far training pictures are bent, each picture anew in every epoch. Nothing is ever mirrored."""

    rotate_degrees: float = 0.0  # uniform in +-
    log_scale: float = 0.0  # each axis by exp(uniform in +-)
    shear: float = 0.0  # uniform in +-
    shift_pixels: float = 0.0  # each axis, uniform in +-
    elastic_pixels: float = 0.0  # deviation of the normal displacements on a coarse grid
    elastic_grid: int = 5  # that grid's side

    def __post_init__(self) -> None:
        amounts = (self.rotate_degrees, self.log_scale, self.shear, self.shift_pixels, self.elastic_pixels)
        _require(min(amounts) >= 0, "augment: no amount may be negative.")
        _require(2 <= self.elastic_grid <= 28, "augment.elastic_grid must be 2 to 28.")

    @property
    def is_identity(self) -> bool:
        """True where no picture is changed."""
        return not any(
            (self.rotate_degrees, self.log_scale, self.shear, self.shift_pixels, self.elastic_pixels),
        )


@dataclass(frozen=True, kw_only=True)
class CalibrationSpec:
    """How many training pictures a sibling run holds out to fit the temperature on; 0 fits none."""

    held_out: int = 0

    def __post_init__(self) -> None:
        _require(self.held_out >= 0, "calibration.held_out must not be negative.")


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """One training run: the same recipe, seed, data and thread count give the same weights on one machine."""

    publish_to: str
    net: NetSpec
    data: DataSpec
    train: TrainSpec
    input: InputSpec = InputSpec()
    augment: AugmentSpec = AugmentSpec()
    calibration: CalibrationSpec = CalibrationSpec()
    seed: int = 1

    def __post_init__(self) -> None:
        _require(0 <= self.seed < 2**31, f"seed must be 0 to {2**31 - 1}.")

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
