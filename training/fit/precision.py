"""In which number format a net trains quickest on this machine, or the same way every time."""

import contextlib
import copy
import time
from collections.abc import Iterator

import torch
from torch import Tensor, nn

from models_store.specs import InputSpec, TrainSpec

_TRIAL_PIXELS = 128 * 28 * 28  # a trial batch: as much as 128 digits
_CLEARLY = 0.8  # of float32's time: where both are about as quick, a busy machine must not decide
_TRIALS = 3  # of each format, in turn; the quickest counts, because noise only ever adds


@contextlib.contextmanager
def deterministic(wanted: bool) -> Iterator[None]:
    """Lets torch choose only operations that give the same bits every time, inside the block."""
    if not wanted or torch.are_deterministic_algorithms_enabled():
        yield
        return
    torch.use_deterministic_algorithms(True)  # imports torch's compiler, two seconds: not where nobody wants it
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(False)


def choose(
    net: nn.Module, spec: TrainSpec, picture: InputSpec, device: torch.device, timed: bool = True
) -> torch.dtype:
    """The recipe's precision; `auto` is bfloat16 on GPUs that have it, and on CPUs where it is clearly quicker.

    CPUs with bfloat16 instructions differ: on some the convolutions of small nets are twice as fast with them, on
    others half as fast, so a few steps of a copy are timed; where `timed` is False, `auto` is float32.
    """
    if spec.precision != "auto":
        return torch.bfloat16 if spec.precision == "bfloat16" else torch.float32
    if not timed or not has_bf16(device):
        return torch.float32
    if device.type == "cuda":
        return torch.bfloat16
    seconds = {dtype: float("inf") for dtype in (torch.float32, torch.bfloat16)}
    with torch.random.fork_rng(devices=[]):
        trial = copy.deepcopy(net)
        rows = max(2, min(spec.batch_size, _TRIAL_PIXELS // (picture.channels * picture.height * picture.width)))
        batch = torch.randn(rows, *picture.shape, device=device).contiguous(memory_format=torch.channels_last)
        for dtype in seconds:
            _step(trial, batch, dtype)  # the first steps compile
        for _ in range(_TRIALS):
            for dtype in seconds:
                seconds[dtype] = min(seconds[dtype], _step(trial, batch, dtype))
    return torch.bfloat16 if seconds[torch.bfloat16] < _CLEARLY * seconds[torch.float32] else torch.float32


def has_bf16(device: torch.device) -> bool:
    """Whether the device multiplies bfloat16 in hardware."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return torch.backends.mkldnn.is_available() and bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


def _step(net: nn.Module, batch: Tensor, dtype: torch.dtype) -> float:
    began = time.perf_counter()
    with torch.autocast(batch.device.type, torch.bfloat16, enabled=dtype is torch.bfloat16):
        logits = net(batch)
    if logits.requires_grad:
        logits.float().square().mean().backward()
    return time.perf_counter() - began
