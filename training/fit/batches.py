"""Cuts an epoch's batches out of one uint8 tensor of all pictures, and augments each."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from models_store.recipe import Recipe
from training.fit.augment import bend, edges_of
from training.fit.material import Material
from training.fit.mixup import blended
from training.fit.runtime import Runtime


@dataclass(frozen=True)
class Batch:
    """Augmented pictures, float32 [N, C, H, W] in 0..1, and the labels of the first ones, int64 [n].

    The N - n last ones have no label here: a teacher is asked about them.
    """

    pictures: Tensor
    truth: Tensor


class Batches:
    """The batches of one training, in this process."""

    def __init__(self, material: Material, recipe: Recipe, runtime: Runtime) -> None:
        self._material = material
        self._recipe = recipe
        self._device, self._world = runtime.device, runtime.world
        self._pictures = material.rows.pictures.to(runtime.device)
        self._labels = material.rows.labels.to(runtime.device)
        self._edges = edges_of(recipe.input)
        self._steps = -(-len(self._labels) // recipe.train.batch_size)

    def __len__(self) -> int:
        """Steps of an epoch, as schedules and checkpoints have always counted them: a short last batch counts, also
        where it joins its neighbour."""
        return self._steps

    def of_epoch(self, number: int) -> Iterator[Batch]:
        """All rows in the epoch's own random order: a resumed training draws what the unbroken one would have drawn."""
        seed, size = self._recipe.seed, self._recipe.train.batch_size
        order = torch.randperm(len(self._labels), generator=torch.Generator().manual_seed(_seed(seed, number)))
        torch.manual_seed(_seed(seed, number, 1 + self._world.rank))  # augmentation and dropout: each process its own
        for whole in _cut(order, size, self._world.size):
            index = self._world.share(whole).to(self._device)
            yield self._augmented(self._pictures[index], self._labels[index])

    def _augmented(self, pictures: Tensor, truth: Tensor) -> Batch:
        replay = self._material.replay
        if replay is not None:
            extra = torch.randint(len(replay.rows), (replay.per_batch,))
            labelled = replay.per_batch // 2 if self._material.teacher_of_replay else replay.per_batch
            pictures = torch.cat([pictures, replay.rows.pictures[extra].to(self._device)])
            truth = torch.cat([truth, replay.rows.labels[extra[:labelled]].to(self._device)])
        pictures = bend(pictures.float() / 255, self._recipe.augment, self._edges)
        if self._material.teacher_of_replay:
            pictures = torch.cat([pictures[: len(truth)], blended(pictures[len(truth) :])])
        return Batch(pictures, truth)


def _cut(order: Tensor, size: int, processes: int) -> list[Tensor]:
    # A last batch of one row for a process has no variance for a batch norm: it joins its neighbour.
    cuts = list(order.split(size))
    if len(cuts) > 1 and len(cuts[-1]) < 2 * processes:
        cuts[-2:] = [torch.cat(cuts[-2:])]
    return cuts


def _seed(seed: int, epoch: int, stream: int = 0) -> int:
    """A seed of its own for every epoch and stream of random numbers."""
    return (seed * 1_000_003 + epoch) * 1_009 + stream
