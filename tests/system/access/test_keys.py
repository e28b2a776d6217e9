"""Keys as people use them: made and revoked by the command, heard by servers that run."""

import os
import signal
from pathlib import Path

import httpx
import pytest

from tests.support.patience import wait_until
from tests.system.harness import caller, command, events, serving, until

EVERYWHERE = "0.0.0.0"


def made(*scopes: str) -> str:
    """A new key."""
    told = command("keys", "create", "somebody", *(word for scope in scopes for word in ("--scope", scope)))
    assert told.returncode == 0, told.stderr
    return told.stdout.strip()


def asked(http: httpx.Client, key: str | None) -> int:
    headers = {} if key is None else {"authorization": f"Bearer {key}"}
    return http.get("/v1/models", headers=headers).status_code


def test_a_key_that_is_revoked_by_the_command_is_refused_by_every_process(tmp_path: Path) -> None:
    with (
        serving(tmp_path / "one", "--workers", "1") as (_, one),
        serving(tmp_path / "two", "--workers", "1") as (_, two),
        caller(one) as first,
        caller(two) as second,
    ):
        both = (first, second)

        def statuses(key: str | None) -> list[int]:
            return [asked(http, key) for http in both]

        assert statuses(None) == [200, 200]  # only this machine reaches them
        key, other = made("predict"), made("predict")
        wait_until(lambda: statuses(None) == [401, 401])
        wait_until(lambda: statuses(key) == statuses(other) == [200, 200])
        assert command("keys", "revoke", key.split("_")[1]).returncode == 0
        wait_until(lambda: statuses(key) == [401, 401])
        assert statuses(other) == [200, 200]
        assert other.split("_")[1] in command("keys", "list").stdout


def test_where_others_reach_it_a_server_without_a_key_ends_with_one_sentence() -> None:
    told = command("serve", "--host", EVERYWHERE, "--port", "0", "--workers", "1")
    assert told.returncode == 1, told.stdout
    (sentence,) = told.stderr.splitlines()
    assert "digitserve keys create" in sentence and "--insecure" in sentence and "DIGITSERVE_INSECURE" in sentence
    doctor = command("doctor", DIGITSERVE_HOST=EVERYWHERE, DIGITSERVE_PORT="0")
    assert doctor.returncode == 1 and "keys: the server would refuse to start" in doctor.stdout


@pytest.mark.parametrize("how", ["--insecure", "DIGITSERVE_INSECURE"])
def test_one_that_is_told_to_serves_all_the_same_and_warns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    options = ["--insecure"] if how.startswith("--") else []
    if not options:
        monkeypatch.setenv(how, "true")
    with serving(tmp_path / "log", "--host", EVERYWHERE, "--workers", "1", *options) as (_, url):
        assert [line["level"] for line in events(tmp_path / "log", "insecure")] == ["warning"]
        with caller(url) as http:
            assert asked(http, None) == 200


def test_a_server_whose_keys_have_all_ended_goes_on_and_replaces_its_processes(tmp_path: Path) -> None:
    key, log = made("admin"), tmp_path / "log"
    with serving(log, "--host", EVERYWHERE, "--workers", "1") as (_, url), caller(url) as http:
        assert asked(http, key) == 200 and asked(http, None) == 401
        assert command("keys", "revoke", key).returncode == 0
        wait_until(lambda: asked(http, key) == 401)
        (victim,) = [line["pid"] for line in events(log, "process_started") if line["role"] == "api"]
        os.kill(int(str(victim)), signal.SIGKILL)
        until(log, "answering", count=2)
        with caller(url) as again:
            assert asked(again, key) == 401 and again.get("/readyz").status_code == 200
            new = made("predict")
            wait_until(lambda: asked(again, new) == 200)
