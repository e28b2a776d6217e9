"""The README's curl lines, run as they stand (but for the port)."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.system.harness import serving


def test_the_curl_lines_are_answered(tmp_path: Path) -> None:
    if shutil.which("curl") is None:
        assert os.environ.get("CI") != "true", "curl is missing: apt-get install curl"
        pytest.skip("there is no curl here: apt-get install curl")
    lines = re.findall(r"^curl .+$", (ROOT / "README.md").read_text(), re.M)
    assert len(lines) >= 6
    with serving(tmp_path / "log", "--workers", "1") as (_, url):
        answers = []
        for line in lines:
            command = line.replace("http://127.0.0.1:8000", url).replace("curl ", "curl --silent --fail ", 1)
            done = subprocess.run(command, shell=True, cwd=ROOT, capture_output=True, text=True, check=False)
            assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
            answers.append(json.loads(done.stdout))
    assert (answers[0]["label"], answers[1]["label"]) == ("7", "3")
    assert len(answers[1]["probabilities"]) == 3
    assert [reading["label"] for reading in answers[2]["predictions"]] == ["1", "2"]
