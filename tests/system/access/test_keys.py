"""Keys as people use them: made and revoked by the command, heard by servers that run."""

import io
import os
import signal
from contextlib import ExitStack, redirect_stdout
from pathlib import Path

import httpx
import pytest

from app.cli.main import main
from tests.support.patience import wait_until
from tests.system.harness import caller, command, events, serving, until

EVERYWHERE = "0.0.0.0"


def told(*arguments: str) -> str:
    """What `digitserve keys` says, run in this process: servers hear of it from the database."""
    with redirect_stdout(io.StringIO()) as output:
        assert main(["keys", *arguments]) == 0
    return output.getvalue()


def made(scope: str) -> str:
    """A new key."""
    return told("create", "somebody", "--scope", scope).strip()


def asked(http: httpx.Client, key: str | None) -> int:
    headers = {} if key is None else {"authorization": f"Bearer {key}"}
    return http.get("/v1/models", headers=headers).status_code


@pytest.fixture(autouse=True)
def _no_jobs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIGITSERVE_JOB_WORKERS", "0")


def test_where_others_reach_it_a_server_without_a_key_ends_with_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    refused = command("serve", "--host", EVERYWHERE, "--port", "0", "--workers", "1")
    assert refused.returncode == 1, refused.stdout
    (sentence,) = refused.stderr.splitlines()
    assert "digitserve keys create" in sentence and "--insecure" in sentence and "DIGITSERVE_INSECURE" in sentence
    monkeypatch.setenv("DIGITSERVE_HOST", EVERYWHERE)
    monkeypatch.setenv("DIGITSERVE_PORT", "0")
    assert main(["doctor"]) == 1 and "keys: the server would refuse to start" in capsys.readouterr().out


def test_what_the_command_makes_and_revokes_is_heard_by_every_server(tmp_path: Path) -> None:
    with ExitStack() as stack:
        first, log = tmp_path / "first", tmp_path / "log"
        _, url = stack.enter_context(serving(first, "--host", EVERYWHERE, "--workers", "1", "--insecure"))
        both = [stack.enter_context(caller(url))]

        def statuses(key: str | None) -> set[int]:
            return {asked(http, key) for http in both}

        assert [line["level"] for line in events(first, "insecure")] == ["warning"]
        assert statuses(None) == {200}  # as it was told to
        key, other = made("admin"), made("predict")
        wait_until(lambda: statuses(None) == {401})

        _, url = stack.enter_context(serving(log, "--host", EVERYWHERE, "--workers", "1"))  # there is a key
        both.append(stack.enter_context(caller(url)))
        assert statuses(None) == {401} and not events(log, "insecure")
        wait_until(lambda: statuses(key) == statuses(other) == {200})
        assert command("keys", "revoke", key.split("_")[1]).returncode == 0
        wait_until(lambda: statuses(key) == {401})
        assert statuses(other) == {200}
        assert other.split("_")[1] in told("list")

        told("revoke", other)
        wait_until(lambda: statuses(other) == {401})  # now all have ended, and both go on
        (victim,) = [line["pid"] for line in events(log, "process_started")]
        os.kill(int(str(victim)), signal.SIGKILL)
        until(log, "answering", count=2)
        both[1] = stack.enter_context(caller(url))
        assert statuses(other) == {401} and both[1].get("/readyz").status_code == 200
        new = made("predict")
        wait_until(lambda: statuses(new) == {200})
