"""What the end of a child, or its answer, means to whoever sent the picture."""

import pytest

from app.decoding import outcomes, work
from app.decoding.children import End
from app.decoding.wire import Frame
from app.errors import PayloadTooLarge
from models_store.errors import DataSetRejected, ImageRejected


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (End.SPENT, "image_too_complex"), (End.BROKE, "picture_unreadable"),
        (Frame({work.MEMORY: True}), "image_too_complex"),
        (Frame({work.BROKE: True}), "picture_unreadable"),
        (Frame({work.REFUSED: ["image_invalid", "x"]}), "image_invalid"),
    ],
)  # fmt: skip
def test_why_there_is_no_picture(answer: Frame | End, code: str) -> None:
    found = outcomes.found_or_refusal(b"picture", answer, lambda frame: frame)
    assert isinstance(found, ImageRejected) and found.code == code
    assert outcomes.passed_on(b"picture", answer).header[work.REFUSED][0] == code


@pytest.mark.parametrize(
    ("answer", "error", "code"),
    [
        (End.SPENT, DataSetRejected, "data_set_too_complex"), (End.BROKE, DataSetRejected, "data_unreadable"),
        (Frame({work.UNUSABLE: ["data_empty", "x"]}), DataSetRejected, "data_empty"),
        (Frame({work.OVER: ["too_many_rows", "x"]}), PayloadTooLarge, "too_many_rows"),
    ],
)  # fmt: skip
def test_why_there_is_no_report(answer: Frame | End, error: type[Exception], code: str) -> None:
    with pytest.raises(error) as refused:
        outcomes.report(answer)
    assert getattr(refused.value, "code", "") == code
