"""Who counts as one client."""

import pytest

from app.web.access.visitor import Visitor, client_of


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("10.0.0.1", "10.0.0.1"),
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9"),  # a customer's own network
        ("::ffff:10.0.0.1", "10.0.0.1"),  # on a socket for both
        ("fe80::1%eth0", "fe80::2%eth0"),
    ],
)
def test_one_client(one: str, other: str) -> None:
    assert client_of({"client": (one, 1)}) == client_of({"client": (other, 2)})


@pytest.mark.parametrize(
    ("one", "other"),
    [("10.0.0.1", "10.0.0.2"), ("2001:db8:1:2::1", "2001:db8:1:3::1"), ("no address: a name", "another: name")],
)
def test_two_clients(one: str, other: str) -> None:
    assert client_of({"client": (one, 1)}) != client_of({"client": (other, 1)})


def test_nobody_is_named() -> None:
    assert client_of({"client": None}) == client_of({}) == ""


def test_what_a_visitor_may() -> None:
    assert Visitor("10.0.0.1").may("admin")  # let in without a key: there are none
    assert Visitor("key:a", "a", scopes=frozenset({"predict"})).may("predict")
    assert not Visitor("key:a", "a", scopes=frozenset({"predict", "train"})).may("admin")
    assert Visitor("key:a", "a", scopes=frozenset({"admin"})).may("pictures")
    assert not Visitor("10.0.0.1", scopes=frozenset()).may("predict")
