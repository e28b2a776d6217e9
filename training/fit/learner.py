"""The learner: a net, its optimizer and its moving average, and everything else that changes while it learns."""

import copy
import math
from dataclasses import asdict, dataclass

import torch
from torch import Tensor, nn

from models_store.recipe import Recipe
from training.errors import CheckpointRejected, TrainingDiverged
from training.fit import checkpoint, precision
from training.fit.batches import Batch
from training.fit.divergence import Watch
from training.fit.epoch import Epoch
from training.fit.losses import of_answers, unlike
from training.fit.material import Material
from training.fit.optimise import Rates, optimizer, set_learning
from training.fit.runtime import Runtime


@dataclass(frozen=True)
class Fitted:
    """What to publish (the moving average, the best epoch or the last weights), and how it came about."""

    net: nn.Module
    epochs: tuple[Epoch, ...]
    precision: torch.dtype


# Of an epoch; the last is of the very first batch alone. What is watched has no penalty for large weights.
_SUMS = ("loss", "read right", "rows that show a label", "watched loss", "first watched loss")


class Learner:
    """What a checkpoint keeps, and the step that changes it."""

    def __init__(self, net: nn.Module, material: Material, recipe: Recipe, runtime: Runtime, steps: int) -> None:
        """`steps` are those of an epoch. Trains `net` in place."""
        spec, picture, device = recipe.train, recipe.input, runtime.device
        self._spec, self._material, self._device, self._world = spec, material, device, runtime.world
        self._net = net.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        set_learning(self._net, spec, 1)  # what is frozen costs nothing, so the formats are tried as they will be used
        dtype = precision.choose(self._net, spec, picture, device, timed=not recipe.deterministic)
        bf16 = torch.tensor([dtype is torch.bfloat16], device=device)
        self._half = bool(self._world.told(bf16))  # processes may have timed differently
        self.average = copy.deepcopy(self._net).eval() if spec.ema else self._net
        self._mean, self._std = (torch.tensor(v, device=device).view(1, -1, 1, 1) for v in (picture.mean, picture.std))
        self._optimizer = optimizer(self._net, spec)
        self._rates = Rates(self._optimizer, spec, steps)
        self._steps, self._step = steps, 0
        self._sums = torch.zeros(len(_SUMS), device=device)
        self._watch, self._labels = Watch(spec, material, steps), 0  # the first batch says how many
        self._best: tuple[float, dict[str, Tensor]] = float("inf"), {}  # validation loss, and the weights that had it
        self.history: list[Epoch] = []

    @property
    def done(self) -> bool:
        """All epochs are over, or the validation loss has not improved for the recipe's `patience` of them."""
        return len(self.history) >= self._spec.epochs or _waited(self.history, self._spec.patience)

    def begin_epoch(self, number: int) -> nn.Module:
        """The net as this epoch trains it, averaging its gradients over all processes."""
        self._step = (number - 1) * self._steps
        self._sums.zero_()
        set_learning(self._net, self._spec, number)
        return self._world.averaged(self._net)

    def step(self, module: nn.Module, batch: Batch) -> float:
        """Learns from one batch; the learning rate that it had."""
        inputs = ((batch.pictures - self._mean) / self._std).contiguous(memory_format=torch.channels_last)
        with torch.autocast(self._device.type, torch.bfloat16, enabled=self._half):
            logits = module(inputs)
        self._labels = logits.shape[1]
        watched = self._of_answers(logits, batch)
        loss = watched + self._l1() if self._spec.l1 else watched
        rate = self._rates.set(self._step)
        self._optimizer.zero_grad()
        loss.backward()
        if self._spec.clip:
            nn.utils.clip_grad_norm_(self._net.parameters(), self._spec.clip)
        self._optimizer.step()
        self._step += 1
        if self.average is not self._net:
            young = (1 + self._step) / (10 + self._step)  # young averages forget their start
            _follow(self.average, self._net, min(self._spec.ema, young))
        with torch.no_grad():
            known = (batch.truth >= 0).sum()
            right = (logits[: len(batch.truth)].argmax(1) == batch.truth).sum()
            first = watched if self._step == 1 else torch.zeros_like(watched)
            self._sums += torch.stack([loss * known, right, known, watched * known, first])
        return rate

    def _of_answers(self, logits: Tensor, batch: Batch) -> Tensor:
        """What the answers cost, against the labels and a teacher."""
        labelled, distillation = len(batch.truth), self._material.distillation
        loss = of_answers(logits[:labelled].float(), batch.truth, self._spec)
        if self._material.teacher_of_replay is not None:
            asked = self._material.teacher_of_replay
            loss = loss + asked.weight * unlike(logits[labelled:].float(), asked.teacher(batch.pictures[labelled:]))
        elif distillation is not None:
            taught = unlike(logits.float(), distillation.teacher(batch.pictures))
            loss = (1 - distillation.weight) * loss + distillation.weight * taught
        return loss

    def _l1(self) -> Tensor:
        sizes = (p.abs().sum() for p in self._net.parameters() if p.dim() > 1)
        return self._spec.l1 * sum(sizes, torch.zeros((), device=self._device))

    def end_epoch(self, rate: float, seconds: float, validated: tuple[float, float] | None) -> None:
        """Notes the epoch's numbers; `validated` are loss and accuracy on the validation rows. Raises
        TrainingDiverged."""
        number = len(self.history) + 1
        loss_sum, right, seen, watched, first = self._world.summed(self._sums)
        if not all(map(math.isfinite, (loss_sum.item(), *(validated or ())))):
            raise TrainingDiverged(f"The loss left the finite numbers in epoch {number}: lower train.learning_rate.")
        loss, accuracy = (loss_sum / seen).item(), (right / seen).item()
        self.history.append(Epoch(number, self._spec.epochs, loss, accuracy, rate, seconds, *(validated or ())))
        self._watch.look(number, self._labels, first.item() / self._world.size, (watched / seen).item())
        self._rates.epoch_ended(validated[0] if validated else None)
        if validated and self._spec.patience and validated[0] < self._best[0]:
            self._best = validated[0], copy.deepcopy(self.average.state_dict())

    def state(self) -> checkpoint.State:
        """What a checkpoint keeps."""
        return {
            "net": self._net.state_dict(), "average": self.average.state_dict(),
            "improver": self._optimizer.state_dict(), "rates": self._rates.state_dict(),
            "best": {"loss": self._best[0], "weights": self._best[1]},
            "history": [asdict(epoch) for epoch in self.history], "half": self._half,
            "watched": self._watch.losses,
        }  # fmt: skip

    def go_on_from(self, state: checkpoint.State) -> None:
        """Takes back what `state` gave, also in an earlier release. Raises CheckpointRejected for another recipe's."""
        try:
            self._net.load_state_dict(state["net"])
            self.average.load_state_dict(state["average"])
            self._optimizer.load_state_dict(state["improver"])
            self._rates.load_state_dict(state["rates"])
            self._best = state["best"]["loss"], state["best"]["weights"]
            self.history = [Epoch(**facts) for facts in state["history"]]
            self._half = bool(state["half"])
            self._watch.losses = list(state.get("watched", []))  # which an earlier release did not keep
        except (KeyError, TypeError, ValueError, RuntimeError):
            raise CheckpointRejected("The checkpoint is another recipe's. Repeat the command with --fresh.") from None

    def finished(self) -> Fitted:
        """The net to publish. Raises TrainingDiverged."""
        if self._best[1]:
            self.average.load_state_dict(self._best[1])
        if not all(bool(torch.isfinite(weights).all()) for weights in self.average.state_dict().values()):
            raise TrainingDiverged("The last steps left the finite numbers: lower train.learning_rate.")
        dtype = torch.bfloat16 if self._half else torch.float32
        return Fitted(self.average.requires_grad_(True).eval(), tuple(self.history), dtype)


def _waited(history: list[Epoch], patience: int) -> bool:
    """Whether the validation loss has not improved for `patience` epochs."""
    losses = [epoch.validation_loss or 0.0 for epoch in history]
    return bool(patience and losses) and len(losses) - 1 - losses.index(min(losses)) >= patience


@torch.no_grad()
def _follow(average: nn.Module, net: nn.Module, decay: float) -> None:
    """Polyak averaging; batch norms' running numbers are averaged along, counters copied."""
    for mine, theirs in zip(average.state_dict().values(), net.state_dict().values(), strict=True):
        if mine.dtype.is_floating_point:
            mine.lerp_(theirs, 1 - decay)
        else:
            mine.copy_(theirs)
