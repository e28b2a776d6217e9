"""A child as its parent starts it: it gets nothing of ours."""

from contextlib import closing
from pathlib import Path

import pytest

from app.decoding.decoder import Decoder
from tests.support.children import DRAWING, SPEC


async def test_a_child_has_no_secret_and_no_descriptor_of_ours(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DIGITSERVE_DATABASE_URL", "postgresql://user:secret@host/name")
    with closing(Decoder()) as decoder, (tmp_path / "open").open("wb"):
        await decoder.read([DRAWING], SPEC)
        place = Path(f"/proc/{decoder.pids[0]}")
        assert b"secret" not in (place / "environ").read_bytes()
        targets = [str(link.readlink()) for link in (place / "fd").iterdir()]
        assert all(target == "/dev/null" or target.startswith("socket:") for target in targets), targets
        assert b"libtorch" not in (place / "maps").read_bytes()
