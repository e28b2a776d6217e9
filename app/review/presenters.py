"""Pictures that wait for a person -> what clients see of them."""

import base64

from app.review.schemas import Guess, ReviewPicture
from app.review.store import Waiting

_BEST = 2  # labels shown of each


def shown(picture: Waiting, thumbnail: bytes | None) -> ReviewPicture:
    """One picture that waits; `thumbnail` is a small PNG of it."""
    likeliest = sorted(picture.probabilities.items(), key=lambda pair: -pair[1])[:_BEST]
    return ReviewPicture(
        id=picture.id,
        created_at=int(picture.created_at),
        model=picture.model,
        label=picture.label,
        confidence=picture.confidence,
        best=[Guess(label=label, probability=probability) for label, probability in likeliest],
        labels=list(picture.probabilities),
        thumbnail=f"data:image/png;base64,{base64.b64encode(thumbnail).decode()}" if thumbnail else None,
    )
