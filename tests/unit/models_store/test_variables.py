"""Texts of environment variables, as shells, Compose, env files and Kubernetes leave them."""

from pathlib import Path

import pytest

from models_store import variables
from models_store.variables import absolute, folder, is_address, is_of_a_platform, meant, without_secrets


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("info", "info"), (" info\r\n", "info"), ('"8000"', "8000"), ("'8000 '", "8000"), ("", ""), ("  ", ""),
        ('""', ""), ('"', '"'), ("it's", "it's"), ("'a' or 'b", "'a' or 'b"),
    ],
)  # fmt: skip
def test_blanks_and_quotes_around_a_value_are_not_meant(text: str, value: str) -> None:
    assert meant(text) == value


@pytest.mark.parametrize("name", ["a%20b", "a?b", "a#b", "a;b&c:d", "ä\\b", "ends in a blank ", "a'b'", "a  b"])
def test_a_folders_name_is_taken_as_it_is(name: str) -> None:
    assert folder(f"/srv/{name}") == Path(f"/srv/{name}")


def test_around_a_folders_name_too_are_quotes_and_line_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert folder('"/srv/a b"') == folder("  /srv/a b\r\n") == Path("/srv/a b")
    assert folder("") is folder("  ") is folder('""') is None
    monkeypatch.chdir(tmp_path)
    assert folder("var") == folder("./var") == tmp_path / "var"


def test_a_relative_place_stays_where_it_was_when_the_working_folder_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/someone")
    before = absolute(Path("var"))
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert before == tmp_path / "var" and absolute(before) == before
    assert absolute(Path("~/var")) == Path("/home/someone/var")
    assert absolute(Path("~nobody-of-this-name/var")).is_absolute()


def test_versions_lie_beside_the_software() -> None:
    assert Path(variables.__file__).parent / "artifacts" == variables.STORE


@pytest.mark.parametrize("text", ["tcp://10.96.0.17:8000", "udp://10.96.0.17:53", "sctp://[fd00::1]:1", "TCP://x:1"])
def test_an_address_of_a_service(text: str) -> None:
    assert is_address(text) and not is_address(text.partition("://")[2])


@pytest.mark.parametrize(
    "name",
    [
        "SERVICE_HOST", "SERVICE_PORT", "SERVICE_PORT_HTTP", "PORT_8000_TCP", "PORT_8000_TCP_PROTO",
        "PORT_8000_TCP_PORT", "PORT_8000_TCP_ADDR", "PORT_53_UDP_ADDR", "WEB_SERVICE_HOST", "WEB_PORT_80_TCP",
        "NAME", "ENV_PATH",
    ],
)  # fmt: skip
def test_what_kubernetes_and_links_set_for_a_service_of_our_name(name: str) -> None:
    assert is_of_a_platform(f"DIGITSERVE_{name}", "10.96.0.17")


@pytest.mark.parametrize("name", ["WORKER", "PORTS", "SERVICE", "PORT_HTTP", "STATEDIR"])
def test_what_a_person_mistypes_is_not_theirs(name: str) -> None:
    assert not is_of_a_platform(f"DIGITSERVE_{name}", "8000")
    assert is_of_a_platform(f"DIGITSERVE_{name}", "tcp://10.96.0.17:8000")


@pytest.mark.parametrize(
    "text",
    [
        "mysql://me:geheim@host/x", "postgresql://me:ge@heim@host:5432/x", "postgresql://me:ge heim@host/x",
        "postgresql://:geheim@host", "postgresql:me:geheim@host/x", "me:geheim@host/x", "postgresql://me:ge/h:eim@host/x",
        "postgresql://host/x?user=me&password=geheim", "host=db password=geheim dbname=x", "host=db password='ge heim'",
        "postgresql://host/x?sslpassword=geheim", "mysql://me:ge\nheim@host/x",
    ],
)  # fmt: skip
def test_no_password_is_shown(text: str) -> None:
    assert "eim" not in without_secrets(text)


@pytest.mark.parametrize("text", ["digits@2", "many", "0x1f40", "10.0.0.1:8000", "me@host"])
def test_what_is_no_secret_is_shown_as_it_is(text: str) -> None:
    assert without_secrets(text) == f"'{text}'"


def test_a_value_is_clipped_and_can_do_no_harm_to_a_terminal() -> None:
    assert len(without_secrets("x" * 1000)) < 100 and without_secrets("a\x1b[31mb\n") == "'a\\x1b[31mb\\n'"
    assert without_secrets("mysql://me:secret@host") == "'mysql://…@host'" and without_secrets(-1) == "'-1'"
