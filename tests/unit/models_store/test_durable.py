from pathlib import Path

import pytest

from models_store import durable


def test_write_replaces_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    durable.write(path, b"one")
    durable.write(path, b"two")
    assert path.read_bytes() == b"two"
    assert [p.name for p in tmp_path.iterdir()] == ["a.json"]


def test_a_write_that_fails_leaves_the_old_file_and_no_rest(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    durable.write(path, b"one")
    with pytest.raises(TypeError):
        durable.write(path, "no bytes")  # type: ignore[arg-type]
    assert path.read_bytes() == b"one"
    assert [p.name for p in tmp_path.iterdir()] == ["a.json"]
