"""What of a picture's file is needed: the bytes that say what its pixels are, and how it is turned."""

from dataclasses import dataclass

from models_store.errors import ImageRejected


@dataclass(frozen=True)
class Essence:
    """A file without what is not looked at, and its orientation as EXIF counts it, 1 for upright."""

    data: bytes
    orientation: int = 1


def too_complex(what: str, instead: str = "Save it as PNG and resend it.") -> ImageRejected:
    """The refusal of a picture whose decoding would cost far more than its size tells. `what` says of what it has too
    much, and `instead` what to do."""
    return ImageRejected("image_too_complex", f"The picture {what}. {instead}")
