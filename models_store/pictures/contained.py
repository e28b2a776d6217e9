"""Keeps to one picture what nobody foresaw of it: others are answered, and the log says where to look."""

import hashlib
import logging
from collections.abc import Iterator
from contextlib import contextmanager

import cv2

from models_store.errors import ImageRejected, StoreError

_log = logging.getLogger("digitserve.pictures")


@contextmanager
def contained(data: bytes) -> Iterator[None]:
    """Whatever is raised inside about the picture `data` is that picture's refusal, `picture_unreadable`, and is logged
    with its traceback and the picture's digest, never with its bytes.

    Refusals that were foreseen pass, and so does a lack of memory: that is the machine's fault. Raises ImageRejected.
    """
    try:
        yield
    except StoreError:
        raise
    except Exception as error:
        if is_of_the_machine(error):
            raise
        _log.exception("picture_unreadable sha256=%s", hashlib.sha256(data).hexdigest())
        raise ImageRejected(
            "picture_unreadable", "This picture could not be read. Save it anew, for example as PNG, and resend it."
        ) from None


def is_of_the_machine(error: Exception) -> bool:
    """Whether memory was lacking; torch has an error of its own for that of a card, and is not imported here."""
    # OpenCV keeps `code` in the class, where another thread's error replaces it; the text is this one's.
    no_memory = isinstance(error, cv2.error) and f"({cv2.Error.StsNoMem}:" in str(error)
    return no_memory or isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError"
