"""The one training loop, read top to bottom. It knows tensors and numbers, no files, no stores and no data set."""

import copy
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from models_store.recipe import Recipe
from training.data.rows import Rows
from training.errors import CheckpointRejected, TrainingDiverged
from training.fit import checkpoint, precision
from training.fit.augment import bend, edges_of
from training.fit.distributed import ALONE, World
from training.fit.losses import of_answers, unlike
from training.fit.mixup import blended
from training.fit.optimise import Rates, optimizer, set_learning
from training.fit.profiler import profiled

Teacher = Callable[[Tensor], Tensor]  # float32 [N, C, H, W] in 0..1 -> logits [N, labels]
_MEASURED_PIXELS = 500 * 28 * 28  # of a batch that is only measured


@dataclass(frozen=True)
class Epoch:
    """What one pass over the training rows did; loss and accuracy are of the bent pictures, as they were trained on."""

    number: int
    epochs: int
    loss: float
    accuracy: float
    learning_rate: float
    seconds: float
    validation_loss: float | None = None
    validation_accuracy: float | None = None


@dataclass(frozen=True)
class Runtime:
    """Where a recipe runs and who watches: nothing here changes what is learned."""

    device: torch.device = torch.device("cpu")
    world: World = ALONE
    checkpoint: Path | None = None  # written after every epoch, and gone on from where it exists
    trace: Path | None = None  # where torch's profiler writes a few steps, for chrome://tracing
    on_epoch: Callable[[Epoch], None] = lambda epoch: None
    on_step: Callable[[int, int, int], None] = lambda epoch, done, steps: None


@dataclass(frozen=True)
class Fitted:
    """What to publish (the moving average, the best epoch or the last weights), and how it came about."""

    net: nn.Module
    epochs: tuple[Epoch, ...]
    precision: torch.dtype


