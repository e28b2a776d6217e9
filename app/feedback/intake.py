"""A picture and what it shows, as somebody says it -> a correction that a model can learn from."""

from collections.abc import Callable
from dataclasses import dataclass

from app.errors import Unprocessable
from app.feedback.store import FeedbackStore
from app.feedback.tables import Correction, Settled
from app.web.access.visitor import Visitor
from models_store.datasets.rows import RowRejected, label_of
from models_store.pictures.prepare import prepare
from models_store.pictures.stripped import Stripped, strip
from models_store.refs import Ref
from models_store.registry import Registry, Version
from models_store.specs import InputSpec
from models_store.text import shown

_SHOWN = 10  # labels that a refusal names


@dataclass(frozen=True)
class Checked:
    """A correction that can be kept."""

    model: str
    label: str
    picture: Stripped
    read_by: str
    read_as: str | None


@dataclass(frozen=True)
class Said:
    """A correction without its picture."""

    model: str
    label: str
    read_by: str
    read_as: str | None
    input: InputSpec  # of the version that will learn from it

    def with_picture(self, stripped: Stripped, is_blank: bool) -> Checked:
        """The correction with the picture that it is about. Raises Unprocessable (`image_blank`)."""
        if is_blank:
            raise Unprocessable("image_blank", "Nothing is written on the picture. Send another.", "file")
        return Checked(self.model, self.label, stripped, self.read_by, self.read_as)


class Intake:
    """Checks corrections at the door. It blocks: call it from a thread."""

    def __init__(
        self,
        registry: Registry,
        store: FeedbackStore,
        max_image_pixels: int,
        settled: Callable[[str, str], object] = lambda model, sha256: None,
        giver_of: Callable[[Visitor], str | None] = lambda visitor: None,
    ) -> None:
        """`settled` is told the model and the pixels' digest of each correction, when it is kept; `giver_of` says by
        which name a row knows whoever gave it.
        """
        self._registry = registry
        self._store = store
        self._max_image_pixels = max_image_pixels
        self._settled = settled
        self._giver_of = giver_of

    def add(
        self,
        model: str,
        label: str,
        picture: bytes,
        *,
        read_by: str | None = None,
        read_as: str | None = None,
        visitor: Visitor | None = None,
    ) -> Settled:
        """Keeps a picture (PNG, JPEG, WEBP, BMP, GIF or TIFF) with its right label for the model that the ref
        `model` names.

        `read_by` is the version that read it as `read_as`; where nobody says, the one that `model` stands for now.
        `visitor` gives it. Raises what `check` and `keep` raise.
        """
        return self.keep(self.check(model, label, picture, read_by=read_by, read_as=read_as), visitor)

    def is_theirs(self, correction: Correction, visitor: Visitor, scope: str) -> bool:
        """Whether a visitor gave the correction, or may see to those of others with this scope. An id alone is no
        proof: whoever sends the same picture hears it. Raises one of NOTHING_LASTS."""
        return visitor.may(scope) or (correction.giver is not None and correction.giver == self._giver_of(visitor))

    def keep(self, checked: Checked, visitor: Visitor | None = None) -> Settled:
        """Makes it last, with the name of whoever gives it. Raises DatabaseUnavailable, StorageFull."""
        giver = None if visitor is None else self._giver_of(visitor)
        said = {"read_by": checked.read_by, "read_as": checked.read_as, "giver": giver}
        kept = self._store.add(checked.model, checked.label, checked.picture, **said)
        self._settled(checked.model, checked.picture.sha256)
        return kept

    def check(
        self, model: str, label: str, picture: bytes, *, read_by: str | None = None, read_as: str | None = None
    ) -> Checked:
        """Decodes the picture and holds the label against the version; asks no database.

        It decodes in this thread: that is for pictures of ours. Raises Unprocessable (`label_unknown`, `label_missing`,
        `label_invalid`, `image_blank`), ImageRejected, BadRef, VersionNotFound, VersionCorrupt, ManifestMismatch.
        """
        said = self.said(model, label, read_by=read_by, read_as=read_as)
        stripped = strip(picture, self._max_image_pixels)
        return said.with_picture(stripped, prepare(stripped.png, said.input).is_blank)

    def said(self, model: str, label: str, *, read_by: str | None = None, read_as: str | None = None) -> Said:
        """What `check` knows before it has looked at the picture. Raises what it raises of that."""
        version = self._registry.resolve(Ref.parse(model))
        known = _known(version, label)
        seen_as = _text(read_as, "read_as") if read_as else None
        return Said(version.name, known, read_by or version.ref, seen_as, version.manifest.input)


def _known(version: Version, label: str) -> str:
    if not label.strip():
        raise Unprocessable("label_missing", "There is no label. Send what the picture really shows as label.", "label")
    labels, wanted = version.manifest.labels, _text(label, "label")
    if wanted not in labels:
        more = f" and {len(labels) - _SHOWN:,} more" if len(labels) > _SHOWN else ""
        raise Unprocessable(
            "label_unknown",
            f"{version.ref} does not know the label '{shown(wanted)}'. It knows {', '.join(labels[:_SHOWN])}{more}.",
            "label",
        )
    return wanted


def _text(label: str, param: str) -> str:
    try:
        return label_of(label)
    except RowRejected as refusal:
        raise Unprocessable(refusal.code, str(refusal), param) from None
