import sys
from pathlib import Path

import pytest

from benchmarks.peers import install, servers


def test_a_program_of_an_environment_is_found_where_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIGITSERVE_PEERS_DIR", str(tmp_path))
    assert install.program("mosec") is None
    (tmp_path / "mosec" / "bin").mkdir(parents=True)
    (tmp_path / "mosec" / "bin" / "python").symlink_to(sys.executable)
    assert install.program("mosec") == tmp_path / "mosec" / "bin" / "python"
    assert install.program("mosec", "pip") is None


def test_each_peer_that_is_not_installed_is_named_with_the_command_that_installs_it(tmp_path: Path) -> None:
    can = servers.startable(tmp_path / "model.pt", tmp_path, tmp_path)
    assert list(can.servers) == [servers.OURS, servers.TUTORIAL, servers.BARE]
    for peer in (servers.MOSEC, servers.TORCHSERVE, servers.LITSERVE):
        assert peer in install.ENVIRONMENTS
        assert f"{peer} is missing: .venv/bin/python -m benchmarks.peers.install {peer}" in can.missing
