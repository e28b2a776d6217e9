"""Processor: by which of torch's engines int8 is computed here; and how much of the machine torch takes."""

import functools
import platform
import warnings
from dataclasses import dataclass

import torch

_X86 = ("x86_64", "AMD64", "i386", "i686")  # as Linux, macOS and Windows call it


@dataclass(frozen=True)
class Processor:
    """What decides about int8. Others than this machine's are for trying how it goes there."""

    machine: str  # as `platform.machine` names its kind
    has_vnni: bool  # in its AVX-512 form, the only one that torch looks for
    engines: tuple[str, ...]  # that torch was built with

    @classmethod
    def here(cls) -> "Processor":
        """This machine's."""
        engines = tuple(torch.backends.quantized.supported_engines)
        return cls(platform.machine(), torch.cpu._is_vnni_supported(), engines)

    @property
    def engine(self) -> str | None:
        """The one that sums full 8-bit products right: `x86` needs VNNI for that, `qnnpack` multiplies in 16 bits on
        every processor, arm64 too. None where torch has neither."""
        if self._is_x86 and self.has_vnni and "x86" in self.engines:
            return "x86"
        return "qnnpack" if "qnnpack" in self.engines else None

    @property
    def why_not(self) -> str | None:
        """Why int8 can't serve here: a sentence; None where it can. On x86 without VNNI, `qnnpack` takes twice the time
        of fp32, and `x86` overflows, rarely on the probes (docs/decisions/0005)."""
        if self.engine is None:
            return f"This torch has no engine that computes int8 on {self.machine}."
        if self._is_x86 and self.engine != "x86":
            return "This CPU has no VNNI instructions, without which int8 is slower than fp32."
        return None

    @property
    def _is_x86(self) -> bool:
        return self.machine in _X86

    def use(self) -> None:
        """Has torch pack and compute int8 by this engine, in the whole process. Where there is none it stays."""
        _hush_quantizer()
        if self.engine is not None and torch.backends.quantized.engine != self.engine:
            torch.backends.quantized.engine = self.engine


@functools.cache
def _hush_quantizer() -> None:
    """Has torch say once, unheard, that its int8 tensors will move: it would print that from C++ (decision 0002)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        torch._empty_affine_quantized([1], scale=1.0, zero_point=0, dtype=torch.quint8)


@functools.cache
def plain_execution() -> None:
    """Has TorchScript run what was frozen as it is: where nothing is fused, specializing costs 3 MiB for nothing."""
    if not torch.cuda.is_available():
        torch.jit.set_fusion_strategy([])


def use_threads(count: int) -> None:
    """Gives torch `count` threads in this process. Serving takes 1: two on two busy cores lose 25-fold."""
    torch.set_num_threads(count)


def best_device() -> str:
    """The fastest kind of device here."""
    return "cuda" if torch.cuda.is_available() else "cpu"
