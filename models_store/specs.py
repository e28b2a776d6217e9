"""The tables of a recipe: frozen records that refuse values out of range."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal

from models_store.preparation import WritingSpec
from models_store.records import require

Blocks = Literal["head", "last_block", "all", "gradual"]


@dataclass(frozen=True, kw_only=True)
class InputSpec:
    """What a net takes: the shape in pixels, how pixels are made, and the normalisation inside its graph.

    `writing` finds the writing and lays it out as MNIST does, one grey channel; `digit` is how release 0.1 did that;
    `picture` keeps the whole picture, scaled and cut to the shape. The default mean and deviation are those of MNIST's
    60,000 training images on the scale 0..1.
    """

    channels: int = 1
    height: int = 28
    width: int = 28
    mean: tuple[float, ...] = (0.1307,)
    std: tuple[float, ...] = (0.3081,)
    preparation: Literal["digit", "writing", "picture"] = "writing"
    writing: WritingSpec = WritingSpec()

    def __post_init__(self) -> None:
        require(self.channels in (1, 3), "input.channels must be 1 (grey) or 3 (red, green, blue).")
        if self.finds_writing:
            require(self.channels == 1, "input.channels must be 1: writing is prepared as one grey channel.")
        require(8 <= self.height <= 512 and 8 <= self.width <= 512, "input.height and .width must be 8 to 512 pixels.")
        require(
            len(self.mean) == len(self.std) == self.channels, "input.mean and input.std need one number per channel."
        )
        require(min(self.std) > 0, "input.std must be above 0.")

    @property
    def shape(self) -> tuple[int, int, int]:
        """(C, H, W) of one picture."""
        return self.channels, self.height, self.width

    @property
    def finds_writing(self) -> bool:
        """Whether a digit's strokes are looked for, and nothing else of the picture is seen."""
        return self.preparation != "picture"

    def prepares_as(self, other: "InputSpec") -> bool:
        """Whether both take the same from every picture; their shapes and normalisations may differ."""
        return self.preparation == other.preparation and (
            self.preparation != "writing" or self.writing == other.writing
        )


