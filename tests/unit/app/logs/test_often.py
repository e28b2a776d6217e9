"""A problem a thousand times a second: a few lines, and the number of the others."""

import logging
from collections.abc import Callable

from app.logs.often import Often


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def record(event: str | dict[str, object], level: int = logging.ERROR, *arguments: object) -> logging.LogRecord:
    return logging.LogRecord("x", level, "", 0, event, arguments, None)


def test_the_first_of_each_while_are_said_and_the_others_counted() -> None:
    clock = Clock()
    often = Often(clock)
    said = sum(often.filter(record({"event": "it_broke", "number": number})) for number in range(1000))
    assert 1 <= said <= 50
    assert often.filter(record({"event": "another"})) and often.filter(record({"event": "it_broke"}, logging.INFO))
    clock.now += 60
    later = record({"event": "it_broke"})
    assert often.filter(later) and later.msg == {"event": "it_broke", "not_said": 1000 - said}
    again = record({"event": "it_broke"})
    assert often.filter(again) and again.msg == {"event": "it_broke"}


def test_a_librarys_sentences_are_one_kind_whatever_fills_them() -> None:
    clock = Clock()
    often = Often(clock)
    said = sum(often.filter(record("100 %% of %s", logging.WARNING, number)) for number in range(1000))
    assert said <= 50
    clock.now += 60
    later = record("100 %% of %s", logging.WARNING, 7)
    assert often.filter(later)
    assert later.getMessage() == f"100 % of 7 ({1000 - said} more like it were not said)"


def test_kinds_without_end_take_no_memory_without_end() -> None:
    often = Often(Clock())
    assert all(often.filter(record({"event": f"event {number}"})) for number in range(2000))
    assert len(often._seen) <= 256


def test_what_broke_in_two_places_is_told_apart() -> None:
    often = Often(Clock())
    broken = {"event": "unforeseen", "exc_info": True}

    def said(breaks: Callable[[], object]) -> bool:
        try:
            breaks()
        except Exception:
            return often.filter(record(dict(broken)))
        return False

    assert 1 <= sum(said(lambda: int("x")) for _ in range(1000)) <= 50
    assert said(lambda: int("x")) and said(lambda: [].pop())  # another line; another error
    try:
        int("x")
    except ValueError as error:
        assert often.filter(record({"event": "unforeseen", "exc_info": error}))
        library = logging.LogRecord("x", logging.ERROR, "", 0, "broke", (), (ValueError, error, error.__traceback__))
        assert often.filter(library)
