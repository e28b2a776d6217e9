"""Turns a trained net into the files of a version: plain, bfloat16 and int8.

The only user of torch.ao.quantization, which warns that it will move to another package.
"""

import contextlib
import copy
import warnings
from collections.abc import Iterator
from pathlib import Path

import torch
import torch.fx.config
from torch import Tensor, nn

from models_store.files import WEIGHTS, save_module, save_weights
from models_store.model import Processor
from models_store.specs import InputSpec
from training.errors import TrainingDiverged

_RANGE_ROWS, _LEAST_RANGE_ROWS = 2000, 100  # pictures whose activations set the int8 ranges
_RANGE_PIXELS = 2000 * 28 * 28  # in all: of large pictures, fewer say as much
FILES = {"fp32": "model.pt", "bf16": "model.bf16.pt", "int8": "model.int8.pt"}


class Servable(nn.Module):
    """A net with its normalisation inside, where no client can get it wrong: float32 [N, C, H, W] 0..1 -> logits."""

    mean: Tensor
    std: Tensor

    def __init__(self, net: nn.Module, picture: InputSpec) -> None:
        super().__init__()
        self.net = net
        self.register_buffer("mean", torch.tensor(picture.mean).view(1, -1, 1, 1))
        self.register_buffer("std", torch.tensor(picture.std).view(1, -1, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        return self.net((x - self.mean) / self.std)  # type: ignore[no-any-return]


class HalfServable(Servable):
    """The same in bfloat16, channels last: half the bytes, and twice the speed where the CPU multiplies bfloat16."""

    def forward(self, x: Tensor) -> Tensor:
        x = ((x - self.mean) / self.std).to(torch.bfloat16).contiguous(memory_format=torch.channels_last)
        return self.net(x).float()  # type: ignore[no-any-return]


def export(
    net: nn.Module, picture: InputSpec, sample: Tensor, folder: Path, processor: Processor | None = None
) -> None:
    """Writes weights.safetensors and the three candidates of `FILES`; without int8 where torch has no engine for it.

    `sample`: uint8 [N, C, H, W] training pictures; the first ones set the int8 ranges. Modules are scripted here and
    never at load, because each scripting leaks memory; and not frozen, so that they can be cast and moved later. Raises
    TrainingDiverged where the net answers a sample with what is no finite number, though its weights are finite.
    """
    net = copy.deepcopy(net).cpu().eval()
    save_weights(net.state_dict(), folder / WEIGHTS)
    save_module(script(Servable(net, picture)), folder / FILES["fp32"])
    half = fused(net).to(torch.bfloat16).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    save_module(script(HalfServable(half, picture)), folder / FILES["bf16"])
    processor = processor or Processor.here()
    if processor.engine is not None:
        save_module(script(Servable(quantised(net, picture, sample, processor), picture)), folder / FILES["int8"])


def script(module: nn.Module) -> torch.jit.ScriptModule:
    """TorchScript of a module in eval mode."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r"`torch\.jit\.\w+` is deprecated", category=DeprecationWarning)
        return torch.jit.script(module.eval())


def fused(net: nn.Module) -> nn.Module:
    """The net with each batch norm folded into the convolution before it: the same function, fewer passes."""
    from torch.ao.quantization.quantize_fx import fuse_fx

    return fuse_fx(copy.deepcopy(net).eval())


def quantised(net: nn.Module, picture: InputSpec, sample: Tensor, processor: Processor | None = None) -> nn.Module:
    """Static int8 after training, ranges observed on `sample` (Jacob et al. 2018, arXiv:1712.05877).

    Packed by the engine of this machine's processor; the file has what any engine can pack anew. All 8 bits of the
    activations are used, as torch's `onednn` defaults do: of 10,000 labels of three versions 1 to 2
    change (docs/decisions/0005). The `x86` defaults leave one bit unused, which changes 2 to 7, so that CPUs without
    VNNI instructions cannot overflow; on those the int8 candidate does not serve (`models_store.model.processor`).
    """
    from torch.ao.quantization import get_default_qconfig_mapping
    from torch.ao.quantization.quantize_fx import convert_fx, prepare_fx

    (processor or Processor.here()).use()
    mean, std = (torch.tensor(v).view(1, -1, 1, 1) for v in (picture.mean, picture.std))
    size = picture.channels * picture.height * picture.width
    rows = min(_RANGE_ROWS, max(_LEAST_RANGE_ROWS, _RANGE_PIXELS // size))
    parts = sample[:rows].split(max(1, rows // 10))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="torch.ao.quantization is deprecated", category=DeprecationWarning)
        warnings.filterwarnings("ignore", message="Default qconfig of oneDNN", category=UserWarning)  # without VNNI
        warnings.filterwarnings("ignore", message="torch.quantize_per_tensor", category=UserWarning)
        warnings.filterwarnings("ignore", message="torch.inf detected", category=UserWarning)
        with _without_stack_traces():
            watched = prepare_fx(copy.deepcopy(net).eval(), get_default_qconfig_mapping("onednn"), (parts[0] / 255.0,))
        with torch.inference_mode():
            for part in parts:
                _look(watched, net, (part / 255.0 - mean) / std)
        return convert_fx(watched)


def _look(watched: nn.Module, net: nn.Module, batch: Tensor) -> None:
    """Shows a batch to the observers. Raises TrainingDiverged where the net's answers are no finite numbers."""
    try:
        finite = bool(torch.isfinite(watched(batch)).all())
    except RuntimeError:  # no observer can count what is no number
        finite = bool(torch.isfinite(net(batch)).all())
        if finite:
            raise
    if not finite:
        raise TrainingDiverged("The new net's answers are no finite numbers: lower train.learning_rate.")


@contextlib.contextmanager
def _without_stack_traces() -> Iterator[None]:
    """Has torch not note which line of the net made which step: nobody reads it, and it imports torch's compiler."""
    before = torch.fx.config.do_not_emit_stack_traces
    torch.fx.config.do_not_emit_stack_traces = True
    try:
        yield
    finally:
        torch.fx.config.do_not_emit_stack_traces = before
