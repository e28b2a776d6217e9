"""doctor, run as people run it: on a healthy machine, on a broken one, and beside a server."""

import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from app.cli.main import main
from tests.support.read_only import read_only
from tests.system.harness import Told, command, serving

Looking = Callable[..., Told]


@pytest.fixture
def doctor(capsys: pytest.CaptureFixture[str]) -> Looking:
    """`digitserve doctor` with these settings, without the seconds that a process of its own takes to start."""

    def looked(**settings: str) -> Told:
        capsys.readouterr()
        with pytest.MonkeyPatch.context() as environment:
            for name, value in settings.items():
                environment.setenv(name, value)
            return Told(main(["doctor"]), *capsys.readouterr())

    return looked


def test_doctor_finds_a_healthy_machine_healthy_and_a_missing_store_not(tmp_path: Path, doctor: Looking) -> None:
    free = command("doctor", DIGITSERVE_PORT="0")
    assert free.returncode == 0, free.stdout
    blocked = tmp_path / "file"
    blocked.write_text("no folder")
    bad = doctor(DIGITSERVE_PORT="0", DIGITSERVE_STORE_DIR=str(blocked / "store"))
    assert bad.code == 1
    assert "Set DIGITSERVE_STORE_DIR" in bad.out


def test_doctor_knows_its_own_server_and_another_program(tmp_path: Path, doctor: Looking) -> None:
    with serving(tmp_path / "log", "--workers", "1") as (_, url):
        port = url.rsplit(":", 1)[1]
        for host in ("127.0.0.1", "0.0.0.0"):
            own = doctor(DIGITSERVE_HOST=host, DIGITSERVE_PORT=port, DIGITSERVE_INSECURE="true")
            assert own.code == 0, own.out
            assert f"ok    port {port} on {host}: DigitServe runs there, and digits@1 answers" in own.out
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = doctor(DIGITSERVE_PORT=str(other.getsockname()[1]))
    assert taken.code == 1
    assert "is taken by another program: serve on another with --port" in taken.out


def test_doctor_names_what_can_only_be_read_and_every_setting_that_is_not_usable(
    tmp_path: Path, doctor: Looking
) -> None:
    for name in ("store", "state"):
        (tmp_path / name).mkdir()
    with read_only(tmp_path / "state"):
        told = doctor(DIGITSERVE_PORT="tcp://10.96.0.17:8000", DIGITSERVE_WORKERS="many", DIGITSERVE_DEVICE="gpu")
    assert told.code == 1
    bad = [line for line in told.out.splitlines() if line.startswith("BAD ")]
    assert "DIGITSERVE_WORKERS is not usable: it is 'many'" in told.out and "DIGITSERVE_DEVICE" in told.out
    (state,) = [line for line in bad if str(tmp_path / "state") in line]
    assert "can't be written" in state
    assert "port 8000 on" in told.out
    (tmp_path / "state").rmdir()
    (tmp_path / "state").touch()
    assert "Set DIGITSERVE_STATE_DIR" in doctor(DIGITSERVE_PORT="0").out
    (tmp_path / "state").unlink()
    (tmp_path / "state").symlink_to("nothing")
    lost = doctor(DIGITSERVE_PORT="0", DIGITSERVE_HOST="..").out
    assert "it is a link to what is not there" in lost and "set --host" in lost
