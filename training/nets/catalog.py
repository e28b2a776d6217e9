"""Net names -> constructors. A recipe's `[net]` table is looked up here and nowhere else."""

import dataclasses
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, get_args, get_origin

from torch import nn

from models_store.errors import RecipeRejected
from models_store.specs import InputSpec, NetSpec
from training.nets.classic import CNN, SmallCNN, ThreeCNN
from training.nets.colour import RgbCNN
from training.nets.dense import fcnn, mlp
from training.nets.dilated import DilatedNet
from training.nets.fast import Fast, Lite
from training.nets.pretrained import resnet18, resnet50

# name -> constructor(channels, labels, **options); the options' types are those of its signature
NETS: dict[str, Callable[..., nn.Module]] = {
    "fast": Fast,
    "lite": Lite,
    "cnn": CNN,
    "cnn-small": SmallCNN,
    "cnn-three": ThreeCNN,
    "dilated": DilatedNet,
    "fcnn": fcnn,
    "mlp": mlp,
    "rgb-cnn": RgbCNN,
    "resnet18": resnet18,
    "resnet50": resnet50,
}


@dataclass(frozen=True)
class Shapes:
    """Which pictures a net takes: their channels, and how many pixels each side may have."""

    channels: tuple[int, ...]
    smallest: int
    largest: int

    def include(self, picture: InputSpec) -> bool:
        """Whether the net can be built for that input."""
        sides = (picture.height, picture.width)
        return picture.channels in self.channels and self.smallest <= min(sides) <= max(sides) <= self.largest

    def __str__(self) -> str:
        if self.smallest == self.largest:
            return " or ".join(f"{n}x{self.smallest}x{self.largest}" for n in self.channels)
        channels = " or ".join(map(str, self.channels))
        return f"{channels} channels and sides of {self.smallest} to {self.largest} pixels"


_MNIST = Shapes((1, 3), 28, 28)  # the flattened maps of these nets fit no other size
_PICTURES = {
    "rgb-cnn": Shapes((3,), 32, 512),
    "resnet18": Shapes((1, 3), 28, 512),
    "resnet50": Shapes((1, 3), 28, 512),
}
_LARGEST_OPTION = 65_536


def options(name: str) -> dict[str, Any]:
    """The options of that net and their types. Raises RecipeRejected for an unknown name."""
    if name not in NETS:
        raise RecipeRejected(f"There is no net named {name!r}. Known: {', '.join(sorted(NETS))}.")
    return {key: p.annotation for key, p in list(inspect.signature(NETS[name]).parameters.items())[2:]}


def takes(name: str) -> Shapes:
    """The pictures for which that net of `NETS` can be built."""
    return _PICTURES.get(name, _MNIST)


def build(spec: NetSpec, picture: InputSpec, labels: int) -> nn.Module:
    """A net for pictures of that shape, as training starts from it. Its last layer is the nn.Linear `head`.

    Raises RecipeRejected for an unknown name, option or shape, and WeightsMissing where the net starts from pretrained
    weights that are neither here nor to be had.
    """
    known = options(spec.name)
    if not takes(spec.name).include(picture):
        shape = "x".join(map(str, picture.shape))
        raise RecipeRejected(f"The net {spec.name} takes pictures of {takes(spec.name)}, not {shape}.")
    for key, value in spec.options.items():
        if key not in known:
            raise RecipeRejected(f"The net {spec.name} has no option {key}. It has: {', '.join(known)}.")
        wanted = _wanted(known[key], value)
        if wanted:
            raise RecipeRejected(f"The net {spec.name} takes {wanted} as {key}, not {value!r}.")
    try:
        # TorchScript takes no 0 for 0.0
        values = {key: float(value) if known[key] is float else value for key, value in spec.options.items()}
        return NETS[spec.name](picture.channels, labels, **values)
    except ValueError as error:
        raise RecipeRejected(f"The net {spec.name} cannot be built with {dict(spec.options)}: {error}.") from None
    except RuntimeError:  # torch found no memory for it
        raise RecipeRejected(
            f"The net {spec.name} is too large for this machine's memory with {dict(spec.options)}: choose less."
        ) from None


def skeleton(spec: NetSpec, picture: InputSpec, labels: int) -> nn.Module:
    """`build` for whoever loads all weights afterwards: it reads and downloads none. Raises RecipeRejected."""
    if spec.options.get("weights") == "imagenet":
        spec = dataclasses.replace(spec, options={**spec.options, "weights": "none"})
    return build(spec, picture, labels)


def parameters(net: nn.Module) -> int:
    """How many weights the net learns."""
    return sum(weights.numel() for weights in net.parameters())


def blocks(net: nn.Module) -> list[nn.Module]:
    """The parts of a net that learn, from the input to the head; every weight is in exactly one of them.

    They are the net's children and the steps of its `features`, as each net here lists them: in the order in which a
    picture passes. A norm of its own goes with the convolution before it, as an nn.ModuleList of the two.
    """
    found: list[list[nn.Module]] = []
    for name, child in net.named_children():
        for part in child.children() if name == "features" else [child]:
            if isinstance(part, nn.BatchNorm2d) and found:
                found[-1].append(part)
            elif any(True for _ in part.parameters()):
                found.append([part])
    return [parts[0] if len(parts) == 1 else nn.ModuleList(parts) for parts in found]


def _wanted(hint: Any, value: object) -> str | None:
    """What an option must be, in words; None where the value is that."""
    if get_origin(hint) is Literal:
        return None if value in get_args(hint) else " or ".join(map(repr, get_args(hint)))
    if hint is int:
        fits = type(value) is int and 1 <= value <= _LARGEST_OPTION
        return None if fits else f"a whole number of 1 to {_LARGEST_OPTION}"
    return None if type(value) in (int, float) else "a number"
