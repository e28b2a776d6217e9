"""Hands pictures that a version was uncertain of to whoever keeps them for a person."""

from collections.abc import Callable, Mapping, Sequence

from app.inference.answer import Answers
from models_store.errors import ImageRejected
from models_store.pictures.decode import Pixels

# Takes the version's ref, the picture as it came, each label's probability, and what the version saw. Returns at once
# and raises nothing.
Keep = Callable[[str, bytes, Mapping[str, float], Pixels], None]


def hand_over(keep: Keep | None, answers: Answers, images: Sequence[bytes]) -> None:
    """Every uncertain picture but blank ones: they are uncertain too, and nobody can tell more of them."""
    if keep is None:
        return
    for image, item in zip(images, answers.items, strict=True):
        if isinstance(item, ImageRejected) or item.prepared.is_blank or not item.verdict.uncertain:
            continue
        probabilities = {label: round(p, 6) for label, p in item.verdict.probabilities.items()}
        keep(answers.version.ref, image, probabilities, item.prepared.pixels)
