"""The verdict: what is said of one picture. Only here is a version's threshold applied and its label chosen."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from models_store.files import Probabilities
from models_store.manifest import Calibration, Manifest
from models_store.pictures.many.page import PreparedPage
from models_store.pictures.prepare import Prepared
from models_store.pictures.warnings import PictureWarning


@dataclass(frozen=True)
class Verdict:
    """The answer to one picture, or to one digit of a page."""

    label: str
    confidence: float  # calibrated probability of the label
    uncertain: bool  # a person should look
    probabilities: Mapping[str, float]  # of every label, in the manifest's order
    warnings: tuple[PictureWarning, ...] = ()

    def best(self, count: int) -> list[tuple[str, float]]:
        """The `count` most probable labels with their probabilities, the best one first."""
        return sorted(self.probabilities.items(), key=lambda pair: -pair[1])[:count]


def of_picture(prepared: Prepared, probabilities: Probabilities, manifest: Manifest) -> Verdict:
    """What a version says of a prepared picture, from its float32 [labels] probabilities."""
    every = probabilities.tolist()
    calibration, warnings = manifest.calibration, prepared.warnings
    label, confidence = max(zip(manifest.labels, every, strict=True), key=lambda pair: pair[1])
    foreign = is_out_of_distribution(every, calibration)
    if foreign and not prepared.is_blank:
        warnings = (*warnings, PictureWarning.NOT_A_DIGIT)
    uncertain = prepared.is_doubtful or confidence < calibration.threshold or foreign
    return Verdict(label, confidence, uncertain, dict(zip(manifest.labels, every, strict=True)), warnings)


def of_page(page: PreparedPage, probabilities: Probabilities, manifest: Manifest) -> list[Verdict]:
    """What a version says of each candidate of a page, in their order; `probabilities` are float32 [N, labels].

    A digit that may be two, or half of one, is uncertain, however well it reads.
    """
    confidences: list[float] = probabilities.max(1, initial=0).tolist()
    verdicts = []
    for i, every in enumerate(probabilities.tolist()):
        label, confidence = max(zip(manifest.labels, every, strict=True), key=lambda pair: pair[1])
        uncertain = confidence < manifest.calibration.threshold or page.touches(i, confidences)
        verdicts.append(Verdict(label, confidence, uncertain, dict(zip(manifest.labels, every, strict=True))))
    return verdicts


def warnings_of_page(
    page: PreparedPage, probabilities: Probabilities, manifest: Manifest
) -> tuple[PictureWarning, ...]:
    """What to read all digits of a page with; also that there may be none: half of its marks look like no label, and
    nothing, cut or whole, looks like one for sure."""
    calibration = manifest.calibration
    foreign = [is_out_of_distribution(every, calibration) for every in probabilities[: page.wholes].tolist()]
    if 2 * sum(foreign) < max(1, len(foreign)) or probabilities.max(initial=0) >= calibration.threshold:
        return page.warnings
    return (*page.warnings, PictureWarning.NOT_A_DIGIT)


def is_out_of_distribution(probabilities: Sequence[float], calibration: Calibration) -> bool:
    """Whether a picture shows none of the labels. One that is hard to read wavers between two labels, this one among
    many: the best two together stay under what the calibration found plausible (docs/decisions/0011)."""
    return sum(sorted(probabilities)[-2:]) < calibration.plausible
