"""What is known of a thing whose last answer was lost, and what is not."""

from tests.soak.ledger import GONE, Ledger, gaps


def broken(ledger: Ledger, **found: str | None) -> list[str]:
    return list(ledger.broken("the file", found.get))


def test_what_was_acknowledged_must_be_so() -> None:
    ledger = Ledger()
    ledger.told("a", "1")
    assert broken(ledger, a="1") == []
    assert broken(ledger) == ["the file a was acknowledged as 1, and is gone"]
    assert broken(ledger, a="2") == ["the file a was acknowledged as 1, and is 2"]


def test_after_a_lost_answer_both_may_be_so_and_nothing_else() -> None:
    ledger = Ledger()
    ledger.told("a", "1")
    ledger.asked("a", "2")
    assert broken(ledger, a="1") == broken(ledger, a="2") == []
    assert broken(ledger, a="3") and broken(ledger)
    ledger.asked("a", GONE)
    assert broken(ledger) == []


def test_a_new_thing_whose_answer_was_lost_may_be_there_or_not() -> None:
    ledger = Ledger()
    ledger.asked("a", "1")
    assert broken(ledger, a="1") == broken(ledger) == []
    assert ledger.certain() == []


def test_what_was_deleted_must_be_gone() -> None:
    ledger = Ledger()
    ledger.told("a", "1")
    ledger.told("a", GONE)
    assert broken(ledger) == [] and ledger.certain() == []
    assert broken(ledger, a="1") == ["the file a was acknowledged as gone, and is 1"]


def test_a_refusal_takes_back_what_was_asked_for() -> None:
    ledger = Ledger()
    ledger.told("a", "1")
    ledger.asked("a", "2")
    ledger.refused("a", "2")
    assert broken(ledger, a="2") and ledger.certain() == ["a"] and ledger.value("a") == "1"


def test_events_count_from_one_without_a_gap() -> None:
    assert list(gaps([])) == list(gaps([1, 2, 3])) == []
    for numbers in ([2], [1, 3], [1, 2, 2], [1, 2, 1]):
        assert len(list(gaps(numbers))) == 1
