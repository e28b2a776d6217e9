"""The commands of README and guides, run as they stand (but for the port)."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from models_store.refs import Ref
from models_store.registry import Registry
from tests.conftest import ROOT, set_apart
from tests.support.programs import missing
from tests.system.harness import serving, small_champion

GUIDES = ROOT / "docs" / "guides"


def section(page: Path, title: str) -> str:
    """What stands under a heading of a document."""
    return page.read_text().split(f"\n## {title}\n")[1].split("\n## ")[0]


def shell(page: Path, title: str) -> list[str]:
    """The shell blocks under a heading."""
    return re.findall(r"^```sh\n(.+?)^```", section(page, title), re.M | re.S)


@pytest.fixture
def curl() -> str:
    """curl, silent, and with an exit code for answers that say no."""
    if shutil.which("curl") is None:
        missing("curl", "curl")
    return "curl --silent --fail "


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server that has just been started, for all whose lines only ask it for answers."""
    folder = tmp_path_factory.mktemp("served")
    with pytest.MonkeyPatch.context() as environment:
        set_apart(environment, folder)
        environment.setenv("DIGITSERVE_JOB_WORKERS", "0")
        with serving(folder / "log", "--workers", "1", shipped=True) as (_, url):
            yield url


def answered(lines: list[str], server: str, curl: str) -> list[Any]:
    """What the server answers to each of the lines."""
    answers = []
    for line in lines:
        command = line.replace("http://127.0.0.1:8000", server).replace("curl ", curl, 1)
        done = subprocess.run(command, shell=True, cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
        answers.append(json.loads(done.stdout))
    return answers


def test_the_readmes_five_curl_lines_are_answered(server: str, curl: str) -> None:
    text = section(ROOT / "README.md", "Five lines of curl")
    lines = re.findall(r"^curl .+$", text, re.M)
    assert len(lines) == 5
    one, several, page, correction, models = answered(lines, server, curl)
    (shown,) = re.findall(r"^```json\n(.+?)^```", text, re.M | re.S)
    shown = json.loads(shown)
    assert one.keys() == shown.keys() and one["timing_ms"].keys() == shown["timing_ms"].keys()
    assert all(one[key] == shown[key] for key in ("model", "label", "uncertain"))
    assert len(one["probabilities"]) == 3
    assert [reading["label"] for reading in several["predictions"]] == ["1", "2"]
    assert page["text"] == "4207 915\n36 1888"
    assert correction["label"] == "1"
    assert models["data"][0]["id"] == "digits"


def test_the_curl_lines_about_serving_are_answered(server: str, curl: str) -> None:
    lines = re.findall(r"^curl .+$", section(GUIDES / "serve.md", "Send pictures"), re.M)
    assert len(lines) >= 8
    answers = answered(lines, server, curl)
    assert (answers[0]["label"], answers[1]["label"]) == ("7", "3")
    assert len(answers[1]["probabilities"]) == 3
    assert [reading["label"] for reading in answers[2]["predictions"]] == ["1", "2"]


def learns(tmp_path: Path, curl: str, *, shipped: bool) -> None:
    """Types what the section about learning says to a server on the store in the folder, with a champion `digits@2`."""
    guide = GUIDES / "fine-tune-while-serving.md"
    shells = shell(guide, "Try it")
    (script,) = re.findall(r"^```python\n(.+?)^```", section(guide, "Try it"), re.M | re.S)
    (with_aliases,) = re.findall(r"^```sh\n(curl .+?)^```", (GUIDES / "versions.md").read_text(), re.M | re.S)
    (tmp_path / "docs").symlink_to(ROOT / "docs")
    with serving(tmp_path / "log", "--workers", "1", shipped=shipped) as (_, url):
        port = {**os.environ, "DIGITSERVE_PORT": url.rpartition(":")[2]}

        def told(*command: str) -> str:
            done = subprocess.run(command, cwd=tmp_path, env=port, capture_output=True, text=True, check=False)
            assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
            return done.stdout

        def typed(lines: str) -> str:
            lines = lines.replace("http://127.0.0.1:8000", url).replace("curl ", curl)
            programs = {"python": sys.executable, "digitserve": f"{sys.executable} -m app"}
            lines = re.sub(r"\.venv/bin/(python|digitserve)", lambda found: programs[found[1]], lines)
            return told("bash", "-euo", "pipefail", "-c", lines)

        with_curl = typed(shells[0])
        assert "data: " in with_curl and '"fine_tuned_model":"digits@3"' in with_curl
        assert with_curl.rstrip().endswith('"aliases":{"champion":2,"previous":3}}')
        assert typed(with_aliases).rstrip().endswith('"aliases":{"champion":2,"previous":3}}')
        assert "digits@4 serves now" in typed(shells[1])
        assert told(sys.executable, "-c", script.replace("http://127.0.0.1:8000", url)).endswith("succeeded digits@5\n")
    registry = Registry(tmp_path / "store")
    assert registry.versions("digits")[-4:] == [2, 3, 4, 5]
    assert registry.aliases("digits") == {"champion": 4, "previous": 2}
    assert all(registry.verify(Ref("digits", None, number)).manifest.parent == "digits@2" for number in (3, 4, 5))


def test_the_section_about_learning_does_what_it_says(tmp_path: Path, curl: str) -> None:
    """With a small version, which learns in a moment; tests/long has it with the shipped one."""
    small_champion(tmp_path / "store")
    learns(tmp_path, curl, shipped=False)
