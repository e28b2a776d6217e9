"""/v1/audit: who did what, on what, and how it ended. It is read here and changed nowhere."""

import json
import re
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from app.errors import NotFound
from app.storage.audit.reading import AuditLog, Listed, Wanted
from app.storage.audit.record import ActOutcome, What
from app.storage.db import WAIT_SECONDS
from app.web.openapi import raises
from app.web.openapi.codes import kept
from app.web.route import StrictRoute
from app.web.threads import ThreadLane

_THREADS = 2
_PAGE = 100
_LATEST = 2**40  # seconds
_ID = re.compile(r"audit-([1-9][0-9]{0,17})")
_WORDS = r"^[!-~]{1,160}$"  # no other text is a name here


class AuditEntry(BaseModel):
    """One act."""

    id: str = Field(examples=["audit-17"])
    object: Literal["audit.entry"] = "audit.entry"
    at: float = Field(description="Unix time, of the database's clock", examples=[1790000000.25])
    who: str = Field(
        description="`key:` and a key's id, `local` on this machine, `addr:` and a keyed hash of a network, `user:` "
        "who typed a command, `worker:`, `shadow` where a comparison decided, `service`",
        examples=["key:0a1b2c3d4e5f6071"],
    )
    what: What = Field(examples=["version_promoted"])
    target: str | None = Field(description="on what: a ref, an id", examples=["digits@2"])
    outcome: ActOutcome = Field(
        description="`begun` is written before files are touched, and another entry refers to it when that is over",
        examples=["done"],
    )
    is_open: bool = Field(
        description="begun, and nothing says how it ended: a crash came between, or it goes on", examples=[False]
    )
    request_id: str | None = Field(description="as in the log and in the answer", examples=["req_5f2a9c0d1e7b4a68"])
    refers_to: str | None = Field(description="the entry that began it", examples=["audit-16"])
    details: dict[str, Any] = Field(examples=[{"alias": "champion", "before": 1}])
    digest: str = Field(
        description="SHA-256 of this entry and, through the one before, of all before it",
        examples=["d3c036622f4b18912de7f1503bde6eeca20ff8a53477dda7270fd19ea4f5de46"],
    )


class AuditList(BaseModel):
    """A page, the newest first."""

    object: Literal["list"] = "list"
    data: list[AuditEntry]
    first_id: str | None = Field(examples=["audit-17"])
    last_id: str | None = Field(examples=["audit-17"])
    has_more: bool


def router(log: AuditLog, wait_seconds: float = WAIT_SECONDS) -> APIRouter:
    """The route, answering from `log`. Nobody waits longer than `wait_seconds` for a turn."""
    routes = APIRouter(route_class=StrictRoute, prefix="/v1/audit", tags=["audit"])
    lane = ThreadLane(_THREADS, wait_seconds)

    @routes.get("", summary="Show who did what", responses=raises(kept.AUDIT))
    async def list_audit_entries(
        after: Annotated[str | None, Query(description="the last id of the page before")] = None,
        limit: Annotated[int, Query(ge=1, le=_PAGE, description="how many on a page")] = 20,
        since: Annotated[int | None, Query(ge=0, le=_LATEST, description="then or later; Unix time")] = None,
        until: Annotated[int | None, Query(ge=0, le=_LATEST, description="before then")] = None,
        what: Annotated[What | None, Query(description="only this")] = None,
        who: Annotated[
            str | None, Query(description="one name, or all of a kind, as `key:`", pattern=_WORDS, examples=["user:"])
        ] = None,
        target: Annotated[str | None, Query(description="only on this", pattern=_WORDS, examples=["digits@2"])] = None,
    ) -> AuditList:
        """Promotions, deletions, keys, jobs and whatever else decides what serves or what is kept: who, when, on what
        and how it ended. The newest entries first, a page at a time. Entries are added and never changed."""
        wanted = Wanted(since=since, until=until, what=[what] if what else [], who=who, target=target)
        found, more = await lane.ask(log.list, limit, None if after is None else _number(after), wanted)
        shown = [_shown(one) for one in found]
        first, last = (shown[0].id, shown[-1].id) if shown else (None, None)
        return AuditList(data=shown, first_id=first, last_id=last, has_more=more)

    return routes


def _number(name: str) -> int:
    found = _ID.fullmatch(name)
    if found is None:
        raise NotFound(
            "audit_entry_not_found", "The audit log has no entry of the id in after. Begin without it.", "after"
        )
    return int(found[1])


def _shown(listed: Listed) -> AuditEntry:
    entry = listed.entry
    return AuditEntry(
        id=f"audit-{entry.number}",
        at=entry.at,
        who=entry.who,
        what=What(entry.what),
        target=entry.target,
        outcome=ActOutcome(entry.outcome),
        is_open=listed.is_open,
        request_id=entry.request_id,
        refers_to=None if entry.refers_to is None else f"audit-{entry.refers_to}",
        details=json.loads(entry.details),
        digest=entry.digest,
    )
