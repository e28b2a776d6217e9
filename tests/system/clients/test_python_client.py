"""Client on a real server, as its guide says: every script there is run as it stands, but for the port, and for how
long a busy machine may take. The shipped version reads, and a small one learns, which takes a moment."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from digitserve import Client, JobEvent
from tests.conftest import EXAMPLES, ROOT, set_apart
from tests.support.patience import PATIENCE_SECONDS, wait_until
from tests.system.harness import drawn, serving, small_champion

GUIDE = ROOT / "docs" / "guides" / "python-client.md"
SHIPPED, SMALL = "digits@1", "digits@2"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("served")
    with pytest.MonkeyPatch.context() as environment:
        set_apart(environment, folder)
        small_champion(folder / "store")
        with serving(folder / "log", "--workers", "1") as (_, url):
            yield url


@pytest.fixture(scope="module")
def client(server: str) -> Iterator[Client]:
    with Client(server, timeout=PATIENCE_SECONDS) as client:
        yield client


def serve(version: str, client: Client) -> None:
    client.promote(version)
    wait_until(lambda: client.predict(EXAMPLES / "7.png").model == version)


def test_the_guides_scripts_do_what_it_says(server: str, client: Client, tmp_path: Path) -> None:
    scripts = re.findall(r"^```python\n(.+?)^```", GUIDE.read_text(), re.M | re.S)
    (tmp_path / "docs").symlink_to(ROOT / "docs")
    command = [sys.executable, str(ROOT / "docs" / "handwriting.py"), "corrections.zip"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    told = []
    for script in scripts:
        script = script.replace('"http://127.0.0.1:8000"', f'"{server}", timeout={PATIENCE_SECONDS}')
        assert server in script
        serve(SMALL if "teach(" in script else SHIPPED, client)
        done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{script}\n{done.stdout}{done.stderr}"
        told.append(done.stdout)
    read, many, taught, looped, refused = told
    assert read.startswith("7 99.") and f"sure {SHIPPED}" in read
    assert [line.split()[0] for line in read.splitlines()[1:]] == ["4207", "915", "36", "1888"]
    assert [line.split() for line in many.splitlines()][3] == ["3.png", "3"] and len(many.splitlines()) == 10
    assert "epoch 5 of 5" in taught and "digits@3 accepted: " in taught
    assert looped.splitlines()[0][2:] == "23456789" and "epoch 5 of 5" in looped
    assert refused.startswith("image_invalid 422 ")


def test_teaching_twice_with_one_key_makes_one_version(client: Client, tmp_path: Path) -> None:
    """A folder, as people have it; the second call finds what the first one made, and hears all of it again."""
    pictures, heard = drawn(tmp_path / "mine", range(10), 2), list[JobEvent]()
    first = client.teach(pictures, model=SMALL, epochs=1, key="once")
    assert client.teach(pictures, model=SMALL, epochs=1, key="once", on_event=heard.append) == first
    assert [event.number for event in heard] == [str(number) for number in range(1, len(heard) + 1)]
    assert client.version(first.version).job == first.job
    assert len({job.training_file for job in client.jobs() if job.id == first.job}) == 1
