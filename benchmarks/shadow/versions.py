"""Real versions to be compared: the shipped one, and small nets that are trained here in a minute."""

import dataclasses
import itertools
from pathlib import Path

from models_store.refs import Ref
from models_store.registry import Registry, Version
from models_store.shipped_version import open_store
from training.commands import read_recipe
from training.fit.runtime import Runtime
from training.learn import Session
from training.report.progress import Silent
from training.train import train

_EPOCHS = 1  # of the five that the recipe asks for: they differ in enough of ten thousand digits
_SEEDS = (1, 2, 3)  # in which the small nets differ


def published(folder: Path, data: Path) -> tuple[Registry, Version, tuple[Version, Version]]:
    """A store, the shipped version in it, and two more that are equal: of three nets of the recipe `mlp` those two that
    read the most similar shares of MNIST's test digits. Raises DataMissing.
    """
    registry = open_store(folder)
    shipped = registry.resolve(Ref("digits"))
    usual = read_recipe("mlp")
    small = []
    for seed in _SEEDS:
        recipe = dataclasses.replace(
            usual,
            seed=seed,
            publish_to=shipped.name,
            input=shipped.manifest.input,
            train=dataclasses.replace(usual.train, epochs=_EPOCHS, schedule="triangle"),
            calibration=dataclasses.replace(usual.calibration, held_out=0),
        )
        version = train(recipe, Session(data, registry, Runtime(), Silent()))
        assert version is not None, "one process trains"
        small.append(version)
    pairs = itertools.combinations(small, 2)
    return registry, shipped, min(pairs, key=lambda pair: abs(_accuracy(pair[0]) - _accuracy(pair[1])))


def _accuracy(version: Version) -> float:
    return version.manifest.metrics["accuracy"]
