"""Model: one candidate of one version, loaded."""

import io
import itertools
import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from models_store.errors import ManifestMismatch
from models_store.files import Pixels, Probabilities
from models_store.manifest import Manifest
from models_store.model.processor import Processor, plain_execution
from models_store.specs import InputSpec

PLAIN = "fp32"  # the candidate in model.pt that every other one must agree with
# Batch sizes that a net ever sees: oneDNN compiles its kernels for each size, in 4 ms and 0.8 MiB of memory.
BUCKETS = (1, 2, 4, 8, 16, 24, 32, 48, 64, 96, 128)
_BATCH_SECONDS = 0.25  # what a batch may cost, so that a picture that comes meanwhile does not wait for long
_BATCH_BYTES = 16 * 2**20  # of its pictures in float32: a large net makes ten times as much of them on the way
_TRIALS = 4  # timed runs per size, of which the quickest counts, because noise only ever adds ...
_TRIAL_SECONDS = 0.25  # ... or fewer, because runs that fill this time differ little
_LEAST_STEPS, _MOST_STEPS = 32, 256  # of the path along which an explanation adds up gradients
_CHUNK_ROWS = 500  # of many small pictures at a time


class Model:
    """Ready to predict on one device. Threads may share it."""

    def __init__(
        self,
        module: torch.nn.Module,
        manifest: Manifest,
        candidate: str,
        device: torch.device,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self.labels = manifest.labels
        self.candidate = candidate
        self.device = device.type
        self.picture = manifest.input
        self.largest_batch = BUCKETS[-1]  # rows; `warm_up` knows better
        self._module = module
        self._device = device
        self._clock = clock
        self._temperature = manifest.calibration.temperature

    @classmethod
    def load(
        cls,
        folder: Path,
        manifest: Manifest,
        candidate: str = PLAIN,
        device: str = "cpu",
        *,
        processor: Processor | None = None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> "Model":
        """Reads one candidate of the version in `folder`, without warming it up.

        Files that the manifest lists are checked against it; one without `files` is a draft, still being made. Raises
        VersionCorrupt, ManifestMismatch where this machine cannot run the candidate, and torch.OutOfMemoryError where a
        card has no room for it. int8 is packed for `processor`, this machine's by default.
        """
        if candidate not in manifest.candidates:
            raise ManifestMismatch(f"This version has no candidate {candidate}: {', '.join(manifest.candidates)}.")
        file = manifest.candidates[candidate].file
        plain_execution()
        if candidate == "int8":
            (processor or Processor.here()).use()
        data = manifest.read_file(folder, file) if manifest.files else (folder / file).read_bytes()
        target = torch.device(device)
        try:
            module = torch.jit.load(io.BytesIO(data), map_location=target).eval()
        except torch.OutOfMemoryError:
            raise
        except (RuntimeError, ValueError):
            raise ManifestMismatch(f"{file} cannot be loaded by torch {torch.__version__} on {device}.") from None
        return cls(module, manifest, candidate, target, clock)

    @torch.inference_mode()
    def predict(self, pixels: Pixels) -> Probabilities:
        """uint8 [N, C, H, W] -> float32 [N, labels], each row sums to 1, calibrated by the temperature.

        Empty pictures fill the batch up to the next bucket.
        """
        if pixels.dtype != np.uint8 or pixels.shape[1:] != self.picture.shape:
            raise ValueError(f"expected uint8 [N, {self.picture.shape}], got {pixels.dtype} {pixels.shape}")
        count = len(pixels)
        if count not in BUCKETS or not pixels.flags.carray:  # torch wants to be able to write, and no turned rows
            filled = np.zeros((_bucket(count), *self.picture.shape), np.uint8)
            filled[:count] = pixels
            pixels = filled
        batch = torch.from_numpy(pixels).to(self._device).float().div_(255)
        logits = self._module(batch)[:count].float()
        probabilities: Probabilities = torch.softmax(logits / self._temperature, dim=1).cpu().numpy()
        return probabilities

    def explain(self, pixels: Pixels) -> tuple[int, NDArray[np.float32]]:
        """The index of a picture's label, and how much each pixel speaks for it: uint8 [C, H, W] -> float32 [H, W].

        Integrated gradients (Sundararajan, Taly and Yan 2017, arXiv:1703.01365) of the label's logit against the mean
        of all logits, from an empty ground to the picture: their sum is what the ink has changed. Only the plain
        candidate has gradients.
        """
        assert self.candidate == PLAIN, "int8 and bfloat16 have no gradients worth showing"
        picture = torch.from_numpy(np.array(pixels)).to(self._device).float().div_(255)
        label = int(self._module(picture[None]).argmax())
        rows = _rows(self.picture)
        count = min(max(rows, _LEAST_STEPS), _MOST_STEPS)  # of a large picture fewer: there they cost seconds
        slopes = torch.zeros_like(picture)
        for steps in ((torch.arange(count, device=self._device) + 0.5) / count).split(rows):
            path = (steps.view(-1, 1, 1, 1) * picture).requires_grad_()
            logits = self._module(path).float()
            slopes += torch.autograd.grad((logits[:, label] - logits.mean(1)).sum(), path)[0].sum(0) / count
        saliency = (slopes * picture).sum(0).detach().cpu().numpy()
        return label, np.asarray(saliency, np.float32)

    def warm_up(self, sizes: Sequence[int] = BUCKETS) -> None:
        """Runs batches of these sizes three times each: the first calls compile and take 50 ms, later ones do not.

        Ends before the size that would take more time or memory than a batch may, and keeps the last one as
        `largest_batch`.
        """
        for size, larger in itertools.pairwise((*sizes, 2 * sizes[-1])):
            if size > _rows(self.picture):
                break
            batch = np.zeros((size, *self.picture.shape), np.uint8)
            seconds = min(self._timed(batch) for _ in range(3))
            if size == sizes[0] or seconds <= _BATCH_SECONDS:
                self.largest_batch = size
            if seconds * larger / size > _BATCH_SECONDS:  # twice the rows cost about twice as much
                break

    def seconds(self, size: int) -> float:
        """How long a batch of `size` takes on this machine: the quickest of a few trials of a warm model."""
        batch = np.zeros((size, *self.picture.shape), np.uint8)
        times: list[float] = []
        while len(times) < _TRIALS and sum(times) < _TRIAL_SECONDS:
            times.append(self._timed(batch))
        return min(times)

    def seconds_per_picture(self) -> float:
        """Geometric mean over batches of 1 and 64, or the largest. For choosing between candidates only."""
        many = min(64, self.largest_batch)
        return math.sqrt(self.seconds(1) * self.seconds(many) / many)

    def _timed(self, batch: Pixels) -> float:
        began = self._clock()
        self.predict(batch)
        return self._clock() - began


def predict_all(model: Model, pixels: Pixels, size: int | None = None) -> Probabilities:
    """`predict` for more pictures than fit one batch, in order; `size` at a time, or as many as memory bears."""
    size = size or min(_CHUNK_ROWS, _rows(model.picture))
    return np.concatenate([model.predict(pixels[i : i + size]) for i in range(0, len(pixels), size)])


def _bucket(count: int) -> int:
    """The smallest bucket that holds so many pictures; as many as there are where none does."""
    return next((size for size in BUCKETS if size >= count), count) if count else 0


def _rows(picture: InputSpec) -> int:
    """How many pictures memory bears in one batch: a bucket, or more than any."""
    rows = max(1, _BATCH_BYTES // (4 * math.prod(picture.shape)))
    return rows if rows > BUCKETS[-1] else max(size for size in BUCKETS if size <= rows)
