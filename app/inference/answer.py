"""What the engine answers with: one version's verdicts about pictures or a page, and how long they took."""

from dataclasses import dataclass
from functools import cached_property

from app.inference import verdict
from app.inference.verdict import Verdict
from models_store.errors import ImageRejected
from models_store.files import Probabilities
from models_store.manifest import Manifest
from models_store.pictures.many.page import PreparedPage
from models_store.pictures.prepare import Prepared
from models_store.pictures.warnings import PictureWarning
from models_store.registry import Version


@dataclass(frozen=True)
class Answer:
    """What a version says of one picture."""

    prepared: Prepared
    probabilities: Probabilities  # float32 [labels], in the manifest's order
    manifest: Manifest

    @cached_property
    def verdict(self) -> Verdict:
        """Made when somebody asks for it: for hundreds of pictures that is in a thread."""
        return verdict.of_picture(self.prepared, self.probabilities, self.manifest)


@dataclass(frozen=True)
class Durations:
    """Where the time of a request went, in seconds."""

    prepare: float
    queue: float
    infer: float


@dataclass(frozen=True)
class Answers:
    """What one version says of several pictures, in order; a bad picture is its refusal."""

    version: Version
    items: list[Answer | ImageRejected]
    seconds: Durations


@dataclass(frozen=True)
class PageAnswer:
    """What one version says of the candidates of a page, in their order."""

    version: Version
    page: PreparedPage
    probabilities: Probabilities  # float32 [candidates, labels]
    seconds: Durations

    @cached_property
    def verdicts(self) -> list[Verdict]:
        """One for each candidate; made when somebody asks for them."""
        return verdict.of_page(self.page, self.probabilities, self.version.manifest)

    @cached_property
    def warnings(self) -> tuple[PictureWarning, ...]:
        """Of the page as a whole."""
        return verdict.warnings_of_page(self.page, self.probabilities, self.version.manifest)
