"""What a client sends to start a fine-tune job: OpenAI's fields, and ours under `method`.

Every number may be `"auto"`, which is read as None: what that means is the recipe's business.
"""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

MAX_PAIRS, MAX_KEY, MAX_VALUE = 16, 64, 512  # of metadata, as OpenAI has it

Blocks = Literal["auto", "head", "last_block", "all", "gradual"]
Optimizer = Literal["auto", "sgd", "adam", "adamw", "rmsprop", "adagrad"]
Loss = Literal["auto", "cross_entropy", "mse"]
Schedule = Literal["auto", "triangle", "constant", "step", "cosine", "one_cycle", "plateau"]


def _auto_is_none(value: object) -> object:
    return None if value == "auto" else value


def _auto_or(words: tuple[str, ...], **schema: Any) -> WithJsonSchema:
    return WithJsonSchema({"anyOf": [{"enum": list(words)}, schema], "default": "auto"})


Epochs = Annotated[
    int | None,
    Field(ge=1, le=1000),
    BeforeValidator(_auto_is_none),
    _auto_or(("auto",), type="integer", minimum=1, maximum=1000),
]
BatchSize = Annotated[
    int | None,
    Field(ge=2, le=4096),
    BeforeValidator(_auto_is_none),
    _auto_or(("auto",), type="integer", minimum=2, maximum=4096),
]
Multiplier = Annotated[
    float | None,
    Field(ge=0.001, le=1000, allow_inf_nan=False),
    BeforeValidator(_auto_is_none),
    _auto_or(("auto",), type="number", minimum=0.001, maximum=1000),
]
_NONE = ("auto", "none")  # none is read as 0
Patience = Annotated[
    int | None,
    Field(ge=0, le=1000),
    BeforeValidator(lambda value: 0 if value == "none" else _auto_is_none(value)),
    _auto_or(_NONE, type="integer", minimum=1, maximum=1000),
]
Replay = Annotated[
    int | None,
    Field(ge=0, le=1024),
    BeforeValidator(lambda value: 0 if value == "none" else _auto_is_none(value)),
    _auto_or(_NONE, type="integer", minimum=1, maximum=1024),
]


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")


class Hyperparameters(_Strict):
    """OpenAI's three numbers; each may be `auto`."""

    n_epochs: Epochs = None
    batch_size: BatchSize = None
    learning_rate_multiplier: Multiplier = Field(None, description="of the rate that `auto` takes")


class Augment(_Strict):
    """How far training pictures are bent, each anew in every epoch; what is left out is not bent."""

    rotate_degrees: float = Field(0, ge=0, le=180, examples=[10])
    log_scale: float = Field(0, ge=0, le=1, description="each axis by exp(uniform in ±)", examples=[0.1])
    shear: float = Field(0, ge=0, le=1)
    shift_pixels: float = Field(0, ge=0, le=64)
    elastic_pixels: float = Field(0, ge=0, le=16)
    mirror: bool = Field(False, description="left and right swapped in every second picture; not for digits")
    crop: float = Field(1, gt=0, le=1, description="smallest share of the area that a random window keeps")


Bending = Annotated[
    Augment | None,
    BeforeValidator(lambda value: {} if value == "none" else _auto_is_none(value)),
    WithJsonSchema({"anyOf": [{"enum": list(_NONE)}, Augment.model_json_schema()], "default": "auto"}),
]


class Supervised(_Strict):
    """How to learn; every field may be left out."""

    hyperparameters: Hyperparameters | None = Field(None, description="OpenAI's three")
    unfreeze: Blocks = Field("auto", description="which blocks of the net learn")
    optimizer: Optimizer = "auto"
    loss: Loss = "auto"
    schedule: Schedule = Field("auto", description="of the learning rate")
    augment: Bending = Field(None, description="`none` bends no picture")
    early_stopping: Patience = Field(
        None,
        description="epochs without a better validation loss before it stops; a tenth of the pictures only watches",
    )
    replay: Replay = Field(None, description="how many of the base's own training pictures join every batch")
    inspect: bool = Field(
        True,
        description="look for pictures that a person should see first, and learn without them; `false`: learn all",
    )
    promote: Literal["never", "if_better", "shadow"] = Field(
        "never",
        description="`if_better`: make it the champion where the gate accepts it and the base still is; `shadow`: have "
        "it read unseen beside the champion first, where the gate accepts it",
    )


class Method(_Strict):
    """OpenAI's way to say how; only `supervised` is offered."""

    type: Literal["supervised"] = "supervised"
    supervised: Supervised | None = Field(None, description="how; what is left out is decided by the service")


def _is_text(text: str) -> str:
    if "\x00" in text:  # PostgreSQL can't hold it
        raise PydanticCustomError("bad_string", "Text can't hold the character NUL")
    return text


_Key = Annotated[str, Field(max_length=MAX_KEY), AfterValidator(_is_text)]
_Value = Annotated[str, Field(max_length=MAX_VALUE), AfterValidator(_is_text)]


def _is_nothing(value: object) -> object:
    if value:
        raise PydanticCustomError("not_offered", "This server sends nothing elsewhere: leave the field out")
    return None


class JobRequest(_Strict):
    """One fine-tune job."""

    model: str = Field(max_length=200, description="the base: `name`, `name@alias` or `name@7`", examples=["digits"])
    training_file: str = Field(
        max_length=64,
        description="the id of an uploaded file, or `feedback`: all corrections of the model",
        examples=["file-0a1b2c3d4e5f60718293a4b5", "feedback"],
    )
    validation_file: str | None = Field(
        None,
        max_length=64,
        description="labelled pictures that judge the result, in place of held-out ones or the file's own part",
    )
    hyperparameters: Hyperparameters | None = Field(None, description="here or under `method`")
    method: Method | None = Field(None, description="OpenAI's way to say how")
    suffix: str | None = Field(
        None, min_length=1, max_length=62, description="make a model of its own, NAME-SUFFIX; needed for other labels"
    )
    seed: int | None = Field(None, ge=0, lt=2**31, description="the same one gives the same version")
    metadata: dict[_Key, _Value] | None = Field(None, max_length=MAX_PAIRS, examples=[{"who": "me"}])
    integrations: Annotated[None, BeforeValidator(_is_nothing)] = None

    @property
    def supervised(self) -> Supervised:
        """What is asked for under `method`, or the defaults."""
        return (self.method.supervised if self.method else None) or Supervised()
