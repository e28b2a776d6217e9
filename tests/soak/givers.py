"""People who give something that must not be lost: data sets and corrections. Some of it they change or take back."""

import hashlib
import io
import itertools
import random
import zipfile

import numpy as np

from tests.soak.ledger import GONE, Ledger
from tests.soak.people import FEEDBACK, FILES, Person, Seen
from tests.soak.server import Server
from tests.support.pictures import png
from training.synthetic import strokes

_PAUSE = (0.5, 2.0)  # seconds from one act to the next
_CHANGED = 0.3  # the share of acts that change or take back what was given before


class Giver(Person):
    """What both have in common."""

    kind = ""

    def __init__(self, server: Server, seen: Seen, source: str, seed: str) -> None:
        super().__init__(server, seen, source)
        self.random = random.Random(seed)
        self.drawn = np.random.default_rng(abs(hash(seed)) % 2**32)
        self.numbers = itertools.count(1)

    def picture(self, label: int) -> bytes:
        """One that nobody else has given."""
        return png(strokes.unit(label, self.drawn))

    def delete(self, ledger: Ledger, path: str) -> None:
        """Takes one back that is certainly there."""
        certain = ledger.certain()
        if not certain:
            return
        name = self.random.choice(certain)
        ledger.asked(name, GONE)
        answer = self.ask(self.kind, "DELETE", f"{path}/{name}")
        if answer is not None and self.expect(self.kind, answer, 200):
            ledger.told(name, GONE)


class Uploader(Giver):
    """Uploads small data sets, each of its own, and deletes some."""

    kind = "uploads"

    def act(self) -> None:
        if not self.rest(*_PAUSE, self.random):
            return
        if self.random.random() < _CHANGED:
            self.delete(self.seen.files, FILES)
            return
        data = io.BytesIO()
        with zipfile.ZipFile(data, "w") as archive:
            for label in range(10):
                archive.writestr(f"{label}/{next(self.numbers)}.png", self.picture(label))
        answer = self.ask(
            self.kind, "POST", FILES, files={"file": ("x.zip", data.getvalue())}, data={"purpose": "fine-tune"}
        )
        if answer is not None and self.expect(self.kind, answer, 200):
            self.seen.files.told(answer.json()["id"], hashlib.sha256(data.getvalue()).hexdigest())


class Corrector(Giver):
    """Corrects readings, changes its mind about some labels, and takes some back."""

    kind = "corrections"

    def __init__(self, server: Server, seen: Seen, source: str, seed: str) -> None:
        super().__init__(server, seen, source, seed)
        self._pictures: dict[str, bytes] = {}

    def act(self) -> None:
        if not self.rest(*_PAUSE, self.random):
            return
        chance, label = self.random.random(), self.random.randrange(10)
        certain = self.seen.corrections.certain()
        if chance < _CHANGED / 2:
            self.delete(self.seen.corrections, FEEDBACK)
        elif chance < _CHANGED and certain:
            name = self.random.choice(certain)
            self.seen.corrections.asked(name, str(label))
            self._give(self._pictures[name], label)
        else:
            self._give(self.picture(label), label)

    def _give(self, picture: bytes, label: int) -> None:
        answer = self.ask(
            self.kind,
            "POST",
            FEEDBACK,
            files={"file": ("x.png", picture)},
            data={"label": str(label), "model": "digits"},
        )
        if answer is not None and self.expect(self.kind, answer, 200, 201):
            name = str(answer.json()["id"])
            self._pictures[name] = picture
            self.seen.corrections.told(name, str(label))
