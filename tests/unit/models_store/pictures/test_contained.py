"""What nobody foresaw stays with its picture; what is no picture's fault does not."""

import hashlib
import logging

import cv2
import numpy as np
import pytest

from models_store.errors import ImageRejected, StoreError, VersionCorrupt
from models_store.pictures.contained import contained
from models_store.pictures.prepare import prepare
from models_store.pictures.stripped import strip
from models_store.preparation import WritingSpec
from models_store.specs import InputSpec
from tests.support.pictures import png

DATA = b"a person's picture"


class Unchecked(WritingSpec):
    """Numbers that no version has, so that a step fails that never should."""

    def __post_init__(self) -> None:
        pass


def out_of_memory() -> None:
    """As OpenCV says that it is."""
    huge = 2**30  # pixels to each side: four exbibytes
    cv2.copyMakeBorder(np.zeros((3, 3), np.uint8), huge, huge, huge, huge, cv2.BORDER_REPLICATE)


BROKEN = InputSpec(writing=Unchecked(ground=float("nan")))  # no whole number of pixels


@pytest.mark.parametrize("error", [ZeroDivisionError(), AssertionError(), RecursionError(), cv2.error(), OSError()])
def test_what_nobody_foresaw_is_the_pictures_refusal(error: Exception, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(ImageRejected) as refused, contained(DATA):
        raise error
    assert refused.value.code == "picture_unreadable"
    assert str(refused.value).endswith(".") and type(error).__name__ not in str(refused.value)
    (record,) = caplog.records
    assert (record.name, record.levelno) == ("digitserve.pictures", logging.ERROR)
    assert record.getMessage() == f"picture_unreadable sha256={hashlib.sha256(DATA).hexdigest()}"
    assert record.exc_info is not None and record.exc_info[1] is error
    assert DATA.decode() not in caplog.text


def test_what_was_foreseen_passes_as_it_is(caplog: pytest.LogCaptureFixture) -> None:
    for error in (ImageRejected("image_blank", "Nothing is on it."), VersionCorrupt("model.pt", "is gone")):
        with pytest.raises(StoreError) as refused, contained(DATA):
            raise error
        assert refused.value is error
    assert caplog.records == []


def test_a_lack_of_memory_and_the_end_of_a_process_are_no_pictures_fault(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(cv2.error) as lacking, contained(DATA):
        out_of_memory()
    assert "Insufficient memory" in str(lacking.value)
    for error in (MemoryError, KeyboardInterrupt, SystemExit, GeneratorExit):
        with pytest.raises(error), contained(DATA):
            raise error
    assert caplog.records == []


def test_both_doors_contain_what_breaks_behind_them() -> None:
    picture = png(np.full((60, 50), 250, np.uint8))
    with pytest.raises(ImageRejected, match="could not be read"):
        prepare(picture, BROKEN)
    with pytest.raises(ImageRejected, match="could not be read"):
        strip(picture, max_pixels=None)  # type: ignore[arg-type]
