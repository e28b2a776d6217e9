"""Descriptors, memory and MNIST; the port is looked at beside real servers, in tests/system/test_doctor.py."""

import resource
import socket
from pathlib import Path

from app.cli.doctor import machine
from app.settings import Settings
from tests.integration.cli.doctor.found import marked


def test_fewer_descriptors_than_connections_are_wanted() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert marked(machine.descriptors(Settings(max_connections=1))) == []
    found = marked(machine.descriptors(Settings(max_connections=100_000)), "note")
    is_too_low = hard != resource.RLIM_INFINITY and hard < 100_200
    assert len(found) == is_too_low and all("LimitNOFILE" in one and "100,200" in one for one in found)


def test_less_memory_than_the_processes_take() -> None:
    settings = Settings(workers=4)
    assert "lower DIGITSERVE_WORKERS" in marked(machine.memory(settings, limit=2**20))[0]
    assert "5 processes" in marked(machine.memory(settings, limit=2**50), "ok")[0]
    most = Settings(workers=4, max_bytes_waiting=2**40)
    assert "DIGITSERVE_MAX_BYTES_WAITING" in marked(machine.memory(most, limit=2**38), "note")[0]
    assert len(list(machine.memory(settings))) == 1


def test_mnist(tmp_path: Path) -> None:
    assert "serving needs none" in marked(machine.data(Settings(data_dir=tmp_path)), "note")[0]


def test_the_port_is_free_or_another_programs() -> None:
    finding, serves = machine.port(Settings(port=0))
    assert finding.mark == "ok" and not serves
    with socket.create_server(("127.0.0.1", 0)) as other:
        finding, serves = machine.port(Settings(port=other.getsockname()[1]))
    assert finding.mark == "bad" and not serves
    assert "set --host" in machine.port(Settings(host=".."))[0].do
    assert "set --host and --port" in machine.port(Settings(host="192.0.2.1"))[0].said
