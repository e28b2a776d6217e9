"""A wheel beside somebody else's `app` and `training`, used in a folder that has an `app` too: nobody is in the way."""

import subprocess
import sys
import sysconfig
import venv
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.conftest import EXAMPLES, ROOT
from tests.support.patience import PATIENCE_SECONDS
from tests.system import harness

THEIRS = "raise SystemExit('this is somebody else')"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of commands of an environment with the wheel, and with this one's packages but for the checkout."""
    folder = tmp_path_factory.mktemp("installed")
    venv.create(folder / "env", symlinks=True)
    python = folder / "env" / "bin" / "python"
    site = Path(sysconfig.get_path("purelib", vars={"base": str(folder / "env")}))
    (site / "packages.pth").write_text(
        sysconfig.get_path("purelib")
    )  # its own .pth files, as the checkout's, are not read
    for name in ("app", "training"):
        for place in (site / name, folder / "here" / name):
            place.mkdir(parents=True)
            for module in ("__init__.py", "__main__.py"):
                (place / module).write_text(THEIRS)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    _done([*pip, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder), str(ROOT)], ROOT)
    (wheel,) = folder.glob("*.whl")
    _done([*pip, "--python", str(python), "install", "--no-deps", "--no-index", str(wheel)], ROOT)
    return folder / "env" / "bin"


@pytest.fixture
def here(installed: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder of the commands, with an `app` of its own."""
    monkeypatch.delenv("PYTHONPATH", raising=False)
    return installed.parent.parent / "here"


def _done(command: Sequence[str | Path], folder: Path) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _files(installed: Path) -> set[str]:
    script = "import importlib.metadata as m; print(*m.files('digitserve'), sep='\\n')"
    return set(_done([installed / "python", "-c", script], installed).split())


def test_only_one_name_is_taken(installed: Path) -> None:
    names = {name.partition("/")[0] for name in _files(installed)}  # ".." leads to bin/
    assert {name for name in names if not name.endswith(".dist-info")} == {"digitserve", ".."}


def test_all_of_the_sources_are_in_it(installed: Path) -> None:
    tracked = _done(["git", "ls-files", "app", "models_store", "training"], ROOT).split()
    wanted = {f"digitserve/{name}" for name in tracked if (ROOT / name).exists()}
    ours = {path.relative_to(ROOT).as_posix() for path in (ROOT / "digitserve").rglob("*.py")}
    assert wanted | ours | {"digitserve/py.typed"} <= _files(installed)


def test_the_commands(installed: Path, here: Path, tmp_path: Path) -> None:
    """The export is done by a child, which is started as `python -m training`."""
    assert "digits@2" in _done([installed / "digitserve", "models", "list"], here)
    assert "finetune" in _done([installed / "digitserve-training", "--help"], here)
    file = tmp_path / "weights.pt"
    _done([installed / "digitserve", "models", "export", "digits@2", "--to", "state_dict", file], here)
    assert file.stat().st_size > 100_000


def test_somebody_elses_code_finds_its_own(installed: Path, here: Path) -> None:
    """Importing the package, as tools do that look around, changes nothing for others."""
    script = "import digitserve, importlib.util; print(importlib.util.find_spec('app').origin)"
    origin = Path(_done([installed / "python", "-P", "-c", script], here).strip())
    assert origin.parent.parent.name == "site-packages"


def test_it_serves(installed: Path, here: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server's processes are started as `python -m app`."""
    monkeypatch.setenv("DIGITSERVE_JOB_WORKERS", "0")
    log = tmp_path / "log"
    with log.open("w") as output:
        command = [str(installed / "digitserve"), "serve", "--port", "0", "--workers", "1"]
        child = subprocess.Popen(command, cwd=here, stdout=output, stderr=subprocess.STDOUT)
    try:
        url = harness.until(log, "listening")[0]["url"]
        ask = f"Client({url!r}, timeout={PATIENCE_SECONDS}).predict({str(EXAMPLES / '7.png')!r}).label"
        script = f"from digitserve import Client; print({ask})"  # beside somebody else's `app`, which it does not need
        assert _done([installed / "python", "-c", script], here) == "7\n"
    finally:
        child.terminate()
        assert child.wait(60) == 0
