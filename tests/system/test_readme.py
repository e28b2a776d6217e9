"""The README's commands, run as they stand (but for the port)."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from models_store.refs import Ref
from models_store.registry import Registry
from tests.conftest import ROOT
from tests.system.harness import serving


def section(title: str) -> str:
    """What stands under a heading of the README."""
    return (ROOT / "README.md").read_text().split(f"\n## {title}\n")[1].split("\n## ")[0]


@pytest.fixture
def curl() -> str:
    """curl, silent, and with an exit code for answers that say no."""
    if shutil.which("curl") is None:
        assert os.environ.get("CI") != "true", "curl is missing: apt-get install curl"
        pytest.skip("there is no curl here: apt-get install curl")
    return "curl --silent --fail "


def test_the_curl_lines_about_serving_are_answered(tmp_path: Path, curl: str) -> None:
    lines = re.findall(r"^curl .+$", section("Serve"), re.M)
    assert len(lines) >= 8
    with serving(tmp_path / "log", "--workers", "1", shipped=True) as (_, url):
        answers = []
        for line in lines:
            command = line.replace("http://127.0.0.1:8000", url).replace("curl ", curl, 1)
            done = subprocess.run(command, shell=True, cwd=ROOT, capture_output=True, text=True, check=False)
            assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
            answers.append(json.loads(done.stdout))
    assert (answers[0]["label"], answers[1]["label"]) == ("7", "3")
    assert len(answers[1]["probabilities"]) == 3
    assert [reading["label"] for reading in answers[2]["predictions"]] == ["1", "2"]


def test_the_section_about_learning_does_what_it_says(tmp_path: Path, curl: str) -> None:
    shells = re.findall(r"^```sh\n(.+?)^```", section("It learns from your corrections"), re.M | re.S)
    (script,) = re.findall(r"^```python\n(.+?)^```", section("It learns from your corrections"), re.M | re.S)
    (tmp_path / "docs").symlink_to(ROOT / "docs")
    with serving(tmp_path / "log", "--workers", "1", shipped=True) as (_, url):
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
        assert "digits@4 serves now" in typed(shells[1])
        assert told(sys.executable, "-c", script.replace("http://127.0.0.1:8000", url)).endswith("succeeded digits@5\n")
    registry = Registry(tmp_path / "store")
    assert registry.versions("digits") == [2, 3, 4, 5] and registry.aliases("digits") == {"champion": 4, "previous": 2}
    assert all(registry.verify(Ref("digits", None, number)).manifest.parent == "digits@2" for number in (3, 4, 5))
