"""Settings that are none, that nothing reads, that contradict each other; and who gets in."""

from contextlib import closing
from typing import Any

import pytest

from app.cli.doctor import chosen
from app.settings import Settings
from app.storage.db import Database
from app.web.access.key_store import KeyStore
from tests.integration.cli.doctor.found import marked

CONTRADICTIONS: list[tuple[dict[str, Any], str]] = [
    ({"max_file_bytes": 2**28}, "DIGITSERVE_MAX_BYTES_WAITING"),
    ({"feedback_promote": "if_better"}, "DIGITSERVE_FEEDBACK_JOB_AFTER"),
    ({"feedback_promote": "shadow", "feedback_job_after": 9, "shadow_share": 0.0}, "DIGITSERVE_SHADOW_SHARE"),
    ({"jobs_max_waiting": 10}, "DIGITSERVE_JOBS_MAX_PER_CLIENT"),
    ({"job_streams": 10}, "DIGITSERVE_JOB_STREAMS_PER_CLIENT"),
    ({"root_path": "/digits"}, "DIGITSERVE_TRUSTED_PROXIES"),
]


@pytest.mark.parametrize(("given", "named"), CONTRADICTIONS)
def test_a_contradiction_is_told_and_the_defaults_have_none(given: dict[str, Any], named: str) -> None:
    (said,) = marked(chosen.contradictions(Settings(**given)), "note")
    assert named in said
    assert marked(chosen.contradictions(Settings()), "ok") == ["no setting contradicts another"]


def test_what_cannot_be_used_and_what_nothing_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIGITSERVE_WORKERS", "many")
    monkeypatch.setenv("DIGITSERVE_WORKER", "2")
    settings, refused = Settings.lenient()
    found = list(chosen.unusable(refused))
    assert "DIGITSERVE_WORKERS is not usable: it is 'many'" in marked(found)[0] and settings.workers == 0
    assert "Is DIGITSERVE_WORKERS meant?" in marked(found, "note")[0]


def test_who_gets_in() -> None:
    def said(mark: str, **given: Any) -> list[str]:
        return marked(chosen.keys(Settings(**given), 2.0), mark)

    assert "this machine may do all" in said("note")[0]
    (refused,) = said("bad", host="0.0.0.0")
    assert "would refuse to start" in refused and "digitserve keys create" in refused
    assert "whoever reaches 0.0.0.0" in said("note", host="0.0.0.0", insecure=True)[0]
    with closing(Database(Settings().database)) as database:
        _, row = KeyStore(database).create("x", ["admin"])
        assert "1 of them count" in said("ok")[0]
        assert "DIGITSERVE_INSECURE has no effect" in said("note", insecure=True)[0]
        KeyStore(database).revoke(row.id)
    assert "none counts any longer" in said("note")[0]
