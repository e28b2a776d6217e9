"""The address to listen on: taken, waited for, or refused with what to do."""

import socket
import threading

import pytest
from structlog.testing import capture_logs

from app.errors import CannotListen
from app.supervision.address import listening_socket, url
from tests.unit.app.supervision.test_probe import answering, problem


def test_a_free_port_is_taken_and_spelled() -> None:
    with listening_socket("127.0.0.1", 0) as listener:
        address = listener.getsockname()
        assert url(listener) == f"http://127.0.0.1:{address[1]}"
        socket.create_connection(address).close()


def test_an_ipv6_address_is_in_brackets() -> None:
    with listening_socket("::1", 0) as listener:
        assert url(listener).startswith("http://[::1]:")


def test_another_program_there_is_refused() -> None:
    with answering(404, b"no") as port, pytest.raises(CannotListen, match="Stop what runs there"):
        listening_socket("127.0.0.1", port)


def test_an_address_of_another_machine_is_refused() -> None:
    with pytest.raises(CannotListen, match=r"Cannot listen on 192\.0\.2\.1:1.* --host or DIGITSERVE_HOST"):
        listening_socket("192.0.2.1", 1)  # RFC 5737: nobody's


@pytest.mark.parametrize("host", ["no-host.invalid", "http://127.0.0.1", "..", "a" * 70, "127.0.0.1:80"])
def test_a_host_that_nobody_knows_is_refused_by_name(host: str) -> None:
    with pytest.raises(CannotListen, match=r"\(.+\)\. Name an address of this machine with --host") as refused:
        listening_socket(host, 8000)
    assert host in str(refused.value) and "--port" not in str(refused.value)


def test_a_digitserve_that_stays_is_named() -> None:
    body = b'{"status": "ready", "model": "digits@2"}'
    with answering(200, body) as port, pytest.raises(CannotListen, match=f"http://127.0.0.1:{port} already"):
        listening_socket("127.0.0.1", port)


def test_it_waits_for_one_that_is_about_to_end() -> None:
    got: list[socket.socket] = []
    with capture_logs() as said:
        with answering(503, problem("draining")) as port:
            waiter = threading.Thread(target=lambda: got.append(listening_socket("127.0.0.1", port)))
            waiter.start()
            while not said:  # until it was seen that the other ends
                waiter.join(0.01)
                assert waiter.is_alive()
        waiter.join()
    got[0].close()
    assert [line["event"] for line in said] == ["waiting"]


def test_it_waits_for_processes_of_a_server_that_was_killed() -> None:
    """They hold the socket, and answer nobody: until they have noticed it."""
    got: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as orphaned:
        port = orphaned.getsockname()[1]
        waiter = threading.Thread(target=lambda: got.append(listening_socket("127.0.0.1", port)))
        waiter.start()
        waiter.join(0.5)
        assert waiter.is_alive()
    waiter.join()
    got[0].close()


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="this system has no such option")
def test_connections_notice_who_vanishes() -> None:
    with (
        listening_socket("127.0.0.1", 0) as listener,
        socket.create_connection(listener.getsockname()),
        listener.accept()[0] as accepted,
    ):
        assert accepted.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
        assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 30
        assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 60_000
