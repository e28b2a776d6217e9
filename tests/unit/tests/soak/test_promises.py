"""Which pictures without an answer are explained, and which are not."""

from tests.soak.people import Seen
from tests.soak.promises import predictions


def unanswered(asked: float, given_up: float) -> Seen:
    return Seen(unanswered=[(asked, given_up, "pages: ReadError")])


def test_a_process_that_was_killed_meanwhile_explains_it() -> None:
    assert list(predictions(unanswered(10.0, 12.0), [], [11.0])) == []
    assert list(predictions(unanswered(10.0, 12.0), [], [9.0, 13.0])) == ["pages: ReadError was not answered"]


def test_a_supervisor_that_was_dead_meanwhile_explains_it() -> None:
    assert list(predictions(unanswered(10.0, 12.0), [(11.0, 20.0)], [])) == []
    assert len(list(predictions(unanswered(21.0, 22.0), [(11.0, 20.0)], []))) == 1


def test_few_pictures_may_get_no_turn_on_a_busy_machine() -> None:
    seen = Seen(unanswered=[(1.0, 31.0, "pages: image_too_complex")])
    seen.done["pages"] = 500
    assert list(predictions(seen, [], [])) == []
    seen.done["pages"] = 499
    assert list(predictions(seen, [], [])) == ["1 pictures got no turn in time, and 499 requests were answered"]


def test_only_few_may_be_told_to_come_again() -> None:
    seen = Seen(refused=2)
    seen.done["predictions"] = 98
    assert list(predictions(seen, [], [])) == []
    seen.refused = 3
    assert list(predictions(seen, [], [])) == ["3 pictures were refused with 503, and 98 answered"]
