"""What must hold for any form: it is split alike whole, in pieces and on the direct way; no door answers with a fault
of its own, and the two ways to one say the same."""

import random
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from anyio.from_thread import start_blocking_portal
from hypothesis import HealthCheck, Phase, given, seed, settings

from app.errors import BadRequest
from app.main import create_app
from app.settings import Settings
from app.web.direct import files_of
from app.web.entry import Entry
from app.web.limits import BodyLimits
from app.web.multipart import Multipart, Part, parts
from tests.conftest import running
from tests.fuzz.forms import FORMS, SentForm

_DIRECT = ("/v1/predict", "/v1/predict/batch")
_ROUTES = (*_DIRECT, "/v1/read", "/v1/feedback", "/v1/files")
_OWN = ("id", "request_id", "timing_ms", "created_at", "changed_at")  # of each answer
_EVERY = 1000  # forms between two lines

Send = Callable[[str, SentForm], list[httpx.Response]]  # by each way to the route


def check_split(form: SentForm) -> str:
    """Whole, in pieces and on the direct way it has the same parts, or is refused. Says which."""
    whole = _split(form)
    chance = random.Random(len(form.body))
    assert _in_pieces(form, chance) == (None if whole is None else [(part.headers, bytes(part.data)) for part in whole])
    for name in (b"file", b"files"):
        direct = files_of(form.kind, form.body, name, most=256)
        if direct is not None:
            assert whole is not None, "the direct way takes what is malformed"
            assert direct == [(part.filename, bytes(part.data)) for part in whole]
            assert all(part.is_file and part.name == name.decode() for part in whole)
            return "direct"
    return "malformed" if whole is None else "framework"


def check_sent(form: SentForm, send: Send) -> None:
    """Every door answers it, with no fault of its own; both ways alike."""
    for route in _ROUTES:
        first, *others = send(route, form)
        assert first.status_code < 500, (route, first.text)
        for other in others:
            assert (other.status_code, _told(other)) == (first.status_code, _told(first)), route


def hold(count: int, number: int, say: Callable[[str], None] = print) -> bool:
    """Splits so many, and sends every tenth of them. Whether nothing broke; says which form did, made small."""
    seen: Counter[str] = Counter()
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder, two_ways(Path(folder)) as send:

        @seed(number)
        @settings(
            max_examples=count, database=None, deadline=None,
            phases=(Phase.generate, Phase.shrink), suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        @given(FORMS)
        def each(form: SentForm) -> None:
            seen[check_split(form)] += 1
            if seen.total() % 10 == 0:
                check_sent(form, send)
            if seen.total() % _EVERY == 0:
                say(f"{seen.total():,} of {count:,} forms, {time.monotonic() - began:.0f} s")

        try:
            each()
        except BaseException:
            traceback.print_exc()
            again = f"python -m tests.fuzz --requests 0 --forms {count} --bodies 0 --pictures 0 --seed {number}"
            say(f"broken after {seen.total():,} forms; again: {again}")
            return False
    say(f"{seen.total():,} forms (seed {number}): {', '.join(f'{times:,} {way}' for way, times in seen.most_common())}")
    return True


@contextmanager
def two_ways(folder: Path) -> Iterator[Send]:
    """The service, and the same without direct ways."""
    chosen = Settings(store_dir=folder / "store", state_dir=folder / "state", rate_requests=0, files_max=1_000_000)
    app = create_app(chosen)
    plain = Entry(app.routed, BodyLimits(chosen.max_body_bytes), door=app.entry._door)
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(running(app)) as http:
        roundabout = httpx.AsyncClient(transport=httpx.ASGITransport(plain), base_url="http://test")

        async def send(route: str, form: SentForm) -> list[httpx.Response]:
            given: dict[str, Any] = {"content": form.body, "headers": {"content-type": form.kind.decode("latin-1")}}
            clients = (http, roundabout) if route in _DIRECT else (http,)
            return [await client.post(route, **given) for client in clients]

        try:
            yield lambda route, form: portal.call(send, route, form)
        finally:
            portal.call(roundabout.aclose)


def _split(form: SentForm) -> list[Part] | None:
    try:
        return parts(form.body, form.kind.decode("latin-1"))
    except BadRequest:
        return None


def _in_pieces(form: SentForm, chance: random.Random) -> list[tuple[dict[str, str], bytes]] | None:
    contents: dict[int, bytearray] = {}
    try:
        multipart = Multipart(
            form.kind.decode("latin-1"), lambda part, piece: contents.setdefault(id(part), bytearray()).extend(piece)
        )
        at = 0
        while at < len(form.body):
            size = chance.choice((1, 2, 7, 100, 5000))
            multipart.feed(form.body[at : at + size])
            at += size
        multipart.end()
    except BadRequest:
        return None
    return [(part.headers, bytes(contents.get(id(part), b""))) for part in multipart.parts]


def _told(answer: httpx.Response) -> dict[str, Any]:
    return {key: value for key, value in answer.json().items() if key not in _OWN}
