"""What `make` installs, when, and what it remembers. A script stands for Python: it writes down how it is called."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.conftest import ROOT

_PYTHON = """#!/bin/sh
if [ "$1 $2" = "-m venv" ]; then mkdir -p "$3/bin"; cp "$0" "$3/bin/python"; cp "$0" "$3/bin/pytest"; exit; fi
echo "$(basename "$0") $*" >> "$CALLS"
case "$*" in *"${FAILS:-no such word}"*) exit 1;; esac
"""


class Checkout:
    """A folder with the Makefile and what it asks for."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        for name in ("Makefile", "requirements.lock", "requirements-dev.lock", "pyproject.toml"):
            shutil.copy(ROOT / name, folder / name)
        (folder / "python").write_text(_PYTHON)
        (folder / "python").chmod(0o755)

    def make(self, *words: str, fails: str = "", ends_well: bool = False) -> list[str]:
        """What was called in turn, where `fails` is a word of the call that fails, which ends it or not."""
        calls = self._folder / "calls"
        calls.write_text("")
        env = {"PATH": os.environ["PATH"], "CALLS": str(calls)} | ({"FAILS": fails} if fails else {})
        command = ["make", "-j", f"PYTHON={self._folder / 'python'}", *words]
        done = subprocess.run(command, cwd=self._folder, env=env, capture_output=True, text=True, check=False)
        assert (done.returncode == 0) == (ends_well or not fails), done.stdout + done.stderr
        return [line for line in calls.read_text().splitlines() if "sys.exit" not in line]

    def newer(self, name: str) -> None:
        """As if somebody had pulled another one: what was installed is a minute old, not a tick of the file system."""
        for stamp in filter(Path.exists, (self._folder / ".venv" / name for name in (".runs", ".develops"))):
            os.utime(stamp, (stamp.stat().st_mtime - 60,) * 2)
        (self._folder / name).touch()


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


def _installed(calls: list[str]) -> list[str]:
    return [call.partition(" install ")[2].strip() for call in calls if " install " in call and "pip>=" not in call]


def test_the_demo_installs_what_runs_and_tests_what_develops(checkout: Checkout) -> None:
    calls = checkout.make("demo")
    ours = "--no-build-isolation --no-deps --editable ."
    assert _installed(calls) == ["--requirement requirements.lock", ours]
    said = calls.index("python setup/say_size.py requirements.lock")
    assert said < next(place for place, call in enumerate(calls) if "--requirement" in call)
    assert checkout.make("demo") == ["python docs/demo.py"]
    assert _installed(checkout.make("test")) == ["--requirement requirements-dev.lock", ours]
    assert not _installed(checkout.make("test")) and not _installed(checkout.make("demo"))


def test_tests_first_install_everything_at_once(checkout: Checkout) -> None:
    assert len(_installed(checkout.make("test"))) == 2
    assert not _installed(checkout.make("demo"))


@pytest.mark.parametrize("fails", ["--requirement", "--editable"])
def test_what_failed_is_tried_again(checkout: Checkout, fails: str) -> None:
    checkout.make("demo", fails=fails)
    assert len(_installed(checkout.make("demo"))) == 2
    checkout.newer("requirements.lock")
    checkout.make("demo", fails=fails)
    assert len(_installed(checkout.make("demo"))) == 2


def test_an_old_pip_is_no_obstacle(checkout: Checkout) -> None:
    calls = checkout.make("demo", fails="pip>=", ends_well=True)
    assert len(_installed(calls)) == 2 and calls[-1] == "python docs/demo.py"


def test_another_index_replaces_torch_and_is_remembered(checkout: Checkout) -> None:
    checkout.make("demo")
    first, second, _ = _installed(checkout.make("demo", "TORCH_INDEX=file:///builds"))
    only_torch = "--no-deps --constraint requirements.lock --index-url file:///builds torch torchvision"
    assert first == f"--force-reinstall {only_torch}"
    assert second == "--requirement requirements.lock --extra-index-url file:///builds"
    for words in (("demo",), ("demo", "TORCH_INDEX=file:///builds")):
        assert not _installed(checkout.make(*words))
    checkout.newer("requirements.lock")
    assert _installed(checkout.make("demo"))[0] == only_torch
    back = _installed(checkout.make("demo", "TORCH_INDEX="))[0].split()
    assert "--force-reinstall" in back and "--index-url" not in back
    assert not _installed(checkout.make("demo"))


def test_an_index_that_failed_is_not_remembered(checkout: Checkout) -> None:
    checkout.make("demo", "TORCH_INDEX=file:///gone", fails="--index-url")
    assert _installed(checkout.make("demo"))[0] == "--requirement requirements.lock"
