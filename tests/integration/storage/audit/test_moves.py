"""No alias moves without entries, whoever moves it; what is not moved is told too."""

import pytest

from app.storage.audit.moves import AuditedRegistry
from app.storage.audit.reading import AuditLog
from app.storage.audit.trail import Trail
from app.storage.db import Database
from models_store.errors import AliasConflict
from models_store.registry import Registry
from tests.conftest import republished


def test_every_move_is_announced_and_concluded(registry: Registry, database: Database) -> None:
    republished(registry)
    audited = AuditedRegistry(registry, Trail(database))
    audited.promote("digits", 2, expected=1)
    audited.rollback("digits")
    audited.promote("digits", 2, expected=None, alias="candidate")
    audited.unalias("digits", "candidate", expected=2)
    with pytest.raises(AliasConflict):
        audited.promote("digits", 2, expected=7)
    assert registry.aliases("digits") == {"champion": 1, "previous": 2}
    listed = AuditLog(database).list(100)[0]
    assert not any(one.is_open for one in listed)
    found = [one.entry for one in reversed(listed) if one.entry.outcome != "begun"]
    assert [(one.what, one.target, one.outcome) for one in found] == [
        ("version_promoted", "digits@2", "done"), ("version_rolled_back", "digits", "done"),
        ("alias_set", "digits@2", "done"), ("alias_removed", "digits@candidate", "done"),
        ("version_promoted", "digits@2", "refused"),
    ]  # fmt: skip
    assert found[0].details == '{"alias":"champion","before":1}'
    assert found[1].details == '{"champion":1,"previous":2}'