@dataclass(frozen=True, kw_only=True)
class NetSpec:
    """Which net of `training.nets`, and its constructor's options."""

    name: str
    options: Mapping[str, bool | int | float | str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class DataSpec:
    """Where the pictures come from: MNIST's files, scikit-learn's 1,797 bundled digits, or labelled files at `path`.

    `path` is a folder per label, a zip of one, a CSV or a JSONL file. Where it has no part of its own for the test, a
    random `test_share` of each label is that. `validation` and `test` name other files, or parts of these, for them.
    """

    LATER_NAMES: ClassVar[tuple[str, ...]] = ("validation", "test")

    source: Literal["mnist", "bundled", "files"]
    path: str = ""
    test_share: float = 0.2
    validation: str = ""
    test: str = ""

    def __post_init__(self) -> None:
        require(0 < self.test_share < 1, "data.test_share must be between 0 and 1.")
        require(not self.path or self.source == "files", 'data.path goes with data.source = "files" only.')
        named = self.validation or self.test
        require(not named or self.source == "files", 'data.validation and .test go with data.source = "files" only.')


@dataclass(frozen=True, kw_only=True)
class TrainSpec:
    """The loop's numbers. Rates: `triangle` climbs for the share `warmup` of all steps and falls to 0, linearly."""

    FORMER_NAMES: ClassVar[Mapping[str, str]] = {"exposure": "outlier_weight"}

    epochs: int
    batch_size: int  # rows a step, over all processes together
    learning_rate: float
    optimizer: Literal["sgd", "adam", "adamw", "rmsprop", "adagrad"] = "sgd"
    momentum: float = 0.9  # of sgd and rmsprop
    nesterov: bool = True  # of sgd with momentum
    weight_decay: float = 0.0  # of weights only, never of biases and batch norms
    l1: float = 0.0  # sum of |weight| times this is added to the loss; weights only
    schedule: Literal["triangle", "constant", "step", "cosine", "one_cycle", "plateau"] = "triangle"
    warmup: float = 0.25  # of triangle, cosine and one_cycle
    step_epochs: int = 1  # of step: epochs between two falls; of plateau: epochs without progress before one
    step_factor: float = 0.1  # of step and plateau: what each fall leaves of the rate
    loss: Literal["cross_entropy", "mse"] = "cross_entropy"
    label_smoothing: float = 0.0
    outlier_weight: float = 0.5  # in the loss, of rows that show no label: their target is every label equally
    clip: float = 0.0  # the gradient's largest norm; 0 clips nothing
    ema: float = 0.0  # decay of the weights' moving average, which is what gets published; 0 publishes the weights
    validation: float = 0.0  # share of the training rows that only watch: for plateau and patience
    patience: int = 0  # epochs without a better validation loss before training stops and takes its best; 0 never stops
    precision: Literal["auto", "float32", "bfloat16"] = "auto"  # auto: what is quicker for this net on this machine
    unfreeze: Blocks = "all"  # which blocks learn; gradual: one more from the head downwards with each epoch
    lower_rate: float = 1.0  # the rate below the head, as a share of the head's
    freeze_norms: bool = False  # batch norms keep the averages that they have

    def __post_init__(self) -> None:
        require(1 <= self.epochs <= 10_000, "train.epochs must be 1 to 10000.")
        require(2 <= self.batch_size <= 65_536, "train.batch_size must be 2 to 65536.")
        require(self.learning_rate > 0, "train.learning_rate must be above 0.")
        require(0 <= self.momentum < 1, "train.momentum must be at least 0 and below 1.")
        require(min(self.weight_decay, self.l1, self.clip) >= 0, "train: weight_decay, l1 and clip can't be negative.")
        require(0 <= self.warmup < 1, "train.warmup must be at least 0 and below 1.")
        require(self.step_epochs >= 1, "train.step_epochs must be 1 or more.")
        require(0 < self.step_factor < 1, "train.step_factor must be between 0 and 1.")
        require(0 <= self.label_smoothing < 1, "train.label_smoothing must be at least 0 and below 1.")
        require(
            self.loss == "cross_entropy" or not self.label_smoothing,
            "train.label_smoothing goes with the loss cross_entropy only.",
        )
        require(0 <= self.outlier_weight <= 1, "train.outlier_weight must be 0 to 1.")
        require(0 <= self.ema < 1, "train.ema must be at least 0 and below 1.")
        require(0 <= self.validation <= 0.5, "train.validation must be at least 0 and at most 0.5.")
        require(self.patience >= 0, "train.patience must not be negative.")
        watched = self.patience > 0 or self.schedule == "plateau"
        require(self.validation > 0 or not watched, "train.patience and plateau need a train.validation share above 0.")
        require(0 < self.lower_rate <= 1, "train.lower_rate must be above 0 and at most 1.")


@dataclass(frozen=True, kw_only=True)
class AugmentSpec:
    """How far training pictures are bent, each picture anew in every epoch. A digit is never mirrored."""

    rotate_degrees: float = 0.0  # uniform in +-
    log_scale: float = 0.0  # each axis by exp(uniform in +-)
    shear: float = 0.0  # uniform in +-
    shift_pixels: float = 0.0  # each axis, uniform in +-
    elastic_pixels: float = 0.0  # deviation of the normal displacements on a coarse grid
    elastic_grid: int = 5  # that grid's side
    mirror: bool = False  # left and right swapped in every second picture
    crop: float = 1.0  # smallest share of the area that a random window keeps; 1 keeps all

    def __post_init__(self) -> None:
        amounts = (self.rotate_degrees, self.log_scale, self.shear, self.shift_pixels, self.elastic_pixels)
        require(min(amounts) >= 0, "augment: no amount may be negative.")
        require(2 <= self.elastic_grid <= 28, "augment.elastic_grid must be 2 to 28.")
        require(0 < self.crop <= 1, "augment.crop must be above 0 and at most 1.")

    @property
    def is_identity(self) -> bool:
        """True where no picture is changed."""
        amounts = (self.rotate_degrees, self.log_scale, self.shear, self.shift_pixels, self.elastic_pixels)
        return not any(amounts) and not self.mirror and self.crop == 1


@dataclass(frozen=True, kw_only=True)
class PhotosSpec:
    """What joins a data set's training rows: drawn digits of rare shapes, digits in pictures as people take them, and
    pictures of no digit.

    Pictures go through the same preparation as in serving. Those of no digit have every label equally as their target
    (outlier exposure, Hendrycks et al. 2019, arXiv:1812.04606).
    """

    FORMER_NAMES: ClassVar[Mapping[str, str]] = {"strangers": "outliers"}
    LATER_NAMES: ClassVar[tuple[str, ...]] = ("shapes",)

    shapes: float = 0.0  # drawn digits (training.synthetic.shapes), as a share of the data set's rows
    copies: float = 0.0  # pictures of each digit, drawn ones too; of 0.4, four in ten have one
    outliers: float = 0.0  # pictures of no digit, as a share of the data set's rows

    def __post_init__(self) -> None:
        require(0 <= self.shapes <= 4, "photos.shapes must be 0 to 4.")
        require(0 <= self.copies <= 16, "photos.copies must be 0 to 16.")
        require(0 <= self.outliers <= 4, "photos.outliers must be 0 to 4.")


@dataclass(frozen=True, kw_only=True)
class CalibrationSpec:
    """How many training pictures a sibling training holds out to fit the temperature on; 0 fits none."""

    held_out: int = 0

    def __post_init__(self) -> None:
        require(self.held_out >= 0, "calibration.held_out must not be negative.")


@dataclass(frozen=True, kw_only=True)
class FineTuneSpec:
    """From which version a training starts, how it keeps what the base knows, and when its result is good enough."""

    LATER_NAMES: ClassVar[tuple[str, ...]] = ("inspect", "max_turned")

    base: str = ""  # a ref
    job: str = ""  # who asked for it, where a service did: one job publishes one version, however often it is begun
    validation: str = ""  # labelled files that judge in place of held-out ones
    dropout: float = 0.0  # of the net's own, where it has any: a few dozen pictures are noise enough
    held_out: float = 0.1  # share of the new pictures that only judge, 10 at least; under 50 five folds judge in turn
    epoch_rows: int = 96  # fewer new pictures are repeated within an epoch, up to about so many; 0 repeats none
    replay_rows: int = (
        16  # in every batch, of what the base knows: its own training pictures or their stand-in, drawings
    )
    distil: float = (
        1.0  # weight of the base's answers to half of these rows in the loss; 0 takes labels for all of them
    )
    max_loss: float = 0.003  # accuracy on the base's own test that may be lost
    min_alike: float = (
        0.962  # share that must be read as the base reads it, of what stands in where that test is not here
    )
    min_accuracy: float = 0.8  # that a new label set must reach, as it has no base to compare with
    inspect: bool = True  # leave out what a person should see first; false learns all
    max_turned: float = 0.3  # share of held-out pictures that one patch may turn to one label; 1 looks for no trigger

    def __post_init__(self) -> None:
        require(0 < self.held_out <= 0.5, "finetune.held_out must be above 0 and at most 0.5.")
        require(0 <= self.dropout < 1, "finetune.dropout must be at least 0 and below 1.")
        require(
            min(self.epoch_rows, self.replay_rows) >= 0, "finetune.epoch_rows and .replay_rows must not be negative."
        )
        require(0 <= self.distil <= 1, "finetune.distil must be 0 to 1.")
        require(0 <= self.max_loss <= 1, "finetune.max_loss must be 0 to 1.")
        require(0 <= self.min_alike <= 1, "finetune.min_alike must be 0 to 1.")
        require(0 <= self.min_accuracy <= 1, "finetune.min_accuracy must be 0 to 1.")
        require(0 <= self.max_turned <= 1, "finetune.max_turned must be 0 to 1.")
