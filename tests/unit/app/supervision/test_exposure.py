"""Where others reach it, a server starts only with a key that counts, or where the operator insists."""

import pytest

from app.errors import DatabaseUnavailable
from app.settings import Settings
from app.storage.db import Database
from app.supervision import exposure
from app.web.access.key_store import KeyStore


def refusal(*, is_local: bool = False, **given: object) -> str | None:
    settings = Settings(host="192.0.2.1", **given)  # type: ignore[arg-type]
    return exposure.refusal(settings, exposure.count(settings, 5.0), is_local=is_local)


def test_without_a_key_it_starts_only_for_this_machine_or_when_told_to() -> None:
    said = refusal()
    assert said is not None and said.endswith(".")
    for what in ("192.0.2.1", "there is no key", "`digitserve keys create`", "--insecure", "DIGITSERVE_INSECURE=true"):
        assert what in said
    assert refusal(is_local=True) is refusal(insecure=True) is None
    assert not Settings().state_dir.exists()


def test_a_key_that_counts_lets_it_start_and_one_that_was_revoked_does_not() -> None:
    database = Database(Settings().database)
    store = KeyStore(database)
    _, row = store.create("scanner", ["predict"])
    assert refusal() is None
    store.revoke(row.id)
    database.close()
    assert "revoked or has expired" in str(refusal())


def test_a_database_that_does_not_answer_says_nothing_of_keys() -> None:
    with pytest.raises(DatabaseUnavailable):
        refusal(database_url="postgresql://nobody@127.0.0.1:1/none")
