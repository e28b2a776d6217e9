"""Corrections as clients see them: whole seconds, a thumbnail in the list, and what a label replaced."""

from typing import Any

import pytest

from app.feedback.presenters import given, page, shown
from app.feedback.tables import Correction, Settled

FACTS: dict[str, Any] = {
    "id": "fb-1", "model": "digits", "label": "7", "read_by": "digits@1", "read_as": "1", "sha256": "0" * 64,
    "bytes": 120, "width": 28, "height": 30, "job": None, "giver": "key:a", "held": None,
}  # fmt: skip


def correction(**changes: Any) -> Correction:
    return Correction(**{**FACTS, "created_at": 1790000000.9, "changed_at": 1790000001.2, **changes})


def test_a_correction_is_shown_with_its_times_in_whole_seconds() -> None:
    answer = shown(correction()).model_dump()
    assert answer.pop("object") == "feedback"
    assert answer == {**FACTS, "created_at": 1790000000, "changed_at": 1790000001}


def test_whoever_gives_one_hears_which_label_it_replaced() -> None:
    assert given(Settled(correction(), is_new=True)).replaced is None
    answer = given(Settled(correction(label="7"), is_new=False, replaced="1"))
    assert (answer.label, answer.replaced) == ("7", "1")


def test_nobody_hears_of_another_who_gave_the_same() -> None:
    same = Settled(correction(job="ftjob-1", held="alike"), is_new=False)
    answer = given(same, is_theirs=False)
    assert (answer.id, answer.giver, answer.read_as, answer.job, answer.held) == ("fb-1", None, None, None, None)
    assert answer.created_at == answer.changed_at != given(same).changed_at


def test_a_page_has_its_pictures_as_data_urls() -> None:
    listed = page([correction(), correction(id="fb-2")], [b"\x89PNG", None], more=True)
    assert [one.thumbnail for one in listed.data] == ["data:image/png;base64,iVBORw==", None]  # RFC 4648
    assert (listed.first_id, listed.last_id, listed.has_more) == ("fb-1", "fb-2", True)


def test_an_empty_page_has_no_ends() -> None:
    listed = page([], [], more=False)
    assert (listed.data, listed.first_id, listed.last_id, listed.has_more) == ([], None, None, False)


def test_no_correction_is_listed_with_anothers_picture() -> None:
    with pytest.raises(ValueError, match="shorter"):
        page([correction(), correction(id="fb-2")], [b"\x89PNG"], more=False)
