"""The rows of challengers, on both databases."""

from sqlalchemy import func, select

from app.shadow import ledger
from app.shadow.mcnemar import Labels
from app.shadow.record import Pair, Phase
from app.shadow.tables import shadows
from app.storage.db import Database
from tests.integration.shadow.shadowing import PAIR


def test_a_model_has_one_that_goes_on_whoever_begins_it(database: Database) -> None:
    with database.writing() as connection:
        ledger.begin(connection, PAIR)
        ledger.begin(connection, Pair("digits", 1, 3))
        ledger.begin(connection, Pair("letters", 1, 2))
        found = ledger.active(connection, "digits")
        assert found is not None and found.pair == PAIR and found.is_active and found.phase is Phase.COLLECTING
        assert sorted(ledger.models(connection)) == ["digits", "letters"]
        ledger.end(connection, found, Phase.UNDECIDED, "So it is.")
        assert ledger.active(connection, "digits") is None
        ended = ledger.newest(connection, "digits")
        assert ended is not None and (ended.phase, ended.why, ended.is_active) == (Phase.UNDECIDED, "So it is.", False)
        ledger.begin(connection, PAIR, Phase.PROMOTED, "Roles were changed.")
        newest = ledger.newest(connection, "digits")
        assert newest is not None and newest.id != ended.id and newest.why == "Roles were changed."


def test_counts_are_added_and_labels_tallied(database: Database) -> None:
    with database.writing() as connection:
        ledger.begin(connection, PAIR)
        for _ in range(2):
            ledger.count(connection, PAIR, 10, 3)
        ledger.count(connection, Pair("digits", 2, 1), 100, 100)
        found = ledger.active(connection, "digits")
        assert found is not None
        for right in ("champion", "challenger", "challenger", ""):
            ledger.tally(connection, found, right)
        found = ledger.active(connection, "digits")
        assert found is not None and (found.compared, found.differed) == (20, 6)
        assert found.labels == Labels(1, 2, 1)


def test_rows_that_ended_first_are_forgotten(database: Database) -> None:
    facts = {"model": "digits", "champion": 1, "challenger": 2, "state": "ended"}
    with database.writing() as connection:
        rows = [{"id": f"shadow-{at}", "created_at": at, "ended_at": at, **facts} for at in range(ledger.MOST_ROWS + 5)]
        connection.execute(shadows.insert(), rows)
        ledger.begin(connection, PAIR)
        ledger.forget_surplus(connection)
        ended = select(func.count(), func.min(shadows.c.ended_at)).where(shadows.c.ended_at.is_not(None))
        assert tuple(connection.execute(ended).one()) == (ledger.MOST_ROWS, 5)
        assert ledger.active(connection, "digits") is not None
