"""Which candidate of a version serves on this machine: the quickest one that gives the version's own answers."""

import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
import torch

from models_store.errors import ManifestMismatch
from models_store.files import PROBES, Probabilities, read_probes
from models_store.manifest import Manifest
from models_store.model.model import PLAIN, Model, predict_all
from models_store.model.processor import Processor

_TRIAL = (1, 64)  # the sizes by which candidates are compared
_TOLERANCE = 0.05  # of a probability: another CPU rounds differently, another model differs more
_ROUNDS = 2  # in which candidates are timed in turn: what else the machine does must not meet one of them alone

PassedOver = Callable[[str, str], None]  # is told of a candidate that does not serve here, and why: a sentence


def load_fastest(
    folder: Path,
    manifest: Manifest,
    device: str = "cpu",
    known: str | None = None,
    *,
    processor: Processor | None = None,
    passed_over: PassedOver = lambda candidate, why: None,
    clock: Callable[[], float] = time.perf_counter,
) -> Model:
    """The quickest candidate that gives the version's own answers to its probes, warmed up.

    `known` was it before, on this machine: where it still gives these answers, no other is tried. Every byte of the
    version is checked first. Raises VersionCorrupt, ManifestMismatch where even the plain candidate answers differently
    here, and torch.OutOfMemoryError where a card has no room for it.
    """
    manifest.check_files(folder)
    pictures, expected = read_probes(manifest.read_file(folder, PROBES))
    processor = processor or Processor.here()

    def tried(candidate: str) -> Model | str:
        if candidate == "int8" and processor.why_not is not None:
            return processor.why_not
        try:
            model = Model.load(folder, manifest, candidate, device, processor=processor, clock=clock)
            model.warm_up(_TRIAL)
            answers = predict_all(model, pictures)
        except torch.OutOfMemoryError:
            raise
        except (ManifestMismatch, RuntimeError):  # an int8 kernel that this CPU or GPU does not have
            return f"torch can't compute it on {device} here."
        if answers.shape[1] != len(manifest.labels):
            return f"It has {answers.shape[1]} outputs for {len(manifest.labels)} labels."
        return model if agrees(answers, expected) else "It gives other answers to the probes here."

    def agreeing_of(candidates: Iterable[str]) -> list[Model]:
        found = []
        for candidate in candidates:
            model = tried(candidate)
            if isinstance(model, Model):
                found.append(model)
            else:
                passed_over(candidate, model)
        return found

    for model in agreeing_of([known] if known is not None and known in manifest.candidates else []):
        model.warm_up()
        return model
    agreeing = agreeing_of(manifest.candidates)
    if not any(model.candidate == PLAIN for model in agreeing):
        raise ManifestMismatch("This version does not give its own answers to its probes on this machine.")
    fastest = quickest(agreeing)
    fastest.warm_up()
    return fastest


def quickest(models: Sequence[Model]) -> Model:
    """The warm model that takes the least time per picture, whatever else the machine does meanwhile."""
    rounds = [[model.seconds_per_picture() for model in models] for _ in range(_ROUNDS)]
    return models[int(np.argmin(np.min(rounds, axis=0)))]


def agrees(answers: Probabilities, expected: Probabilities) -> bool:
    """Same labels, and no probability further off than rounding explains."""
    if answers.shape != expected.shape:
        return False
    same = bool((answers.argmax(1) == expected.argmax(1)).all())
    return same and bool(np.abs(answers - expected).max() <= _TOLERANCE)
