"""What a job makes of its version is in the audit log: who promoted it, and that it was made."""

import json

from app.jobs import promotion
from app.jobs.job import State
from app.jobs.leases import Leases
from app.storage.audit.acting import Actor, act_as, as_worker
from app.storage.audit.moves import AuditedRegistry
from app.storage.audit.reading import AuditLog, Wanted
from app.storage.audit.trail import Trail
from models_store.registry import Registry
from tests.support.ordered import order
from tests.support.played import RESULT, Played, World


def test_a_version_that_a_worker_promotes(registry: Registry, world: World) -> None:
    world.store.cancel("ftjob-1")
    world.registry = AuditedRegistry(registry, Trail(world.database))
    world.leases = Leases(world.database, on_success=promotion.note)
    job = world.store.add(order(training_file="file-a", promote="if_better"), job_id="ftjob-2", client="x")
    as_worker("me")
    try:
        assert world.attempt(Played({"event": "ready"}, None, RESULT, 0)).state == State.SUCCEEDED
    finally:
        act_as(Actor())
    assert world.champion == 2
    found = [one.entry for one in reversed(AuditLog(world.database).list(100, None, Wanted(who="worker:"))[0])]
    assert [(one.what, one.target, one.outcome, one.who) for one in found] == [
        ("version_promoted", "digits@2", "begun", "worker:me"),
        ("version_promoted", "digits@2", "done", "worker:me"),
        ("version_made", "digits@2", "done", "worker:me"),
    ]
    details = [json.loads(one.details) for one in found]
    assert all(one["job"] == job.id for one in details)
    assert details[2] == {
        "job": job.id, "base": "digits@1", "accepted": True, "promoted": True, "in_shadow": False
    }  # fmt: skip


def test_one_that_waits_for_a_person_is_made_and_not_promoted(registry: Registry, world: World) -> None:
    world.registry = AuditedRegistry(registry, Trail(world.database))
    world.leases = Leases(world.database, on_success=promotion.note)
    world.store.cancel("ftjob-1")
    world.store.add(order(training_file="file-a", promote="never"))
    world.attempt(Played({"event": "ready"}, None, RESULT, 0))
    found = [one.entry.what for one in AuditLog(world.database).list(100)[0]]
    assert found[0] == "version_made" and "version_promoted" not in found
