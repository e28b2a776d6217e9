"""What people are told of a challenger."""

import base64
import dataclasses

from app.shadow.mcnemar import Labels
from app.shadow.presenters import doubt, report, said
from app.shadow.record import Pair, Phase, Question
from tests.integration.shadow.shadowing import shadow


def test_what_the_numbers_mean_is_said_in_words() -> None:
    rule = "digits@2 is promoted where it was right in 32 pictures more than digits@1, within 200 labels."
    assert said(shadow()) == f"No picture has a label yet. {rule}"
    assert said(shadow(Labels(2, 10, 1))) == (
        "digits@2 was right in 10, digits@1 in 2 of 13 labelled pictures (McNemar's exact test: p = 0.039). " + rule
    )


def test_after_a_promotion_it_is_said_what_would_be_undone() -> None:
    found = dataclasses.replace(shadow(phase=Phase.PROMOTED, pair=Pair("digits", 2, 1)), why="It was promoted.")
    assert said(found).startswith("It was promoted. No picture has a label yet. digits@1 is put back where")


def test_how_it_ended_is_all_that_is_said_then() -> None:
    assert said(dataclasses.replace(shadow(), ended_at=1.0, why="So it is.")) == "So it is."


def test_a_report_has_the_counts_and_which_version_said_what_is_not_told() -> None:
    question = Question("sh-1", ("5", "3"))
    found = report(
        shadow(Labels(2, 10, 1)), [doubt(question, b"png")], has_more=True, labels=["3", "5"], share=0.2, trouble="No."
    ).model_dump()
    assert found["data"] == [
        {"id": "sh-1", "labels": ["5", "3"], "thumbnail": f"data:image/png;base64,{base64.b64encode(b'png').decode()}"}
    ]
    assert (found["champion"], found["challenger"], found["compared"], found["differed"]) == (
        "digits@1",
        "digits@2",
        10,
        5,
    )
    assert found["right"] == {"champion": 2, "challenger": 10, "neither": 1} and found["labelled"] == 13
    assert (found["lead"], found["needed_lead"], found["most_labels"], found["p"]) == (8, 32, 200, 0.038574)
    assert found["trouble"] == "No." and found["has_more"] and found["ended_at"] is None


def test_of_one_that_is_over_no_trouble_is_told() -> None:
    over = dataclasses.replace(shadow(), ended_at=2.0)
    assert report(over, [], has_more=False, labels=[], share=0.2, trouble="No.").trouble is None
    assert doubt(Question("sh-1", ("1", "7")), None).thumbnail is None
