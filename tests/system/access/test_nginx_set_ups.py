"""Other ways to set nginx up before the service: below a path, without a word of it, and as Compose starts it."""

import os
import shutil
import subprocess
from pathlib import Path

import httpx
import pytest

from tests.support.patience import wait_until
from tests.system.access.behind import JOBS, PICTURE, asking, job, served, upload
from tests.system.access.nginx import DEPLOY, prepared, program, proxying, started
from tests.system.harness import command


def bearing(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}


def refuses_who_shows_no_key(http: httpx.Client) -> None:
    """Whoever comes through a proxy is not this machine."""
    assert http.get("/v1/models").status_code == 401
    assert http.post("/v1/predict", files=PICTURE).status_code == 401
    assert http.get("/readyz").status_code == 200


@pytest.mark.parametrize("passed_on", ["http://digitserve;", "http://digitserve/;"])  # with the path, and without
def test_the_service_below_a_path(tmp_path: Path, passed_on: str) -> None:
    made = prepared(tmp_path / "nginx")
    root = "/digits" if passed_on == "http://digitserve;" else ""
    site = {"proxy_pass http://digitserve;": f"proxy_pass {passed_on}"} if not root else {}
    with (
        served(tmp_path, ROOT_PATH="/digits", INSECURE="true") as url,
        proxying(made, url, "sub-path.conf", **site),
        asking(made) as http,
    ):
        bare = http.get("/digits")
        assert (bare.status_code, bare.headers["location"]) == (308, "/digits/")
        for path in ("/", "/docs", "/redoc", "/review", "/ui/main.js", "/openapi.json", "/readyz"):
            assert http.get(f"/digits{path}").status_code == 200, path
        assert http.get("/docs").status_code == 404  # beside it is something else
        assert http.post("/digits/v1/predict", files=PICTURE).json()["label"] == "7"
        given = http.post("/digits/v1/feedback", files=PICTURE, data={"label": "1"})
        assert given.headers["location"] == f"/digits/v1/feedback/{given.json()['id']}"
        assert http.get(given.headers["location"]).status_code == 200
        sent_on = http.get("/digits/docs/", follow_redirects=True)
        assert (sent_on.status_code, str(sent_on.url)) == (200, f"{made.url}/digits/docs")
        file = http.post(
            "/digits/v1/files", files={"file": ("d.zip", upload(tmp_path / "data"))}, data={"purpose": "fine-tune"}
        )
        name = job(http, file.json()["id"], "/digits")["id"]
        assert http.get(f"/digits{JOBS}/{name}").status_code == 200
        told = command("jobs", "show", name, "--url", f"{url}/digits")
        assert told.returncode == 0 and name in told.stdout, told.stderr


def test_who_comes_through_a_proxy_is_not_this_machine(tmp_path: Path) -> None:
    made = prepared(tmp_path / "nginx")
    with served(tmp_path) as url, proxying(made, url), asking(made) as http:
        directly = httpx.get(f"{url}/v1/models", trust_env=False)
        assert directly.status_code == 401  # one more that the proxy may have passed on
        refuses_who_shows_no_key(http)


def test_a_proxy_of_which_the_service_knows_nothing_and_the_compose_profile_starts_none_before_there_is_a_key(
    tmp_path: Path,
) -> None:
    plain, made = prepared(tmp_path / "plain"), prepared(tmp_path / "nginx")
    site = made.folder / "site.conf"
    (tmp_path / "digitserve.conf").write_text(made.placed((DEPLOY / "digitserve.conf").read_text()))
    start = ["sh", str(shutil.copy(DEPLOY / "start.sh", tmp_path))]
    with served(tmp_path, TRUSTED_PROXIES="") as url:
        assert httpx.get(f"{url}/v1/models", trust_env=False).status_code == 200
        with proxying(plain, url), asking(plain) as http:
            refuses_who_shows_no_key(http)
        environment = {
            **os.environ, "SERVICE": url.removeprefix("http://"), "TLS_NAME": "localhost", "SITE": str(site),
            "PATH": f"{Path(program()).parent}:{os.environ['PATH']}",
        }  # fmt: skip
        refused = subprocess.run(start, env=environment, capture_output=True, text=True, check=False)
        assert refused.returncode == 1 and "keys create" in refused.stderr
        assert not site.exists()
        key = command("keys", "create", "mine", "--scope", "predict").stdout.strip()
        wait_until(lambda: httpx.get(f"{url}/v1/models", trust_env=False).status_code == 401)
        with started(made, [*start, *made.arguments], environment), asking(made) as http:
            assert http.get("/v1/models").status_code == 401
            assert http.get("/v1/models", headers=bearing(key)).status_code == 200