def fit(
    net: nn.Module,
    rows: Rows,
    recipe: Recipe,
    run: Runtime = Runtime(),
    *,
    validation: Rows | None = None,
    replay: Rows | None = None,
    replay_rows: int = 0,
    teacher: Teacher | None = None,
    distil: float = 0.0,
) -> Fitted:
    """Trains `net` in place on all rows, by the recipe's tables `train`, `augment` and `input`.

    One uint8 tensor holds all pictures; each batch is cut out of it, bent and normalised. `replay_rows` random rows of
    `replay` join every batch. `distil` is the weight of the teacher's answers in the loss: to half of the replayed
    rows and blends of them, or to all rows where none are replayed. Raises TrainingDiverged, and CheckpointRejected
    where `run.checkpoint` is damaged or another recipe's.
    """
    spec, picture, device, world = recipe.train, recipe.input, run.device, run.world
    net = net.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    set_learning(net, spec, 1)  # what is frozen costs nothing, so the formats are tried as they will be used
    dtype = precision.choose(net, spec, picture, device, timed=not recipe.deterministic)
    half = bool(world.told(torch.tensor([dtype is torch.bfloat16], device=device)))  # they may have timed differently
    average = copy.deepcopy(net).eval() if spec.ema else net
    pictures, labels = rows.pictures.to(device), rows.labels.to(device)
    mean, std = (torch.tensor(v, device=device).view(1, -1, 1, 1) for v in (picture.mean, picture.std))
    edges, steps = edges_of(picture), -(-len(rows) // spec.batch_size)
    asked = teacher if replay is not None and replay_rows and distil else None
    told = replay_rows // 2 if asked else replay_rows  # by their labels; the others by the teacher's answers
    improver = optimizer(net, spec)
    rates = Rates(improver, spec, steps)
    history: list[Epoch] = []
    best: tuple[float, dict[str, Tensor]] = float("inf"), {}  # loss on the validation rows, and the weights that had it

    saved = world.told_bytes(checkpoint.read(run.checkpoint) if world.leads else None, device)
    if saved is not None:
        state = checkpoint.load(saved, device)
        try:
            net.load_state_dict(state["net"])
            average.load_state_dict(state["average"])
            improver.load_state_dict(state["improver"])
            rates.load_state_dict(state["rates"])
            best = state["best"]["loss"], state["best"]["weights"]
            history = [Epoch(**facts) for facts in state["history"]]
            half = bool(state["half"])
        except (KeyError, TypeError, ValueError, RuntimeError):
            raise CheckpointRejected("The checkpoint is another recipe's. Repeat the command with --fresh.") from None

    with precision.deterministic(recipe.deterministic), profiled(run.trace) as trace_step:
        while len(history) < spec.epochs and not _waited(history, spec.patience):
            number = len(history) + 1
            step = (number - 1) * steps
            order = torch.randperm(len(rows), generator=torch.Generator().manual_seed(_seed(recipe.seed, number)))
            torch.manual_seed(_seed(recipe.seed, number, 1 + world.rank))  # bending and dropout, in each process anew
            set_learning(net, spec, number)
            learner = world.averaged(net)
            began = time.perf_counter()
            loss_sum, right, seen = torch.zeros(3, device=device)
            rate = 0.0
            for done, whole in enumerate(_batches(order, spec.batch_size, world.size), start=1):
                index = world.share(whole).to(device)
                batch, truth = pictures[index], labels[index]
                if replay is not None and replay_rows:
                    extra = torch.randint(len(replay), (replay_rows,))
                    batch = torch.cat([batch, replay.pictures[extra].to(device)])
                    truth = torch.cat([truth, replay.labels[extra[:told]].to(device)])
                batch = bend(batch.float() / 255, recipe.augment, edges)
                labelled = len(truth)
                batch = torch.cat([batch[:labelled], blended(batch[labelled:])]) if asked else batch
                inputs = ((batch - mean) / std).contiguous(memory_format=torch.channels_last)
                with torch.autocast(device.type, torch.bfloat16, enabled=half):
                    logits = learner(inputs)
                loss = of_answers(logits[:labelled].float(), truth, spec)
                if asked:
                    loss = loss + distil * unlike(logits[labelled:].float(), asked(batch[labelled:]))
                elif teacher is not None and distil:
                    loss = (1 - distil) * loss + distil * unlike(logits.float(), teacher(batch))
                if spec.l1:
                    loss = loss + spec.l1 * sum(p.abs().sum() for p in net.parameters() if p.dim() > 1)
                rate = rates.set(step)
                improver.zero_grad()
                loss.backward()
                if spec.clip:
                    nn.utils.clip_grad_norm_(net.parameters(), spec.clip)
                improver.step()
                step += 1
                if average is not net:
                    _follow(average, net, min(spec.ema, (1 + step) / (10 + step)))  # young averages forget their start
                with torch.no_grad():
                    known = truth >= 0
                    loss_sum += loss.detach() * known.sum()
                    right += (logits[:labelled].argmax(1) == truth).sum()
                    seen += known.sum()
                trace_step()
                run.on_step(number, done, steps)

            loss_sum, right, seen = world.summed(torch.stack([loss_sum, right, seen]))
            watched = None
            if validation is not None:  # the leader's numbers for all: they must stop in the same epoch
                found = torch.tensor(measure(average, validation, recipe, device), device=device)
                watched = world.told(found).tolist()
            if not all(map(math.isfinite, (loss_sum.item(), *(watched or ())))):
                raise TrainingDiverged(
                    f"The loss left the finite numbers in epoch {number}: lower train.learning_rate."
                )
            history.append(
                Epoch(
                    number,
                    spec.epochs,
                    loss=(loss_sum / seen).item(),
                    accuracy=(right / seen).item(),
                    learning_rate=rate,
                    seconds=time.perf_counter() - began,
                    validation_loss=None if watched is None else watched[0],
                    validation_accuracy=None if watched is None else watched[1],
                )
            )
            rates.epoch_ended(history[-1].validation_loss)
            if watched is not None and spec.patience and watched[0] < best[0]:
                best = watched[0], copy.deepcopy(average.state_dict())
            if run.checkpoint is not None and world.leads:
                state = {"net": net.state_dict(), "average": average.state_dict(), "improver": improver.state_dict()}
                state |= {"rates": rates.state_dict(), "best": {"loss": best[0], "weights": best[1]}}
                state |= {"history": [asdict(epoch) for epoch in history], "half": half}
                checkpoint.save(run.checkpoint, state)
            run.on_epoch(history[-1])

    if best[1]:
        average.load_state_dict(best[1])
    if not all(bool(torch.isfinite(weights).all()) for weights in average.state_dict().values()):
        raise TrainingDiverged("The last steps left the finite numbers: lower train.learning_rate.")
    return Fitted(average.requires_grad_(True).eval(), tuple(history), torch.bfloat16 if half else torch.float32)


@torch.no_grad()
def measure(net: nn.Module, rows: Rows, recipe: Recipe, device: torch.device) -> tuple[float, float]:
    """(loss, share read right of those that show a label) of a bare net on rows as they are, unbent."""
    was_training, size = net.training, max(1, _MEASURED_PIXELS // rows.pictures[0].numel())
    mean, std = (torch.tensor(v, device=device).view(1, -1, 1, 1) for v in (recipe.input.mean, recipe.input.std))
    net.eval()
    loss, right = 0.0, 0
    for pictures, labels in zip(rows.pictures.split(size), rows.labels.split(size), strict=True):
        truth = labels.to(device)
        logits = net((pictures.to(device).float() / 255 - mean) / std).float()
        loss += of_answers(logits, truth, recipe.train).item() * len(truth)
        right += int((logits.argmax(1) == truth).sum())
    net.train(was_training)
    return loss / len(rows), right / max(1, int((rows.labels >= 0).sum()))


def _waited(history: list[Epoch], patience: int) -> bool:
    """Whether the validation loss has not improved for `patience` epochs."""
    losses = [epoch.validation_loss or 0.0 for epoch in history]
    return bool(patience and losses) and len(losses) - 1 - losses.index(min(losses)) >= patience


def _batches(order: Tensor, size: int, processes: int) -> Iterator[Tensor]:
    # A last batch of one row for a process has no variance for a batch norm: it joins its neighbour.
    cuts = list(order.split(size))
    if len(cuts) > 1 and len(cuts[-1]) < 2 * processes:
        cuts[-2:] = [torch.cat(cuts[-2:])]
    yield from cuts


def _seed(seed: int, epoch: int, stream: int = 0) -> int:
    """A seed of its own for every epoch: a resumed run draws what the unbroken one would have drawn."""
    return (seed * 1_000_003 + epoch) * 1_009 + stream


@torch.no_grad()
def _follow(average: nn.Module, net: nn.Module, decay: float) -> None:
    """Polyak averaging; batch norms' running numbers are averaged along, counters copied."""
    for mine, theirs in zip(average.state_dict().values(), net.state_dict().values(), strict=True):
        if mine.dtype.is_floating_point:
            mine.lerp_(theirs, 1 - decay)
        else:
            mine.copy_(theirs)
