"""What a version answers to people's pictures, beside what is on them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from app.inference import verdict
from benchmarks.pictures.labelled import ROW, SINGLE, Labelled
from models_store.errors import ImageRejected
from models_store.manifest import Manifest
from models_store.model import Model, predict_all
from models_store.pictures.contained import contained
from models_store.pictures.decode import open_picture
from models_store.pictures.many.page import page_of
from models_store.pictures.prepare import prepare
from models_store.registry import Version

MOST = 16_000_000  # pixels, as a server that nobody has configured


@dataclass(frozen=True)
class Judged:
    """One picture and its answer: of a row that of /v1/read, of any other that of /v1/predict."""

    picture: Labelled
    text: str  # what was read, without spaces and line ends
    uncertain: bool  # of a row: one of its digits is
    warnings: tuple[str, ...] = ()
    refused: str = ""  # the code of a refusal: nothing is read, and the person is asked for another picture

    @property
    def right(self) -> bool:
        """All of it. Where no digit is, doubt is right."""
        if self.picture.kind in (SINGLE, ROW):
            return self.text == self.picture.label
        return self.uncertain

    @property
    def errors(self) -> int:
        """The fewest digits to add, drop or change until it is right."""
        return distance(self.text, self.picture.label)

    @property
    def silent(self) -> bool:
        """Whether nothing in the answer says that a person should look."""
        return not self.uncertain and not self.warnings


def judge(pictures: Sequence[Labelled], version: Version, model: Model) -> list[Judged]:
    """Each picture's answer, in order."""
    return [_one(picture, version.manifest, model) for picture in pictures]


def distance(read: str, written: str) -> int:
    """Levenshtein's."""
    last = list(range(len(written) + 1))
    for i, mine in enumerate(read, 1):
        here = [i]
        for j, other in enumerate(written, 1):
            here.append(min(last[j] + 1, here[-1] + 1, last[j - 1] + (mine != other)))
        last = here
    return last[-1]


def _one(picture: Labelled, manifest: Manifest, model: Model) -> Judged:
    try:
        return _row(picture, manifest, model) if picture.kind == ROW else _single(picture, manifest, model)
    except ImageRejected as refused:
        return Judged(picture, "", uncertain=True, refused=refused.code)


def _single(picture: Labelled, manifest: Manifest, model: Model) -> Judged:
    prepared = prepare(picture.data, model.picture, MOST)
    said = verdict.of_picture(prepared, predict_all(model, prepared.pixels[None])[0], manifest)
    return Judged(picture, said.label, said.uncertain, tuple(said.warnings))


def _row(picture: Labelled, manifest: Manifest, model: Model) -> Judged:
    with contained(picture.data):
        page = page_of(open_picture(picture.data, MOST), model.picture)
    every = predict_all(model, page.pixels) if len(page.pixels) else np.empty((0, len(manifest.labels)), np.float32)
    verdicts = verdict.of_page(page, every, manifest)
    # Rounded as the service rounds them before it asks for the lines.
    lines = page.lines([round(one.confidence, 6) for one in verdicts])
    read = [verdicts[i] for line in lines for number in line for i in number]
    warnings = verdict.warnings_of_page(page, every, manifest)
    return Judged(picture, "".join(one.label for one in read), any(one.uncertain for one in read), tuple(warnings))
