"""A client that a generator makes of the OpenAPI document reads, uploads and follows a job, as the guide says."""

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import EXAMPLES, ROOT
from tests.support.patience import PATIENCE_SECONDS, wait_until
from tests.system.harness import caller, drawn, serving, small_champion

GUIDE = (ROOT / "docs" / "guides" / "generated-clients.md").read_text()


def block(language: str) -> str:
    """The one block of a language on the guide."""
    (found,) = re.findall(rf"^```{language}\n(.+?)^```", GUIDE, re.M | re.S)
    return str(found)


def zipped(folder: Path, target: Path) -> None:
    with zipfile.ZipFile(target, "w") as archive:
        for path in sorted(folder.rglob("*.png")):
            archive.write(path, path.relative_to(folder).as_posix())


def test_it_is_made_without_a_warning_and_does_what_the_guide_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "openapi-python-client.yaml").write_text(block("yaml"))
    zipped(drawn(tmp_path / "pictures", range(10), 6), tmp_path / "my-digits.zip")
    (tmp_path / "docs").symlink_to(ROOT / "docs")
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    small_champion(tmp_path / "store")
    with serving(tmp_path / "log", "--workers", "1") as (_, url):
        made = run(["sh", "-e", "-c", block("sh")], tmp_path)
        assert "arning" not in made, made
        expected = answer(url)
        script = block("python").replace("http://127.0.0.1:8000", url)
        command = [sys.executable, "-c", script]
        with subprocess.Popen(command, cwd=tmp_path, env=with_client(tmp_path), stdout=subprocess.PIPE) as child:
            wait_until(lambda: child.poll() is not None, progress=lambda: jobs(url))  # a training takes what it takes
            assert child.stdout is not None
            read, uploaded, ended = child.stdout.read().decode().splitlines()
    label, confidence = read.split()
    assert label == expected["label"]  # a small version's, which learns in a moment and reads as it can
    assert float(confidence) == pytest.approx(expected["confidence"], abs=1e-3)
    assert uploaded == "60 pictures to learn from"
    assert ended == "succeeded digits@3"


def with_client(folder: Path) -> dict[str, str]:
    """An environment in which a client that lies in the folder can be imported."""
    return {**os.environ, "PYTHONPATH": str(folder)}


def answer(url: str) -> dict[str, Any]:
    """What the server reads on the guide's picture."""
    with caller(url) as http:
        sent = http.post(
            "/v1/predict", content=(EXAMPLES / "7.png").read_bytes(), headers={"content-type": "image/png"}
        )
        return dict(sent.raise_for_status().json())


def jobs(url: str) -> str:
    """How far they are."""
    with caller(url) as http:
        return http.get("/v1/fine_tuning/jobs").text


def run(command: list[str], folder: Path) -> str:
    """What a command writes; it ends with 0."""
    done = subprocess.run(
        command, cwd=folder, env=with_client(folder), capture_output=True, text=True, check=False,
        timeout=PATIENCE_SECONDS,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr
