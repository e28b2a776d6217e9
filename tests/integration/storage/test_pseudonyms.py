"""A network has one name in a database, another one in the next, and none that leads back."""

from app.storage import pseudonyms
from app.storage.db import Database


def test_the_secret_is_made_once_and_names_hold(database: Database) -> None:
    with database.writing() as connection:
        key = pseudonyms.secret(connection)
    with database.writing() as connection:
        assert pseudonyms.secret(connection) == key and len(key) == 32
    one, other = pseudonyms.of_network("192.0.2.7", key), pseudonyms.of_network("192.0.2.8", key)
    assert one == pseudonyms.of_network("192.0.2.7", key) != other
    assert one.startswith("addr:") and len(one) == 37
    assert pseudonyms.of_network("192.0.2.7", b"another") != one
