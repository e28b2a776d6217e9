"""One digest over an entry and all before it, checked against one that was made by hand."""

import hashlib

from app.storage.audit import chain
from app.storage.audit.record import LoggedAct

ENTRY = LoggedAct(
    number=1, at=1.5, who="local", what="key_created", target=None, outcome="done", request_id=None, refers_to=None,
    details="{}", digest="",
)  # fmt: skip
SAID = (
    '{"at":1.5,"details":"{}","number":1,"outcome":"done","refers_to":null,"request_id":null,"target":null,'
    '"what":"key_created","who":"local"}'
)


def test_a_digest_is_of_the_one_before_and_of_all_that_is_said() -> None:
    assert chain.digest(chain.FIRST, ENTRY) == hashlib.sha256(f"{'0' * 64}\n{SAID}".encode()).hexdigest()
    assert chain.digest("1" * 64, ENTRY) != chain.digest(chain.FIRST, ENTRY)


def test_what_lets_entries_go_says_their_last_digest() -> None:
    assert chain.last_digest('{"count":1,"last_digest":"ab"}') == "ab"
    assert [chain.last_digest(text) for text in ("{}", "[]", "x", '{"last_digest":1}')] == [None] * 4
