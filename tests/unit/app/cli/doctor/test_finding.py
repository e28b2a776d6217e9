"""How a finding is said: how it is, and what mends it, as one text."""

from app.cli.doctor.finding import Mark, bad, note, ok


def test_what_it_is_and_what_to_do_are_one_text() -> None:
    assert ok("store", "store: 5 GiB free").said == "store: 5 GiB free"
    assert note("keys", "keys: there is none", "make one").said == "keys: there is none: make one"
    assert bad("store", "It can't be read.", "Mend it.").said == "It can't be read. Mend it."
    assert [one.mark for one in (ok("a", "b"), note("a", "b"), bad("a", "b", "c"))] == list(Mark)
