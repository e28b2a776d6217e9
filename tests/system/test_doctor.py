"""doctor, run as people run it: on a healthy machine, on a broken one, and beside a server."""

import socket
from pathlib import Path

from tests.support.read_only import read_only
from tests.system.harness import command, serving


def test_doctor_finds_a_healthy_machine_healthy_and_a_missing_store_not(tmp_path: Path) -> None:
    free = command("doctor", DIGITSERVE_PORT="0")
    assert free.returncode == 0, free.stdout
    blocked = tmp_path / "file"
    blocked.write_text("no folder")
    bad = command("doctor", DIGITSERVE_PORT="0", DIGITSERVE_STORE_DIR=str(blocked / "store"))
    assert bad.returncode == 1
    assert "Set DIGITSERVE_STORE_DIR" in bad.stdout


def test_doctor_knows_its_own_server_and_another_program(tmp_path: Path) -> None:
    with serving(tmp_path / "log", "--workers", "1") as (_, url):
        port = url.rsplit(":", 1)[1]
        for host in ("127.0.0.1", "0.0.0.0"):
            own = command("doctor", DIGITSERVE_HOST=host, DIGITSERVE_PORT=port, DIGITSERVE_INSECURE="true")
            assert own.returncode == 0, own.stdout
            assert f"ok    port {port} on {host}: DigitServe runs there, and digits@1 answers" in own.stdout
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = command("doctor", DIGITSERVE_PORT=str(other.getsockname()[1]))
    assert taken.returncode == 1
    assert "is taken by another program: serve on another with --port" in taken.stdout


def test_doctor_names_what_can_only_be_read_and_every_setting_that_is_not_usable(tmp_path: Path) -> None:
    for name in ("store", "state"):
        (tmp_path / name).mkdir()
    with read_only(tmp_path / "state"):
        told = command(
            "doctor", DIGITSERVE_PORT="tcp://10.96.0.17:8000", DIGITSERVE_WORKERS="many", DIGITSERVE_DEVICE="gpu"
        )
    assert told.returncode == 1
    bad = [line for line in told.stdout.splitlines() if line.startswith("BAD ")]
    assert "DIGITSERVE_WORKERS is not usable: it is 'many'" in told.stdout and "DIGITSERVE_DEVICE" in told.stdout
    (state,) = [line for line in bad if str(tmp_path / "state") in line]
    assert "can't be written" in state
    assert "port 8000 on" in told.stdout
    (tmp_path / "state").rmdir()
    (tmp_path / "state").touch()
    assert "Set DIGITSERVE_STATE_DIR" in command("doctor", DIGITSERVE_PORT="0").stdout
    (tmp_path / "state").unlink()
    (tmp_path / "state").symlink_to("nothing")
    lost = command("doctor", DIGITSERVE_PORT="0", DIGITSERVE_HOST="..").stdout
    assert "it is a link to what is not there" in lost and "set --host" in lost
