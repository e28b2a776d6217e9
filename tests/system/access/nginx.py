"""Runs Debian's nginx with the configuration of `deploy/`, on free ports, as whoever runs the tests."""

import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.conftest import ROOT
from tests.support.patience import PATIENCE_SECONDS, wait_until
from tests.support.programs import missing

DEPLOY = ROOT / "deploy" / "nginx"
_MAIN = """
pid {folder}/pid;
error_log stderr;
master_process off;  # as who started it, so that it may write here
events {{ worker_connections 1024; }}
http {{
    access_log off;
    client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path f; uwsgi_temp_path u; scgi_temp_path s;
    include {folder}/site.conf;
}}
"""


@dataclass(frozen=True)
class Nginx:
    """A folder with what nginx needs, and the ports that it is to listen on."""

    folder: Path
    plain: int
    tls: int

    @property
    def url(self) -> str:
        """Its certificate is for this name."""
        return f"https://localhost:{self.tls}"

    @property
    def trust(self) -> ssl.SSLContext:
        """What takes its certificate, and no other."""
        return ssl.create_default_context(cafile=str(self.folder / "tls" / "fullchain.pem"))

    @property
    def arguments(self) -> list[str]:
        """What nginx is given to find all that here."""
        return ["-e", "stderr", "-p", str(self.folder), "-c", str(self.folder / "nginx.conf")]

    def placed(self, text: str) -> str:
        """A configuration with this folder's certificate and ports in place of a machine's own."""
        text = text.replace("/etc/nginx/tls", str(self.folder / "tls"))
        return text.replace("listen 80;", f"listen {self.plain};").replace("listen 443 ", f"listen {self.tls} ")

    def answers(self) -> bool:
        """Whether somebody listens."""
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.tls), PATIENCE_SECONDS):
            return True
        return False


def program() -> str:
    """Where nginx is. Skips without one, but fails in continuous integration."""
    found = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
    if found is None or shutil.which("openssl") is None:
        missing("nginx or openssl", "nginx openssl")
    return found


def prepared(folder: Path) -> Nginx:
    """A folder with a certificate and everything of `deploy/` but a site."""
    program()
    (folder / "tls").mkdir(parents=True)
    shutil.copytree(DEPLOY / "snippets", folder / "snippets")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
         "-keyout", folder / "tls" / "privkey.pem", "-out", folder / "tls" / "fullchain.pem"],
        check=True, capture_output=True,
    )  # fmt: skip
    (folder / "nginx.conf").write_text(_MAIN.format(folder=folder))
    return Nginx(folder, *_free_ports(2))


@contextmanager
def proxying(nginx: Nginx, server: str, site: str = "digitserve.conf", **changes: str) -> Iterator[Nginx]:
    """nginx in front of the service at `server`, with a site of `deploy/` in which each text is changed for another."""
    text = (DEPLOY / site).read_text().replace("127.0.0.1:8000", server.removeprefix("http://"))
    for one, other in {"digits.example.org": "localhost", **changes}.items():
        assert one in text
        text = text.replace(one, other)
    (nginx.folder / "site.conf").write_text(nginx.placed(text))
    with started(nginx, [program(), "-g", "daemon off;", *nginx.arguments]):
        yield nginx


@contextmanager
def started(nginx: Nginx, command: list[str], environment: Mapping[str, str] | None = None) -> Iterator[None]:
    """Runs a command that becomes nginx, until the end."""
    with (nginx.folder / "log").open("w") as log:
        child = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
    try:
        wait_until(lambda: child.poll() is not None or nginx.answers())
        assert child.poll() is None, (nginx.folder / "log").read_text()
        yield
    finally:
        child.terminate()
        child.wait(PATIENCE_SECONDS)


def _free_ports(count: int) -> list[int]:
    listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [listener.getsockname()[1] for listener in listeners]
    for listener in listeners:
        listener.close()
    return ports
