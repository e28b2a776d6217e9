"""Who gets in with which key, and who without: one request at a time, on keys in a real database."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from app.errors import AppError, DatabaseUnavailable, Forbidden, Unauthorized
from app.web.access.keyring import Keyring
from app.web.access.keys import new
from app.web.access.known_keys import FRESH_SECONDS, LAST_SECONDS, KnownKeys
from app.web.access.visitor import Visitor
from tests.integration.web.access.holding_keys import HandClock, HeldKeys, knowing
from tests.support.patience import until

HERE, ELSEWHERE = "127.0.0.1", "192.0.2.7"
Headers = Sequence[tuple[str, str]]


class Asking:
    """A keyring, and requests that are only scopes."""

    def __init__(self, keyring: Keyring, known: KnownKeys, store: HeldKeys, clock: HandClock) -> None:
        self.keyring, self.known, self.store, self.clock = keyring, known, store, clock

    async def __call__(
        self, line: str = "POST /v1/predict", key: str | None = None, *, sent: Headers = (), **more: Any
    ) -> Visitor:
        method, _, path = line.partition(" ")
        shown = [] if key is None else [("authorization", f"Bearer {key}")]
        headers = [(name.encode(), value.encode()) for name, value in (*shown, *sent)]
        scope = {"type": "http", "method": method, "path": path, "headers": headers, "client": (HERE, 1), **more}
        return await self.keyring.identify(scope, dict(reversed(headers)))

    async def refused(self, *args: Any, **more: Any) -> str:
        with pytest.raises(AppError) as refusal:
            await self(*args, **more)
        assert isinstance(refusal.value, Unauthorized | Forbidden | DatabaseUnavailable)
        return refusal.value.code


@asynccontextmanager
async def asking(folder: Path, *, is_local: bool = True, insecure: bool = False) -> AsyncIterator[Asking]:
    async with knowing(folder) as (known, store, clock):
        yield Asking(Keyring(known, is_local=is_local, insecure=insecure), known, store, clock)


async def test_a_server_without_keys_is_open_to_its_own_machine(tmp_path: Path) -> None:
    async with asking(tmp_path) as ask:
        assert await ask() == Visitor(HERE, None, is_local=True)
        assert await ask("DELETE /v1/models/digits@1") == Visitor(HERE, None, is_local=True)
        assert await ask(key="sk-whatever a client insists on sending") == Visitor(HERE, None, is_local=True)
        assert await ask(client=("::1", 1)) == Visitor("::", None, is_local=True)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "passed_on",
    [
        {"sent": [(name, "127.0.0.1")]}
        for name in ("x-forwarded-for", "forwarded", "x-real-ip", "via", "x-forwarded-host", "cf-connecting-ip")
    ]
    + [{"client": (ELSEWHERE, 1)}, {"client": None}, {"digitserve.proxied": True}, {"client": ("0.0.0.0", 1)}],
)
async def test_and_not_to_those_whom_a_proxy_passes_on(tmp_path: Path, passed_on: dict[str, Any]) -> None:
    async with asking(tmp_path) as ask:
        with pytest.raises(Unauthorized, match=r"never given a key.*digitserve keys create") as refusal:
            await ask(**passed_on)
        assert refusal.value.code == "key_missing"
        assert not (await ask("GET /healthz", **passed_on)).is_local
    async with asking(tmp_path, insecure=True) as ask:
        assert not (await ask(**passed_on)).is_local


async def test_where_others_reach_it_nobody_is_let_in_without_a_key_unless_insecure(tmp_path: Path) -> None:
    async with asking(tmp_path, is_local=False) as ask:
        assert await ask.refused() == "key_missing"  # from this machine too: a proxy would stand there
    async with asking(tmp_path, is_local=False, insecure=True) as ask:
        assert await ask(client=(ELSEWHERE, 1)) == Visitor(ELSEWHERE)
        _, row = ask.store.create("first", ["predict"])
        ask.clock.at += FRESH_SECONDS + 0.01
        assert await ask.refused() == "key_missing"  # the first key ends that
        ask.store.revoke(row.id)
        ask.clock.at += FRESH_SECONDS + 0.01
        assert await ask.refused() == "key_missing"  # and its end brings it not back


async def test_a_key_lets_in_for_its_scopes_and_names_its_holder(tmp_path: Path) -> None:
    async with asking(tmp_path, is_local=False) as ask:
        key, row = ask.store.create("scanner", ["predict"])
        boss, _ = ask.store.create("boss", ["admin"])
        holder = await ask(key=key, client=(ELSEWHERE, 1))
        assert holder == Visitor(f"key:{row.id}", row.id, scopes=frozenset({"predict"}))
        assert holder.may("predict") and not holder.may("admin")
        assert (await ask(key=key)).is_local
        assert not (await ask(key=key, sent=[("via", "1.1 x")])).is_local
        with pytest.raises(Forbidden, match=r"does not allow `train`.*--scope train"):
            await ask("GET /v1/files", key)
        with pytest.raises(Forbidden, match="does not allow `admin`"):
            await ask("POST /v1/models/digits/rollback", key)
        for line in ("GET /nowhere", "OPTIONS /v1/predict", "GET /v1/predict"):
            with pytest.raises(Forbidden, match="No route takes"):  # nobody shall make an admin's key for a slip
                await ask(line, key)
        for line in ("GET /v1/files", "GET /nowhere", "POST /v1/predict", "OPTIONS /v1/predict"):
            assert (await ask(line, boss)).key is not None
        assert await ask.refused() == "key_missing"
        assert (await ask("GET /readyz")) == Visitor(HERE, None, is_local=True, scopes=frozenset())
        await until(lambda: ask.store.all()[0].last_used_at is not None)


async def test_every_key_that_does_not_count_is_refused_in_the_same_words(tmp_path: Path) -> None:
    async with asking(tmp_path) as ask:
        key, row = ask.store.create("scanner", ["admin"])
        revoked, gone = ask.store.create("revoked", ["admin"])
        short, _ = ask.store.create("short", ["admin"], days=0.001)
        ask.store.revoke(gone.id)
        await ask(key=short)
        ask.clock.at += 87
        ask.store.go_away()  # it can't be asked, and the end of a key is known all the same
        other = "0" if key[-1] != "0" else "1"
        wrong = [new(), revoked, short, key[:-1] + other, key.upper(), key[:-1], key + "0", f"ds_{row.id}_", row.id, ""]
        said = set()
        for one in wrong:
            with pytest.raises(Unauthorized) as refusal:
                await ask(key=one)
            said.add((refusal.value.code, str(refusal.value)))
        for lines in (
            [("authorization", f"Basic {key}")],
            [("authorization", key)],
            [("authorization", f"Bearer {key}, Bearer {key}")],
            [("authorization", f"Bearer {key}"), ("authorization", f"Bearer {key}")],
            [("authorization", "Basic eA=="), ("authorization", f"Bearer {key}")],
            [("authorization", f"Bearer {key} {'x' * 10_000}")],
        ):
            with pytest.raises(Unauthorized) as refusal:
                await ask(sent=lines)
            said.add((refusal.value.code, str(refusal.value)))
        assert len(said) == 1 and {code for code, _ in said} == {"key_invalid"}
        assert (await ask(key=key)).key == row.id


@pytest.mark.parametrize("place", ["cookie", "x-api-key", "proxy-authorization"])
async def test_a_key_counts_only_in_its_header(tmp_path: Path, place: str) -> None:
    async with asking(tmp_path) as ask:
        key, _ = ask.store.create("scanner", ["admin"])
        assert await ask.refused(sent=[(place, f"Bearer {key}")]) == "key_missing"
        query = {"query_string": f"key={key}&authorization=Bearer+{key}".encode()}
        assert await ask.refused(**query) == "key_missing"


async def test_who_cannot_be_known_is_refused_and_the_open_ones_are_not(tmp_path: Path) -> None:
    async with asking(tmp_path, is_local=False) as ask:
        ask.store.go_away()
        assert await ask.refused() == "database_unavailable"
        assert await ask.refused(key=new()) == "database_unavailable"
        for line in ("GET /healthz", "GET /readyz", "HEAD /", "GET /ui/style.css"):
            assert await ask(line) == Visitor(HERE, None, is_local=True, scopes=frozenset())


async def test_its_own_machine_has_pictures_read_until_it_is_known_whether_there_are_keys(tmp_path: Path) -> None:
    async with asking(tmp_path) as ask:
        ask.store.go_away()
        assert await ask() == Visitor(HERE, None, is_local=True, scopes=frozenset({"predict"}))
        assert ask.keyring.knows()
        assert await ask.refused("POST /v1/models/digits/rollback") == "database_unavailable"
        assert await ask.refused(sent=[("via", "1.1 proxy")]) == "database_unavailable"
        ask.store.refusal = None
        ask.store.create("one", ["train"])
        ask.clock.at += FRESH_SECONDS + 0.01
        await ask()  # who comes now has it read, and waits for nothing
        await until(lambda: ask.known.had_keys)
        assert await ask.refused() == "key_missing"
        ask.store.go_away()
        ask.clock.at += LAST_SECONDS + 1
        assert await ask.refused() == "database_unavailable"  # there are keys, whatever else is not known
        assert not ask.keyring.knows()


async def test_who_was_let_in_is_asked_again_as_long_as_the_answer_takes(tmp_path: Path) -> None:
    async with asking(tmp_path) as ask:
        anybody = await ask()
        assert await ask.keyring.counts(anybody)
        short, _ = ask.store.create("short", ["predict"], days=0.001)
        other, row = ask.store.create("other", ["predict"])
        ask.clock.at += FRESH_SECONDS + 0.01
        brief, holder = await ask(key=short), await ask(key=other)
        assert not await ask.keyring.counts(anybody)  # the first key has ended that
        assert await ask.keyring.counts(holder)
        ask.store.revoke(row.id)
        ask.clock.at += FRESH_SECONDS + 0.01
        assert not await ask.keyring.counts(holder) and await ask.keyring.counts(brief)
        ask.store.go_away()
        ask.clock.at += 87
        assert not await ask.keyring.counts(brief)


async def test_it_says_whether_it_knows_and_looks_again_by_itself(tmp_path: Path) -> None:
    async with asking(tmp_path, is_local=False) as ask:
        ask.store.go_away()
        await ask.keyring.begin()
        assert not ask.keyring.knows() and ask.store.readings == 1
        ask.store.refusal = None
        ask.clock.at += FRESH_SECONDS + 0.01
        await until(ask.keyring.knows)
        assert ask.store.readings == 2
