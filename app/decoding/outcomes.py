"""What an answer of a child means: what was found, or whose fault it is that nothing was."""

import hashlib
import logging
from collections.abc import Callable
from typing import TypeVar

from app.decoding import spelling, work
from app.decoding.children import End
from app.decoding.wire import Frame, Garbled
from app.errors import NotReady, PayloadTooLarge
from models_store.datasets.clean import CleaningReport
from models_store.errors import DataSetRejected, ImageRejected

Found = TypeVar("Found")

_log = logging.getLogger("digitserve.pictures")


class InChild(Exception):
    """The traceback of a child, for the log."""


def found_or_refusal(image: bytes, answer: Frame | End, read: Callable[[Frame], Found]) -> Found | ImageRejected:
    """What `read` makes of the answer about a picture, or why that is none. What nobody foresaw is logged by the
    picture's digest."""
    if answer is End.SPENT:
        return too_complex()
    if isinstance(answer, End):
        return _unreadable(image, "a decoding child died of it")
    _tell(answer)
    if work.REFUSED in answer.header:
        return _rejected(answer)
    if work.MEMORY in answer.header:
        return too_complex()
    if work.BROKE in answer.header:
        return _unreadable(image, "something broke in a decoding child")
    try:
        return read(answer)
    except Garbled as error:
        return _unreadable(image, str(error))


def passed_on(image: bytes, answer: Frame | End) -> Frame:
    """The same for a child that reads a data set: the answer as it came, or a refusal."""
    found = found_or_refusal(image, answer, lambda frame: Frame({**frame.header, "log": []}, frame.data))
    return Frame({work.REFUSED: [found.code, str(found)]}) if isinstance(found, ImageRejected) else found


def report(answer: Frame | End) -> CleaningReport:
    """The report on a data set. Raises DataSetRejected, PayloadTooLarge, NotReady."""
    if answer is End.SPENT:
        raise DataSetRejected("data_set_too_complex", "A row of the data set takes too long to read. Split it.")
    if isinstance(answer, End):
        raise DataSetRejected("data_unreadable", "The data set could not be read. Make it anew and resend it.")
    _tell(answer)
    for key in (work.UNUSABLE, work.OVER):
        if key in answer.header:
            code, detail = map(str, answer.header[key])
            raise DataSetRejected(code, detail) if key == work.UNUSABLE else PayloadTooLarge(code, detail, "file")
    if work.MEMORY in answer.header:
        raise DataSetRejected("data_set_too_complex", "The data set takes too much memory to read. Split it.")
    try:
        return spelling.report_of(answer.header.get("report"))
    except Garbled as error:
        _log.error("data_set_unreadable: %s", error)
        raise NotReady("data_set_unread", "The data set could not be read. The log says why.") from None


def too_complex() -> ImageRejected:
    """The refusal of a picture that took more CPU, time or memory than one may."""
    return ImageRejected(
        "image_too_complex", "The picture takes too long to read. Send it smaller, or save it anew, for example as PNG."
    )


def _rejected(answer: Frame) -> ImageRejected:
    code, detail = map(str, answer.header[work.REFUSED])
    return ImageRejected(code, detail)


def _unreadable(image: bytes, why: str) -> ImageRejected:
    _log.error("picture_unreadable sha256=%s: %s", hashlib.sha256(image).hexdigest(), why)
    return ImageRejected(
        "picture_unreadable", "This picture could not be read. Save it anew, for example as PNG, and resend it."
    )


def _tell(answer: Frame) -> None:
    for message, trace in answer.header.get("log", ()):
        _log.error("%s", message, exc_info=InChild(trace) if trace else None)
