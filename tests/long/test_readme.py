"""The section about learning, typed as it stands to a server with the shipped version: four jobs."""

from pathlib import Path

from tests.system.test_readme import curl, learns

__all__ = ["curl"]  # the fixture


def test_the_section_about_learning_does_what_it_says(tmp_path: Path, curl: str) -> None:
    learns(tmp_path, curl, shipped=True)
