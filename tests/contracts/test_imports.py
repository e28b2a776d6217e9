"""What the import linter cannot see: what a running command really loads."""

import subprocess
import sys

import pytest

from tests.conftest import ROOT

HEAVY = ("torch", "torchvision", "sklearn", "matplotlib", "fastapi", "scipy", "sqlalchemy", "starlette")


def loaded_after(statement: str) -> set[str]:
    """Which of the heavy packages a fresh interpreter holds after a statement."""
    script = f"import sys\ntry:\n    {statement}\nexcept SystemExit:\n    pass\n"
    script += f"print('LOADED', *[name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=True, capture_output=True, text=True)
    return set(done.stdout.rsplit("LOADED", 1)[1].split())


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["models", "list"], ["models", "verify"], ["jobs", "--help"], ["jobs", "list", "--url", "nowhere"]],
)
def test_commands_about_files_and_jobs_load_no_torch_no_web_framework_and_no_database(arguments: list[str]) -> None:
    assert loaded_after(f"from app.cli.main import main; main({arguments})") == set()


def test_serving_loads_no_torchvision_and_nothing_of_training() -> None:
    start = "from app.main import create_app; from app.settings import Settings; create_app(Settings())"
    assert loaded_after(start) == {"torch", "fastapi", "starlette", "sqlalchemy"}


def test_the_supervisor_loads_no_torch_no_web_framework_and_no_database() -> None:
    assert loaded_after("from app.supervision import supervisor") == set()


def test_the_worker_loads_no_torch_and_no_web_framework() -> None:
    assert loaded_after("from app import background") == {"sqlalchemy"}


def test_the_help_of_training_loads_no_torch() -> None:
    assert loaded_after("from training.__main__ import main; main(['--help'])") == set()
