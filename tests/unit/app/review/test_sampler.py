"""Whoever answers never waits for what is kept, and hears of nothing that goes wrong with it."""

import io
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import pytest
from PIL import Image
from structlog.testing import capture_logs

from app.errors import DatabaseUnavailable
from app.review.sampler import UncertaintySampler
from app.review.store import Uncertain
from models_store.pictures.stripped import strip
from tests.support.patience import PATIENCE_SECONDS
from tests.support.pictures import png
from training.synthetic import strokes

UNIT = strokes.units(1, 5)[4]
PICTURE = png(UNIT[0])
PROBABILITIES = {"4": 0.5, "9": 0.4, "7": 0.1}


@contextmanager
def sampling(add: Callable[[Uncertain], object], **options: Callable[[], float]) -> Iterator[UncertaintySampler]:
    """Its time stands still where a test does not say otherwise, so that the end waits for everything."""
    made = UncertaintySampler(add, strip, **{"clock": lambda: 0.0, **options})
    yield made
    made.close()


def keep(made: UncertaintySampler, times: int = 1, picture: bytes = PICTURE) -> None:
    for _ in range(times):
        made.keep("digits@1", picture, PROBABILITIES, UNIT)


def test_what_is_kept_is_the_picture_and_what_was_read() -> None:
    kept: list[Uncertain] = []
    with sampling(kept.append) as made:
        keep(made, 2)
    assert len(kept) == 2 and kept[0] == kept[1]
    assert (kept[0].model, kept[0].probabilities) == ("digits@1", PROBABILITIES)
    assert len(kept[0].sketch) == 196
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(kept[0].stripped.png))), UNIT[0])


def test_only_the_pixels_say_whether_a_picture_is_the_same() -> None:
    kept: list[Uncertain] = []
    other = UNIT[0].copy()
    other[3, 3] += 1
    with sampling(kept.append) as made:
        for picture in (PICTURE, png(UNIT[0], compress_level=0), png(other), png(UNIT[0].reshape(14, 56))):
            keep(made, picture=picture)
    assert len({one.stripped.sha256 for one in kept}) == 3 and kept[0].stripped.sha256 == kept[1].stripped.sha256


def test_what_comes_while_the_store_hangs_waits_or_is_dropped_and_counted() -> None:
    let, kept = threading.Event(), []

    def hang(picture: Uncertain) -> None:
        assert let.wait(PATIENCE_SECONDS)
        kept.append(picture)

    with capture_logs() as logs, sampling(hang) as made:
        keep(made, 1000)  # returns, although nothing can be kept
        assert kept == []
        let.set()
    assert len(kept) == 256
    assert sum(line["count"] for line in logs) == 744
    assert {line["event"] for line in logs} == {"uncertain_pictures_dropped"}


def test_large_pictures_wait_in_smaller_number() -> None:
    let, kept = threading.Event(), []
    large = PICTURE + bytes(10 * 2**20)  # Pillow reads up to the end that a PNG has

    def hang(picture: Uncertain) -> None:
        assert let.wait(PATIENCE_SECONDS)
        kept.append(picture)

    with sampling(hang) as made:
        keep(made, 20, large)
        let.set()
    assert len(kept) == 3


def test_drops_are_said_once_a_minute_and_at_the_end() -> None:
    now, last = 0.0, threading.Event()

    def refuse(_: Uncertain) -> None:
        nonlocal now
        now += 10
        if now == 140:
            last.set()
        raise DatabaseUnavailable("database_unavailable", "The database does not answer.")

    with capture_logs() as logs, sampling(refuse, clock=lambda: now) as made:
        for _ in range(14):
            keep(made)
        assert last.wait(PATIENCE_SECONDS)
    told = [line["count"] for line in logs if line["event"] == "uncertain_pictures_dropped"]
    assert told == [1, 6, 6, 1]
    assert [line["why"] for line in logs if line["event"] == "not_kept"] == ["The database does not answer."]


@pytest.mark.parametrize("error", [OSError(5, "Input/output error"), KeyError("a bug"), MemoryError()])
def test_after_an_error_the_next_picture_is_kept(error: Exception) -> None:
    kept: list[Uncertain] = []

    def once(picture: Uncertain) -> None:
        kept.append(picture)
        if len(kept) == 1:
            raise error

    with capture_logs() as logs, sampling(once) as made:
        keep(made, 3)
    assert len(kept) == 3
    assert next(line["event"] for line in logs) in ("not_kept", "unforeseen")


def test_what_can_not_be_read_is_dropped() -> None:
    kept: list[Uncertain] = []
    with capture_logs() as logs, sampling(kept.append) as made:
        keep(made, picture=PICTURE[:-40])
        keep(made)
    assert len(kept) == 1
    assert [line["event"] for line in logs] == ["not_kept", "uncertain_pictures_dropped"]


def test_the_end_waits_seconds_for_those_that_wait_and_takes_no_more() -> None:
    now, kept = 0.0, list[Uncertain]()

    def slow(picture: Uncertain) -> None:
        nonlocal now
        assert begun.wait(PATIENCE_SECONDS)
        now += 3
        kept.append(picture)

    begun = threading.Event()
    made = UncertaintySampler(slow, strip, clock=lambda: now)
    keep(made, 10)
    closing = threading.Thread(target=made.close)
    with capture_logs() as logs:
        closing.start()
        assert made._closed.wait(PATIENCE_SECONDS)
        begun.set()
        closing.join(20)
        keep(made)
    assert len(kept) == 2  # at 0 and 3 seconds; the third would have begun at 6
    assert sum(line["count"] for line in logs) == 8
