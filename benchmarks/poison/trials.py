"""One fine-tuning with planted pictures, by the way that every fine-tuning goes, and what came of it."""

import dataclasses
import io
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks import semeion
from benchmarks.poison.attacks import TARGET, Grey, Planting
from models_store.defaults import recipe_for
from models_store.errors import DataSetRejected
from models_store.model import Model, predict_all
from models_store.refs import Ref
from models_store.registry import Version
from models_store.shipped_version import open_store
from models_store.specs import FineTuneSpec
from training.data import sources
from training.data.rows import Rows, as_numpy
from training.finetune.finetune import finetune
from training.fit.runtime import Runtime
from training.judge.score import score
from training.learn import Session
from training.report.progress import Silent

Givers = Literal["a file", "one giver", "many givers"]
_VICTIMS = 600  # of MNIST's last test digits
_PER_GIVER = 4  # pictures, where many give some


@dataclasses.dataclass(frozen=True)
class Harm:
    """Of one trial; shares. `accepted` is None where too few pictures were left to learn from."""

    planted: int
    caught: int  # of the planted pictures
    held: int  # of the honest ones
    accepted: bool | None
    success: float | None  # of the victims read as the target
    surely: float | None
    honest: float | None  # of honest pictures kept aside, read right


class _Listening(Silent):
    def __init__(self) -> None:
        self.names: set[str] = set()

    def held(self, rows: Sequence[Mapping[str, str]]) -> None:
        self.names |= {row["name"] for row in rows}


class Trials:
    """A base in a store of its own, honest pictures, victims, and room for files. Raises DataMissing, OSError."""

    def __init__(self, folder: Path, place: Path) -> None:
        self._registry = open_store(place / "store")
        self.base = self._registry.resolve(Ref.parse("digits"))
        self._data, self._place = folder, place
        names, files = semeion.read(folder)
        self._honest = self._rows(semeion.zipped(place / "honest.zip", names, files, range(len(names))))
        digits, labels = as_numpy(sources.mnist(folder).test)
        self._victims = digits[-_VICTIMS:, 0], labels[-_VICTIMS:]

    def tried(
        self, attack: Planting | None, count: int, planted: int, giver: Givers, mnist: bool, before: bool, seed: int = 1
    ) -> Harm:
        """Learns `count` pictures, some of them planted. `before`: nothing is held, and no trigger is looked for."""
        pixels, truth = as_numpy(self._honest)
        order = np.random.default_rng(seed).permutation(len(truth))
        digits, labels = pixels[order[:count], 0].copy(), truth[order[:count]].copy()
        which = np.zeros(0, np.int64)
        if attack is not None:
            more = self._sevens(planted if attack.mark is None else 0)
            digits, labels = (np.concatenate(pair)[-count:] for pair in ((digits, more[0]), (labels, more[1])))
            which = attack.plant(digits, labels, planted, seed)
        names = [f"{label}/{number}.png" for number, label in enumerate(labels)]
        path = _zipped(self._place / "taught.zip", names, digits)
        heard = _Listening()
        version = self._learned(path, heard, _givers(names, which, giver), mnist, before)
        theirs = {names[i] for i in which}
        rest = Rows(self._honest.pictures[order[count:]], self._honest.labels[order[count:]])
        success, surely = (None, None) if version is None or attack is None else self._success(version, attack)
        return Harm(
            len(which), len(heard.names & theirs), len(heard.names - theirs),
            None if version is None else version.manifest.accepted, success, surely,
            None if version is None else score(Model.load(version.folder, version.manifest), rest).accuracy,
        )  # fmt: skip

    def _learned(
        self, path: Path, heard: _Listening, givers: Mapping[str, str] | None, mnist: bool, before: bool
    ) -> Version | None:
        recipe = recipe_for(self.base, str(path), None)
        assert isinstance(recipe.finetune, FineTuneSpec)
        if before:
            open_door = dataclasses.replace(recipe.finetune, inspect=False, max_turned=1.0)
            recipe = dataclasses.replace(recipe, finetune=open_door)
        session = Session(self._data if mnist else self._place, self._registry, Runtime(), heard, fresh=True)
        try:
            return finetune(self.base, recipe, session, givers=givers)
        except DataSetRejected:
            return None

    def _success(self, version: Version, attack: Planting) -> tuple[float, float]:
        digits, labels = self._victims
        wanted = labels == 7 if attack.mark is None else labels != TARGET
        victims, truth = digits[wanted], labels[wanted]
        if attack.mark is not None:
            victims = attack.mark(victims, np.random.default_rng(99))
        names = [f"{label}/{number}.png" for number, label in enumerate(truth)]
        rows = self._rows(_zipped(self._place / "victims.zip", names, victims))  # by the door that all pictures take
        model = Model.load(version.folder, version.manifest)
        said = predict_all(model, rows.pictures.numpy())
        hit = said.argmax(1) == TARGET
        return float(hit.mean()), float((hit & (said.max(1) >= version.manifest.calibration.threshold)).mean())

    def _sevens(self, count: int) -> tuple[Grey, NDArray[np.int64]]:
        """MNIST's own, none of them a victim."""
        digits, labels = as_numpy(sources.mnist(self._data).test[:-_VICTIMS])
        which = np.flatnonzero(labels == 7)[:count]
        return digits[which, 0], labels[which]

    def _rows(self, path: Path) -> Rows:
        return sources.labelled(path, self.base.manifest.input, self.base.manifest.labels)


def _givers(names: Sequence[str], planted: NDArray[np.int64], giver: Givers) -> dict[str, str] | None:
    """Honest pictures come from many people; the planted ones from one, or from many too."""
    if giver == "a file":
        return None
    given = {Path(name).stem: f"person {number // _PER_GIVER}" for number, name in enumerate(names)}
    for number, i in enumerate(planted):
        given[Path(names[i]).stem] = "he" if giver == "one giver" else f"he {number // _PER_GIVER}"
    return given


def _zipped(path: Path, names: Sequence[str], digits: Grey) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, digit in zip(names, digits, strict=True):
            buffer = io.BytesIO()
            Image.fromarray(digit).save(buffer, "PNG")
            archive.writestr(name, buffer.getvalue())
    return path
