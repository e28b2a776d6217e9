"""Requests by the thousand as the OpenAPI document describes them, right ones and wrong ones, alone and in chains: what
is made is read, followed and deleted. No answer is a 5xx; the document says each one's status, type, code and shape.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import schemathesis
from schemathesis import Case, CheckContext, Response, engine
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import events
from schemathesis.engine.recorder import ScenarioRecorder
from schemathesis.python import asgi

from app.main import create_app
from app.settings import Settings
from app.storage.db import Database
from app.web.access.key_store import KeyStore
from app.web.access.scopes import ADMIN
from app.web.entry import Service
from tests.contracts import declared

PHASES = ("examples", "coverage", "fuzzing", "stateful")
_CHECKS = (
    "not_a_server_error", "status_code_conformance", "content_type_conformance", "response_headers_conformance",
    "response_schema_conformance", "negative_data_rejection", "missing_required_header", "unsupported_method",
    "allow_header_conformance", "use_after_free", "ensure_resource_availability", "ignored_auth", "declared_code",
)  # fmt: skip
_HOST = {"Host": "localhost"}
_SHOWN = 2_000  # characters of a request that broke something


@schemathesis.check
def declared_code(_: CheckContext, response: Response, case: Case[Any]) -> None:
    """The code of a problem is one that the operation declares."""
    headers = [(name, value) for name, values in response.headers.items() for value in values]
    answer = httpx.Response(response.status_code, headers=headers, content=response.content)
    request = httpx.Request(case.method, f"http://localhost{response.request.path_url}")
    declared.check(request, answer)


@dataclass
class Seen:
    """What was sent, and what came of it."""

    cases: Counter[str] = field(default_factory=Counter)  # by phase
    statuses: Counter[int] = field(default_factory=Counter)
    operations: set[str] = field(default_factory=set)
    broken: dict[tuple[str, str], str] = field(default_factory=dict)  # an operation and what failed -> how

    def take(self, phase: str, recorder: ScenarioRecorder) -> None:
        """Notes what a scenario has brought."""
        for interaction in recorder.interactions.values():
            self.cases[phase] += 1
            if interaction.response is not None:
                self.statuses[interaction.response.status_code] += 1
        for case_id, checks in recorder.checks.items():
            operation = recorder.cases[case_id].value.operation.label
            self.operations.add(operation)
            for check in checks:
                if check.failure_info is not None:
                    failure, request = check.failure_info.failure, check.failure_info.code_sample
                    said = f"{failure.title}: {failure.message}\n    {request[:_SHOWN]}"
                    self.broken.setdefault((operation, check.name), said)

    def lines(self, document: declared.Json) -> Iterator[str]:
        """The summary: how many, of which operations, and what broke."""
        known = {f"{m.upper()} {path}" for path, item in document["paths"].items() for m in item}
        phases = ", ".join(f"{count:,} {phase}" for phase, count in self.cases.items())
        statuses = ", ".join(f"{count:,} x {status}" for status, count in sorted(self.statuses.items()))
        yield f"{self.cases.total():,} requests ({phases}): {statuses}"
        yield f"{len(self.operations & known)} of {len(known)} operations, {len(self.broken)} failures"
        for (operation, check), said in self.broken.items():
            yield f"{operation}: {check}: {said}"
        yield from (f"never asked: {one}" for one in sorted(known - self.operations))


def hold(
    folder: Path, count: int, seed: int, phases: Iterable[str] = PHASES, say: Callable[[str], None] = print
) -> Seen:
    """Sends about so many requests to each operation in each phase, and says what came of them."""
    seen, began = Seen(), time.monotonic()
    with service(folder) as (app, key):
        schema = schemathesis.openapi.from_asgi(
            "/openapi.json", app, config=_config(count, seed, phases, key), headers=_HOST
        )
        for event in engine.from_schema(schema).execute():
            if isinstance(event, events.ScenarioFinished):
                seen.take(event.phase.name.lower(), event.recorder)
            elif isinstance(event, events.PhaseFinished):
                seconds = time.monotonic() - began
                say(f"{event.phase.name.name.lower()}: {seen.cases.total():,} requests, {seconds:.0f} s")
            elif isinstance(event, events.NonFatalError | events.FatalError):
                what = getattr(event, "value", None) or getattr(event, "exception", "")
                seen.broken.setdefault((str(getattr(event, "label", "")), type(what).__name__), str(what))
        for line in seen.lines(app.openapi()):
            say(line)
    if seen.broken:
        say(f"again: python -m tests.fuzz --requests {count} --forms 0 --bodies 0 --pictures 0 --seed {seed}")
    return seen


@contextmanager
def service(folder: Path) -> Iterator[tuple[Service, str]]:
    """The whole service with nothing in it but the shipped version, and a key that may do everything."""
    settings = Settings(store_dir=folder / "store", state_dir=folder / "state", keep_uncertain=True)
    with closing(KeyStore(Database(settings.database))) as keys:
        key, _ = keys.create("fuzz", [ADMIN])
    try:
        yield create_app(settings, is_local=True), key
    finally:
        asgi.shutdown_lifespans()


def _config(count: int, seed: int, phases: Iterable[str], key: str) -> SchemathesisConfig:
    operations = (one for item in declared.document()["paths"].values() for one in item.values())
    open_ones = [operation["operationId"] for operation in operations if not operation["security"]]
    wanted: dict[str, Any] = {
        "seed": seed,
        "headers": _HOST,
        "auth": {"openapi": {"bearer": {"bearer": key}}},
        "continue-on-failure": True,
        "max-stream-events": 1,  # a stream of a job that nobody does has no end
        "suppress-health-check": ["all"],
        "generation": {"max-examples": count, "deterministic": True, "database": "none"},
        "checks": {"enabled": False} | {name: {"enabled": True} for name in _CHECKS},
        "operations": [
            # a bad picture of many is an error in its place
            {"include-operation-id": "predictBatch", "checks": {"negative_data_rejection": {"enabled": False}}},
            # whoever shows no key is not told which methods there are, not even of an open path
            {"include-operation-id": open_ones, "checks": {"unsupported_method": {"enabled": False}}},
        ],
        "phases": {phase: {"enabled": phase in tuple(phases)} for phase in PHASES},
    }
    return SchemathesisConfig.from_dict(wanted)
