"""Pictures are read and corrected, versions are looked at and promoted: each method a generator of steps."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote

from digitserve.client.errors import Refused
from digitserve.client.exchange import Asking
from digitserve.client.learning import Model, Version
from digitserve.client.pictures import Picture, picture_bytes
from digitserve.client.readings import BadPicture, Box, Correction, Page, Prediction
from digitserve.client.steps import Ask, Repeat, Steps, Upload

MODELS = "/v1/models"
_MOST_PICTURES, _MOST_BYTES = 256, 8 * 2**20  # of one request: the server's defaults, and room for what is between
_WHERE_IT_IS = -1  # no version has this number


class Readers(Asking):
    """Asks for readings."""

    def predict(
        self,
        picture: Picture,
        *,
        model: str | None = None,
        top_k: int | None = None,
        prepared: bool = False,
        explain: bool = False,
    ) -> Steps[Prediction]:
        """Reads one picture: a path, bytes, an open file, a Pillow image or a numpy array.

        `model` is a name, name@alias or name@7; None: the server's own default. `top_k` keeps the most probable labels.
        """
        query = _query(model=model, top_k=top_k, prepared=prepared, explain=explain)
        answer = yield from self._exchange.document(_picture("/v1/predict", picture, query))
        return Prediction.of(answer, answer)

    def predict_many(
        self, pictures: Iterable[Picture], *, model: str | None = None, top_k: int | None = None
    ) -> Steps[tuple[Prediction | BadPicture, ...]]:
        """Reads many pictures, in as few requests as it takes; a bad one has a BadPicture in its place."""
        found: list[Prediction | BadPicture] = []
        for files in _portions(pictures):
            ask = Ask("POST", "/v1/predict/batch", _query(model=model, top_k=top_k), files=files)
            answer = yield from self._exchange.document(ask)
            for one in answer["predictions"]:
                bad = one.get("error")
                found.append(BadPicture(bad["code"], bad["message"]) if bad else Prediction.of(one, answer))
        return tuple(found)

    def read(
        self,
        picture: Picture,
        *,
        model: str | None = None,
        digits: int | None = None,
        check: str | None = None,
        regions: Iterable[Box] | None = None,
    ) -> Steps[Page]:
        """Reads all digits on one picture: a row, a form or a page.

        `digits` and `check` (such as "luhn", "isbn", "iban:DE") say what each line's number should be, `regions` where
        the numbers stand: see Number.expected.
        """
        where = None if regions is None else ";".join(f"{r.x},{r.y},{r.width},{r.height}" for r in regions)
        query = _query(model=model, digits=digits, check=check, regions=where)
        answer = yield from self._exchange.document(_picture("/v1/read", picture, query))
        return Page.of(answer)

    def correct(
        self, picture: Picture, label: str | int, *, model: str | None = None, read_as: str | None = None
    ) -> Steps[Correction]:
        """Says what a picture really shows. `model`: the ref that read it. The same picture again is kept once."""
        said = {"label": str(label), "model": model, "read_as": read_as}
        form = {name: text for name, text in said.items() if text is not None}
        files = (Upload("file", "picture", picture_bytes(picture)),)
        answer = yield from self._exchange.document(Ask("POST", "/v1/feedback", form=form, files=files))
        return Correction.of(answer)


class Catalog(Asking):
    """Looks at versions, and says which one serves."""

    def models(self) -> Steps[tuple[Model, ...]]:
        """All models of the server."""
        answer = yield from self._exchange.document(Ask("GET", MODELS))
        return tuple(Model.of(entry) for entry in answer["data"])

    def version(self, ref: str) -> Steps[Version]:
        """The version that `name`, `name@alias` or `name@7` points at."""
        answer = yield from self._exchange.document(Ask("GET", f"{MODELS}/{quoted(ref)}"))
        return Version.of(answer)

    def promote(
        self, ref: str, *, alias: str = "champion", expected: int | None = _WHERE_IT_IS
    ) -> Steps[Mapping[str, int]]:
        """Points an alias at a version such as `digits@3`, and gives where the model's aliases are now.

        Compare and swap: it moves only from `expected`, a number, or None where it must point nowhere; left out, from
        where it is when this is called. Raises Refused, code `alias_moved`, where somebody else was quicker.
        """
        name, _, number = ref.rpartition("@")
        if not name or not number.isdecimal():
            raise ValueError(f"{ref} names no version. Name it by its number, such as digits@3.")
        if expected == _WHERE_IT_IS:
            expected = yield from self._place(name, alias)
        path = f"{MODELS}/{quoted(name)}/aliases/{quoted(alias)}"
        ask = Ask("PUT", path, json={"version": int(number), "expected": expected})
        try:
            answer = yield from self._exchange.document(ask)
        except Refused as refusal:
            if not (refusal.code == "alias_moved" and refusal.may_be_done):
                raise
            if (yield from self._place(name, alias)) != int(number):
                raise
            answer = {"aliases": (yield from self._aliases(name))}  # it was done, and the word of it was lost
        return _aliases(answer)

    def rollback(self, name: str) -> Steps[Mapping[str, int]]:
        """The champion of a model and the one before it change places."""
        ask = Ask("POST", f"{MODELS}/{quoted(name)}/rollback", repeat=Repeat.UNSENT)
        return _aliases((yield from self._exchange.document(ask)))

    def _place(self, name: str, alias: str) -> Steps[int | None]:
        try:
            return (yield from self.version(f"{name}@{alias}")).number
        except Refused as refusal:
            if refusal.status == 404:
                return None
            raise

    def _aliases(self, name: str) -> Steps[Mapping[str, int]]:
        models = yield from self.models()
        return next((model.aliases for model in models if model.name == name), {})


def quoted(text: str) -> str:
    """As one segment of a path."""
    return quote(text, safe="@")


def _aliases(answer: Mapping[str, Any]) -> Mapping[str, int]:
    found: Mapping[str, int] = answer["aliases"]
    return found


def _picture(path: str, picture: Picture, query: Mapping[str, str | int]) -> Ask:
    headers = {"Content-Type": "application/octet-stream"}
    return Ask("POST", path, query, headers, content=picture_bytes(picture))


def _query(**asked: str | int | bool | None) -> dict[str, str | int]:
    """Without what is left at its default."""
    return {
        name: "true" if said is True else said for name, said in asked.items() if said is not None and said is not False
    }


def _portions(pictures: Iterable[Picture]) -> Iterator[tuple[Upload, ...]]:
    """As many as one request may have."""
    files: list[Upload] = []
    size = 0
    for picture in pictures:
        content = picture_bytes(picture)
        if files and (len(files) == _MOST_PICTURES or size + len(content) > _MOST_BYTES):
            yield tuple(files)
            files, size = [], 0
        files.append(Upload("files", str(len(files)), content))
        size += len(content)
    if files:
        yield tuple(files)
