"""Which names a Host header may have."""

import pytest

from app.errors import BadRequest
from app.web.access.hosts import Hosts

HEALTH = ("/healthz", "/readyz")


def takes(hosts: Hosts, *values: bytes, path: str = "/v1/models") -> bool:
    """Whether a request with these Host headers is let in; twice, since good ones are remembered."""
    headers = [(b"accept", b"*/*"), *((b"host", value) for value in values)]
    said = []
    for _ in range(2):
        try:
            hosts.check({"path": path, "headers": headers}, dict(reversed(headers)))
            said.append(True)
        except BadRequest as refusal:
            assert refusal.code == "bad_host"
            assert not any(value and value.decode("latin-1") in str(refusal) for value in values if len(value) > 9)
            said.append(False)
    assert said[0] == said[1]
    return said[0]


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "127.0.0.1:8000", "192.168.1.5:8000", "8.8.8.8", "[::1]", "[::1]:8000", "[2001:DB8::1]:443",
        "[fe80::1%25eth0]:8000", "localhost", "LocalHost:8000", "localhost.", "api", "my_service:8000", "test:",
        "digits.localhost", "nas.internal:80", "NAS.INTERNAL.", "host.docker.internal:8000",
        "digitserve.default.svc.cluster.local", "xn--bcher-kva", "a" * 60 + ".internal:65535",
    ],
)  # fmt: skip
def test_by_default_no_page_of_somebody_else_can_have_the_name(host: str) -> None:
    assert takes(Hosts(), host.encode())


@pytest.mark.parametrize(
    "host",
    [
        "evil.example", "evil.example:8000", "EVIL.EXAMPLE.", "local.evil.example", "localhost.evil.example",
        "evil-local.example", "127.0.0.1.evil.example", "127.0.0.1.nip.io:8000", "1.2.3", "notinternal.com",
        "a.internalx", "nas.local:80",
    ],
)  # fmt: skip
def test_by_default_any_other_name_is_foreign(host: str) -> None:
    assert not takes(Hosts(), host.encode())


@pytest.mark.parametrize("hosts", [Hosts(), Hosts(["*"]), Hosts(["*.example.org"], "x")], ids=["default", "any", "set"])
@pytest.mark.parametrize(
    "host",
    [
        b"", b" ", b"a/b?c", b"localhost/", b"localhost?", b"localhost#", b"user@localhost", b"user:pw@localhost:80",
        b"localhost:port", b"localhost:-1", b"localhost:65536", b"localhost:123456", b"localhost:80:80", b":8000",
        b"l\xf6calhost", b"\xff", b"local%68ost", b"local host", b"localhost,evil.example", b".", b"..", b".local",
        b"a..local", b"[::1", b"::1", b"[]", b"[::1]x", b"[::g]", b"[127.0.0.1]", b"[1:2]", b"[::1%]", b"*", b"*.local",
        b"http://localhost", b"a" * 301, b"localhost\x00", b"localhost\t",
    ],
)  # fmt: skip
def test_what_is_no_host_is_refused_whatever_is_allowed(hosts: Hosts, host: bytes) -> None:
    assert not takes(hosts, host)


@pytest.mark.parametrize("path", ["/", "/v1/predict", *HEALTH])
def test_two_hosts_are_refused_even_where_they_agree(path: str) -> None:
    assert not takes(Hosts(), b"localhost", b"localhost", path=path)
    assert not takes(Hosts(["*"]), b"localhost", b"evil.example", path=path)


def test_of_other_headers_there_may_be_two() -> None:
    headers = [(b"host", b"localhost"), (b"cookie", b"a"), (b"cookie", b"b")]
    Hosts().check({"path": "/", "headers": headers}, dict(headers))


def test_a_request_without_a_host_is_refused() -> None:
    assert not takes(Hosts())
    assert not takes(Hosts(["*"]))


@pytest.mark.parametrize("path", HEALTH)
def test_whoever_watches_the_service_may_call_it_anything(path: str) -> None:
    for values in ([], [b"evil.example"], [b"a/b?c"]):
        assert takes(Hosts(["example.org"]), *values, path=path)
    assert not takes(Hosts(), b"evil.example", path=f"{path}/")


ALLOWED = [
    "Digits.Example.org",
    "*.example.com",
    "port.example:8443",
    "web.example:443",
    "10.0.0.5",
    "[2001:db8::1]:80",
]


@pytest.mark.parametrize(
    "host",
    [
        "digits.example.org", "DIGITS.example.org.:8000", "a.example.com", "a.b.example.com:1", "port.example:8443",
        "web.example", "web.example:443", "10.0.0.5:8000", "[2001:db8:0:0::1]", "[2001:db8::1]:80",
        "localhost:8000", "127.0.0.1", "127.8.8.8:80", "[::1]:8000", "[::ffff:127.0.0.1]", "own.example:8000",
    ],
)  # fmt: skip
def test_names_that_are_listed_the_servers_own_and_this_machine(host: str) -> None:
    assert takes(Hosts(ALLOWED, "own.example"), host.encode())


@pytest.mark.parametrize(
    "host",
    [
        "example.org", "x.digits.example.org", "example.com", "evilexample.com", "port.example", "port.example:80",
        "web.example:8443", "10.0.0.6", "[2001:db8::1]:81", "[2001:db8::2]", "api", "nas.local", "0.0.0.0",
    ],
)  # fmt: skip
def test_where_names_are_listed_all_others_are_foreign(host: str) -> None:
    assert not takes(Hosts(ALLOWED, "own.example"), host.encode())


@pytest.mark.parametrize("own", ["Digits.Example.org", "2001:db8::5", "10.0.0.5"])
def test_where_the_server_listens_it_may_be_asked(own: str) -> None:
    host = f"[{own}]:8000" if ":" in own else f"{own}:8000"
    assert takes(Hosts(["example.net"], own), host.lower().encode())
    assert takes(Hosts([], own), host.lower().encode())


def test_a_star_takes_every_name_and_can_have_a_port() -> None:
    assert takes(Hosts(["*"]), b"evil.example:1")
    assert takes(Hosts(["*:8000"]), b"any.example:8000")
    assert not takes(Hosts(["*:8000"]), b"any.example:8001")


def test_what_is_remembered_has_an_end_and_changes_no_answer() -> None:
    hosts = Hosts()
    for number in range(2000):
        assert takes(hosts, b"name-%d" % number)
        assert not takes(hosts, b"name-%d.example" % number)
    assert 0 < len(hosts._known) <= 256


def test_metrics_are_read_under_any_address_and_under_no_foreign_name() -> None:
    hosts = Hosts(["digits.example.org"])
    for address in (b"10.1.2.3:8000", b"[2001:db8::1]:8000"):
        assert takes(hosts, address, path="/metrics")
        assert not takes(hosts, address)  # it is not remembered for anything else
    assert takes(hosts, b"digits.example.org", path="/metrics")
    for foreign in (b"evil.example:8000", b"api", b"", b"10.1.2.3:99999"):
        assert not takes(hosts, foreign, path="/metrics")
    assert not takes(hosts, path="/metrics")
