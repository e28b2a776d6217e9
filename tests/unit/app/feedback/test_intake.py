"""Corrections at the door: what is no correction is refused before the database is asked."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from app.errors import Unprocessable
from app.feedback.intake import Intake
from app.feedback.store import FeedbackStore
from app.storage.db import Database
from models_store.errors import ImageRejected, VersionNotFound
from models_store.registry import Registry
from tests.conftest import republished
from tests.support.correcting import kept, picture
from tests.support.pictures import png


@pytest.fixture
def store(tmp_path: Path) -> Iterator[FeedbackStore]:
    with closing(Database(f"sqlite:///{tmp_path / 'digitserve.db'}")) as database:
        yield FeedbackStore(database, tmp_path, spare_bytes=0)


@pytest.fixture
def intake(registry: Registry, store: FeedbackStore) -> Intake:
    return Intake(registry, store, max_image_pixels=28 * 28)


def refusal(intake: Intake, label: str, data: bytes, **said: str) -> tuple[str, str | None]:
    with pytest.raises(Unprocessable) as refused:
        intake.check("digits", label, data, **said)
    return refused.value.code, refused.value.param


def test_a_correction_is_held_against_the_version_that_the_ref_means(registry: Registry, intake: Intake) -> None:
    republished(registry, labels=tuple("abcdefghij"))
    checked = intake.check("digits@2", " j ", picture(1))
    assert (checked.model, checked.label, checked.read_by, checked.read_as) == ("digits", "j", "digits@2", None)
    assert checked.picture.sha256 == kept(1).sha256
    named = intake.check("digits", "7", picture(1), read_by="digits@9", read_as="1")
    assert (named.read_by, named.read_as) == ("digits@9", "1")
    with pytest.raises(VersionNotFound):
        intake.check("digits@3", "7", picture(1))


@pytest.mark.parametrize(
    ("label", "code"),
    [("", "label_missing"), (" \t", "label_missing"), ("x", "label_unknown"), ("7" * 65, "label_invalid"),
     ("7\u200b", "label_invalid"), ("\uff17", "label_unknown")],
)  # fmt: skip
def test_a_label_that_the_version_does_not_know_is_refused(intake: Intake, label: str, code: str) -> None:
    assert refusal(intake, label, picture(1)) == (code, "label")


def test_a_refusal_names_ten_labels_at_most(registry: Registry, intake: Intake) -> None:
    republished(registry, labels=tuple(f"l{number}" for number in range(1234)))
    with pytest.raises(Unprocessable, match=r"It knows l0, l1, .*, l9 and 1,224 more\.$"):
        intake.check("digits@2", "7", picture(1))
    with pytest.raises(Unprocessable, match=r"digits@1 does not know the label 'x'.* 8, 9\.$"):
        intake.check("digits@1", "x", picture(1))


def test_a_picture_that_shows_nothing_is_refused(intake: Intake) -> None:
    assert refusal(intake, "7", png(np.zeros((28, 28), np.uint8))) == ("image_blank", "file")
    assert refusal(intake, "7", picture(1), read_as="1\0") == ("label_invalid", "read_as")
    for data, code in ((b"no picture", "image_invalid"), (png(np.zeros((28, 29), np.uint8)), "image_too_large")):
        with pytest.raises(ImageRejected) as refused:
            intake.check("digits", "7", data)
        assert refused.value.code == code


def test_checking_asks_no_database(intake: Intake, tmp_path: Path) -> None:
    intake.check("digits", "7", picture(1))
    assert not (tmp_path / "digitserve.db").exists() and not (tmp_path / "feedback").exists()


def test_whoever_waits_for_it_is_told_of_what_is_kept(registry: Registry, store: FeedbackStore) -> None:
    told: list[tuple[str, str]] = []
    intake = Intake(registry, store, 28 * 28, lambda model, sha256: told.append((model, sha256)))
    first = intake.add("digits@champion", "7", picture(1), read_as="1")
    again = intake.add("digits", "1", picture(1))
    assert (first.is_new, again.is_new, again.replaced) == (True, False, "7")
    assert told == [("digits", kept(1).sha256)] * 2
    assert store.per_label("digits") == {"1": 1}
    with pytest.raises(Unprocessable):
        intake.add("digits", "x", picture(2))
    assert len(told) == 2
