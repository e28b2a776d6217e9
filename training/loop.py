"""The one training loop, read top to bottom. It knows tensors and numbers, no files, no stores and no data set."""

import copy
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models_store.specs import AugmentSpec, InputSpec, TrainSpec
from training.augment import bend
from training.data import Rows
from training.errors import TrainingDiverged


@dataclass(frozen=True)
class Epoch:
    """What one pass over the training rows did; loss and accuracy are of the bent pictures, as they were trained on."""

    number: int
    epochs: int
    loss: float
    accuracy: float
    learning_rate: float
    seconds: float


def fit(
    net: nn.Module,
    rows: Rows,
    spec: TrainSpec,
    augment: AugmentSpec,
    picture: InputSpec,
    seed: int,
    device: torch.device,
    on_epoch: Callable[[Epoch], None] = lambda epoch: None,
) -> nn.Module:
    """Trains `net` in place on all rows and returns what to publish: its moving average, or itself without one.

    One uint8 tensor holds all pictures; each batch is cut out of it, bent and normalised. Raises TrainingDiverged.
    """
    torch.manual_seed(seed)
    net = net.to(device, memory_format=torch.channels_last).train()  # type: ignore[call-overload]
    average = copy.deepcopy(net).eval() if spec.ema else net
    pictures, labels = rows.pictures.to(device), rows.labels.to(device)
    mean, std = (torch.tensor(v, device=device).view(1, -1, 1, 1) for v in (picture.mean, picture.std))
    optimizer = torch.optim.SGD(_groups(net, spec), lr=spec.learning_rate, momentum=spec.momentum, nesterov=True)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, triangle(spec, len(rows)))
    step = 0

    for number in range(1, spec.epochs + 1):
        began = time.perf_counter()
        loss_sum, right = torch.zeros((), device=device), torch.zeros((), device=device)
        rate = float(schedule.get_last_lr()[0])
        for index in _batches(len(rows), spec.batch_size, device):
            batch = bend(pictures[index].float() / 255, augment)
            batch = ((batch - mean) / std).contiguous(memory_format=torch.channels_last)
            with torch.autocast(device.type, torch.bfloat16, enabled=has_bf16(device)):
                logits = net(batch)
            loss = F.cross_entropy(logits.float(), labels[index], label_smoothing=spec.label_smoothing)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            step += 1
            if average is not net:
                _follow(average, net, min(spec.ema, (1 + step) / (10 + step)))  # young averages forget their start
            loss_sum += loss.detach() * len(index)
            right += (logits.detach().argmax(1) == labels[index]).sum()
        if not torch.isfinite(loss_sum):
            raise TrainingDiverged(f"The loss left the finite numbers in epoch {number}: lower train.learning_rate.")
        seconds = time.perf_counter() - began
        on_epoch(Epoch(number, spec.epochs, loss_sum.item() / len(rows), right.item() / len(rows), rate, seconds))
    if not all(bool(torch.isfinite(weights).all()) for weights in average.state_dict().values()):
        raise TrainingDiverged("The last steps left the finite numbers: lower train.learning_rate.")
    return average.eval()


def triangle(spec: TrainSpec, rows: int) -> Callable[[int], float]:
    """Step -> factor of the learning rate: linearly up to 1 during the warm-up, linearly down to 0 at the end."""
    steps = spec.epochs * -(-rows // spec.batch_size)
    up = max(1.0, spec.warmup * steps)
    return lambda step: max(0.0, min((step + 1) / up, (steps - step) / (steps - up + 1)))


def _batches(rows: int, size: int, device: torch.device) -> Iterator[Tensor]:
    # A last batch of one row has no variance for a batch norm: it joins its neighbour.
    order = torch.randperm(rows, device=device)
    cuts = list(order.split(size))
    if len(cuts) > 1 and len(cuts[-1]) == 1:
        cuts[-2:] = [torch.cat(cuts[-2:])]
    yield from cuts


def _groups(net: nn.Module, spec: TrainSpec) -> list[dict[str, object]]:
    """Weight decay for matrices and kernels only: on biases and batch norms it costs accuracy."""
    weights = [p for p in net.parameters() if p.dim() > 1]
    others = [p for p in net.parameters() if p.dim() <= 1]
    return [{"params": weights, "weight_decay": spec.weight_decay}, {"params": others, "weight_decay": 0.0}]


@torch.no_grad()
def _follow(average: nn.Module, net: nn.Module, decay: float) -> None:
    """Polyak averaging; batch norms' running numbers are averaged along, counters copied."""
    for mine, theirs in zip(average.state_dict().values(), net.state_dict().values(), strict=True):
        if mine.dtype.is_floating_point:
            mine.lerp_(theirs, 1 - decay)
        else:
            mine.copy_(theirs)


def has_bf16(device: torch.device) -> bool:
    """Whether the device multiplies bfloat16 in hardware; elsewhere training stays in float32."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return torch.backends.mkldnn.is_available() and bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
