"""KnownFastest: which candidate of a version was the quickest on this machine, kept from one start to the next.

It only saves trying: what is kept is checked on the version's probes before it serves, and where nothing can be read or
written, all candidates are tried as ever.
"""

import contextlib
import hashlib
import json
import os
import platform
import time
from collections.abc import Callable
from pathlib import Path

import torch

from app.storage import private
from models_store.manifest import Manifest

_MOST = 64  # versions that are kept, the newest
_KEPT_SECONDS = 7 * 86_400.0  # a trial that something disturbed is not believed for ever
_LARGEST = 65_536  # bytes that are read: ours has a tenth of that
_ABOUT_A_CPU = (
    "vendor_id",
    "model name",
    "stepping",
    "flags",
    "CPU implementer",
    "CPU part",
    "CPU variant",
    "Features",
)

Known = dict[str, tuple[str, float]]  # facts that decide -> the candidate, and since when (Unix time)


class KnownFastest:
    """A small file that the API processes of a machine share, for one device. Several machines may share it too."""

    def __init__(self, state_dir: Path, device: str, clock: Callable[[], float] = time.time) -> None:
        """Lies in `state_dir`, and makes nothing there before something is kept."""
        self._file = state_dir / private.CANDIDATES
        self._device = device
        self._clock = clock

    def get(self, manifest: Manifest) -> str | None:
        """The candidate of this version that was the quickest here within a week."""
        candidate, since = self._read().get(self._key(manifest), ("", 0.0))
        return candidate if 0 <= self._clock() - since < _KEPT_SECONDS else None

    def keep(self, manifest: Manifest, candidate: str) -> None:
        """Notes what was found by trying. Of two processes that write at once one counts."""
        known = {**self._read(), self._key(manifest): (candidate, self._clock())}
        newest = sorted(known.items(), key=lambda entry: entry[1][1])[-_MOST:]
        beside = self._file.with_name(f"{self._file.name}.{os.getpid()}")
        with contextlib.suppress(OSError):  # a full disk, or one that may only be read
            beside.unlink(missing_ok=True)
            try:
                private.write(beside, json.dumps(dict(newest)).encode())
                beside.replace(self._file)
            finally:
                beside.unlink(missing_ok=True)

    def _read(self) -> Known:
        """What can be used of the file: anybody may have written into it."""
        try:
            with self._file.open("rb") as file:
                found = json.loads(file.read(_LARGEST))
            return {str(key): (str(one[0]), float(one[1])) for key, one in found.items()}
        except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
            return {}

    def _key(self, manifest: Manifest) -> str:
        card = torch.cuda.get_device_name() if self._device == "cuda" else ""
        facts = [manifest.digest, torch.__version__, platform.machine(), *_cpu(), self._device, card]
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


def _cpu() -> list[str]:
    """What the first core says that it is and can do, where there is Linux's /proc."""
    try:
        first = Path("/proc/cpuinfo").read_text(errors="replace").partition("\n\n")[0]
    except OSError:
        first = platform.processor()
    return [line for line in first.splitlines() if line.startswith(_ABOUT_A_CPU)] or [first]
