"""What may be said of an uncertain picture."""

from typing import Any

import pytest
from pydantic import ValidationError

from app.review.schemas import ReviewAnswer


@pytest.mark.parametrize("sent", [{}, {"label": 5}, {"label": None}, {"label": "5", "why": "I see it"}])
def test_an_answer_is_one_label_and_nothing_else(sent: dict[str, Any]) -> None:
    assert ReviewAnswer.model_validate({"label": "5"}).label == "5"
    with pytest.raises(ValidationError):
        ReviewAnswer.model_validate(sent)
