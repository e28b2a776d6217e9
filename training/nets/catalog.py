"""Net names -> constructors. A recipe's `[net]` table is looked up here and nowhere else."""

from collections.abc import Callable

from torch import nn

from models_store.errors import RecipeRejected
from models_store.specs import InputSpec, NetSpec
from training.nets.classic import CNN
from training.nets.fast import Fast

NETS: dict[str, Callable[..., nn.Module]] = {"fast": Fast, "cnn": CNN}


def build(spec: NetSpec, picture: InputSpec, labels: int) -> nn.Module:
    """A net with fresh weights for pictures of that shape. Raises RecipeRejected for an unknown name or option."""
    if spec.name not in NETS:
        raise RecipeRejected(f"There is no net named {spec.name!r}. Known: {', '.join(sorted(NETS))}.")
    if picture.shape != (1, 28, 28):
        raise RecipeRejected(f"The net {spec.name} takes pictures of 1x28x28, not {'x'.join(map(str, picture.shape))}.")
    try:
        return NETS[spec.name](picture.channels, labels, **spec.options)
    except (ValueError, RuntimeError) as error:
        raise RecipeRejected(f"The net {spec.name} cannot be built with {dict(spec.options)}: {error}") from None
    except TypeError:
        raise RecipeRejected(f"The net {spec.name} does not have all the options {', '.join(spec.options)}.") from None


def parameters(net: nn.Module) -> int:
    """How many weights the net learns."""
    return sum(weights.numel() for weights in net.parameters())
