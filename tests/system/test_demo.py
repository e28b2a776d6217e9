"""`make demo`: what a person sees first."""

import re
import subprocess
import sys

from tests.conftest import ROOT


def test_the_demo_reads_every_picture() -> None:
    done = subprocess.run([sys.executable, "docs/demo.py"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "10 of 10 read right" in done.stdout
    (shown,) = re.findall(r"^```text\n(  picture .+?)^```", (ROOT / "README.md").read_text(), re.M | re.S)
    printed = [_without_figures(line) for line in done.stdout.splitlines()]
    assert all(_without_figures(line) in printed for line in shown.splitlines() if line.strip() != "…")


def _without_figures(line: str) -> str:
    return re.sub(r"[\d.]+", "0", " ".join(line.split()))
