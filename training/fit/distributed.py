"""Several processes that train as one, through PyTorch's own engine."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from training.errors import DeviceMissing


@dataclass(frozen=True)
class World:
    """Which of how many processes this one is; torchrun numbers them. Every method is a no-op where it is alone."""

    rank: int = 0
    size: int = 1
    local_rank: int = 0  # among the processes of this machine
    local_size: int = 1

    @property
    def leads(self) -> bool:
        """True in the one process that reports, writes and publishes."""
        return self.rank == 0

    def device(self, wanted: str) -> torch.device:
        """Where this process computes: `cpu`, `cuda`, or by `auto` a GPU where there is one. Raises DeviceMissing."""
        gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
        if wanted == "cpu" or (wanted == "auto" and not gpus):
            return torch.device("cpu")
        if not gpus:
            raise DeviceMissing("torch finds no GPU on this machine: pass --device cpu.")
        if self.local_size > gpus:
            raise DeviceMissing(
                f"{self.local_size} processes need a GPU each, and this machine has {gpus}: start fewer."
            )
        device = torch.device("cuda", self.local_rank)
        torch.cuda.set_device(device)
        return device

    @contextlib.contextmanager
    def joined(self, device: torch.device) -> Iterator[None]:
        """Meets the others at the address that torchrun set: gloo between CPUs, NCCL between GPUs."""
        if self.size == 1:
            yield
            return
        dist.init_process_group("nccl" if device.type == "cuda" else "gloo", rank=self.rank, world_size=self.size)
        try:
            yield
        finally:
            dist.destroy_process_group()

    @contextlib.contextmanager
    def in_turn(self) -> Iterator[None]:
        """One process of each machine does the block before the others begin it: what it downloads lies there then."""
        if self.size > 1 and self.local_rank:
            dist.barrier()
        yield
        if self.size > 1 and not self.local_rank:
            dist.barrier()

    def averaged(self, net: nn.Module) -> nn.Module:
        """The net so wrapped that every backward pass leaves the mean of all processes' gradients in each of them."""
        learns = any(weights.requires_grad for weights in net.parameters())
        return DistributedDataParallel(net) if self.size > 1 and learns else net

    def share(self, index: Tensor) -> Tensor:
        """This process's part of a batch; parts are equally long, so the last rows of an odd batch may be left out."""
        each = len(index) // self.size
        return index[self.rank : each * self.size : self.size] if each else index

    def summed(self, numbers: Tensor) -> Tensor:
        """The sum over all processes, in each of them."""
        if self.size > 1:
            dist.all_reduce(numbers)
        return numbers

    def told(self, numbers: Tensor) -> Tensor:
        """What the leading process holds, in all of them."""
        if self.size > 1:
            dist.broadcast(numbers, src=0)
        return numbers

    def told_bytes(self, data: bytes | None, device: torch.device) -> bytes | None:
        """The leading process's bytes, in all of them."""
        if self.size == 1:
            return data
        length = int(self.told(torch.tensor([-1 if data is None else len(data)], device=device)).item())
        if length <= 0:
            return None if length < 0 else b""
        content = torch.empty(length, dtype=torch.uint8, device=device)
        if self.leads and data:
            content = torch.frombuffer(bytearray(data), dtype=torch.uint8).to(device)
        return self.told(content).cpu().numpy().tobytes()


ALONE = World()
