"""Which addresses only this machine reaches, however they are spelled."""

import socket
from pathlib import Path

import pytest

from app.web.access.loopback import is_elsewhere, is_loopback, listens_on_loopback, socket_on_loopback

HERE = ["127.0.0.1", "127.8.9.10", "::1", "::ffff:127.0.0.1", "::1%lo"]
ELSEWHERE = ["0.0.0.0", "::", "10.0.0.1", "::ffff:10.0.0.1", "fe80::1", "2001:db8::1", "", "unix:", "127.0.0.1.example"]


@pytest.mark.parametrize("address", HERE)
def test_loopback_is_this_machine(address: str) -> None:
    assert is_loopback(address)


@pytest.mark.parametrize("address", ELSEWHERE)
def test_every_other_address_is_not(address: str) -> None:
    assert not is_loopback(address)


def test_a_name_is_what_it_resolves_to() -> None:
    assert listens_on_loopback("localhost") and listens_on_loopback("127.0.0.1")
    assert not listens_on_loopback("0.0.0.0")
    assert not listens_on_loopback("no.such.name.invalid")


def test_a_socket_is_what_it_listens_on(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as here, socket.create_server(("0.0.0.0", 0)) as all_of_them:
        assert socket_on_loopback(here.fileno()) and not socket_on_loopback(all_of_them.fileno())
        assert here.getsockname()[1]  # it is open still
    with socket.socket(socket.AF_UNIX) as unix:
        unix.bind(str(tmp_path / "socket"))
        assert not socket_on_loopback(unix.fileno())  # mostly a proxy is at its other end


@pytest.mark.parametrize("address", ["10.0.0.1", "0.0.0.0", "::", "fe80::1%eth0", "::ffff:10.0.0.1"])
def test_another_machines_address(address: str) -> None:
    assert is_elsewhere(address)


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "::ffff:127.0.0.1", "testclient", ""])
def test_no_address_of_another_machine(address: str) -> None:
    assert not is_elsewhere(address)
