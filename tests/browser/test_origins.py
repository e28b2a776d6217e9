"""Pages of other origins in a real browser: what they send to the service changes nothing, and they read nothing of it.
A page that the operator allows reads digits; a name that was rebound to this machine gets nowhere.
"""

import threading
from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from typing import Any

import pytest
from playwright.sync_api import Browser, FilePayload, Page, expect

from models_store.shipped_version import open_store
from tests.browser.conftest import EVIL, FRIEND, PLAIN, ask
from tests.browser.elsewhere import BOXED, LOADS, SENDS, Elsewhere, Places, asked
from tests.conftest import EXAMPLES, ROOT, republished, set_apart
from tests.support.patience import PATIENCE_SECONDS
from tests.system.harness import serving

PICTURE = (EXAMPLES / "7.png").read_bytes()


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Places]:
    folder = tmp_path_factory.mktemp("served")
    with pytest.MonkeyPatch.context() as environment, ThreadingHTTPServer(("127.0.0.1", 0), Elsewhere) as elsewhere:
        threading.Thread(target=elsewhere.serve_forever, daemon=True).start()
        set_apart(environment, folder)
        republished(open_store(folder / "store"))
        friend = f"http://{FRIEND}:{elsewhere.server_port}"
        for name, value in {"ALLOWED_ORIGINS": friend, "JOB_WORKERS": "0", "WORKERS": "1"}.items():
            environment.setenv(f"DIGITSERVE_{name}", value)
        with serving(folder / "log") as (_, url):
            promoted = ask("PUT", f"{url}/v1/models/digits/aliases/champion", json={"version": 2, "expected": 1})
            given = ask("POST", f"{url}/v1/feedback", params={"label": "7"}, files={"file": PICTURE})
            assert (promoted.status_code, given.status_code) == (200, 201)
            yield Places(url, int(url.rpartition(":")[2]), elsewhere.server_port, folder / "log")
        elsewhere.shutdown()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context()
    context.set_default_timeout(1000 * PATIENCE_SECONDS)
    yield context.new_page()
    context.close()


JOB = '{"model":"digits","training_file":"feedback"}'
CHANGES: dict[str, tuple[str, dict[str, Any], bytes | None]] = {
    "roll back": ("/v1/models/digits/rollback", {"method": "POST"}, None),
    "correct": ("/v1/feedback?label=1", {"method": "POST"}, PICTURE),
    "correct, as a text": ("/v1/feedback?label=1", {"method": "POST", "type": "text/plain"}, PICTURE),
    "correct, as an image": ("/v1/feedback?label=1", {"method": "POST", "type": "image/png"}, PICTURE),
    "make a job": ("/v1/fine_tuning/jobs", {"method": "POST", "body": JOB}, None),
    "upload": ("/v1/files", {"method": "POST"}, PICTURE),
    "delete": ("/v1/models/digits@1", {"method": "DELETE"}, None),
    "promote": ("/v1/models/digits/aliases/champion", {"method": "PUT", "body": '{"version":1,"expected":2}'}, None),
    "read a digit": ("/v1/predict", {"method": "POST"}, PICTURE),
    "see the corrections": ("/v1/feedback", {"method": "GET"}, None),
    "see whether it lives": ("/healthz", {"method": "GET"}, None),
}  # fmt: skip


@pytest.mark.parametrize("name", [EVIL, "127.0.0.1", "nobody"])
def test_a_foreign_page_changes_nothing_and_reads_nothing(page: Page, places: Places, name: str) -> None:
    page.goto(places.elsewhere(EVIL if name == "nobody" else name))
    if name == "nobody":  # a frame in a sandbox has no origin: `Origin: null`
        page.evaluate(BOXED)
    script = page.frames[-1]
    before = places.kept()
    with places.answered() as statuses:
        for path, options, picture in CHANGES.values():
            for mode in ("no-cors", "cors"):
                kind, status, text, _ = asked(script, places.service + path, picture, mode=mode, **options)
                assert kind in ("opaque", "TypeError") and (status, text) == (0, ""), (path, mode)
    assert len(statuses) >= len(CHANGES) and set(statuses) == {403}
    assert places.kept() == before


def test_a_form_on_a_foreign_page_is_refused(page: Page, places: Places) -> None:
    before = places.kept()
    for kind in ("multipart/form-data", "application/x-www-form-urlencoded", "text/plain"):
        for path in ("/v1/feedback?label=1", "/v1/models/digits/rollback", "/v1/files"):
            page.goto(places.elsewhere(EVIL))
            page.evaluate(SENDS, [places.service + path, kind, {"label": "1", "purpose": "fine-tune"}])
            file = FilePayload(name="7.png", mimeType="image/png", buffer=PICTURE)
            page.locator("[type=file]").set_input_files(file)
            with page.expect_navigation() as there:
                page.evaluate("document.querySelector('form').submit()")
            assert there.value.status == 403
    assert places.kept() == before


def test_nothing_of_the_service_stands_in_a_foreign_page(page: Page, places: Places) -> None:
    page.goto(places.elsewhere(EVIL))
    picture = ask("GET", f"{places.service}/v1/feedback").json()["data"][0]["id"]
    loaded = {
        "img": f"/v1/feedback/{picture}/picture", "script": "/ui/main.js", "link": "/ui/style.css", "video": "/",
    }  # fmt: skip
    with places.answered() as statuses:
        for tag, path in loaded.items():
            assert page.evaluate(LOADS, [tag, places.service + path]) == "error", tag
        for tag in ("iframe", "object"):
            page.evaluate(LOADS, [tag, f"{places.service}/"])
    assert len(statuses) >= len(loaded) + 2 and set(statuses) == {403}


def test_over_plain_http_in_a_network_browsers_say_less_and_still_show_nothing(page: Page, places: Places) -> None:
    """No Sec-Fetch-Site: the service's rules for its answers, and Origin, are what is left."""
    page.goto(places.elsewhere(EVIL))
    service, before = f"http://{PLAIN}:{places.port}", places.kept()
    with places.answered() as statuses:
        for path, options, picture in CHANGES.values():
            if options["method"] != "GET":
                for mode in ("no-cors", "cors"):
                    assert asked(page, service + path, picture, mode=mode, **options)[0] in ("opaque", "TypeError")
    assert statuses and set(statuses) == {403}
    picture = ask("GET", f"{places.service}/v1/feedback").json()["data"][0]["id"]
    with places.answered() as statuses:
        for tag, path in {"img": f"/v1/feedback/{picture}/picture", "script": "/ui/main.js"}.items():
            assert page.evaluate(LOADS, [tag, service + path]) == "error"
        page.evaluate(LOADS, ["iframe", f"{service}/"])
        assert asked(page, f"{service}/v1/models", method="GET", mode="no-cors")[0] == "TypeError"
    assert statuses == [200] * 4
    assert places.kept() == before
    assert not page.frames[-1].url.startswith(service)  # what may stand in no frame is replaced


def test_a_link_on_a_foreign_page_leads_to_the_service(page: Page, places: Places) -> None:
    page.goto(places.elsewhere(EVIL))
    page.evaluate("url => { document.body.innerHTML = `<a href=${url}>there</a>` }", f"{places.service}/")
    with page.expect_response(f"{places.service}/") as answer:
        page.get_by_text("there").click()
    assert answer.value.status == 200
    page.locator("canvas").wait_for()
    kind, status, text, _ = asked(page, "/v1/predict", PICTURE, method="POST", type="image/png")
    assert (kind, status) == ("basic", 200) and '"label":"7"' in text


def test_a_rebound_name_gets_nowhere(browser: Browser, places: Places) -> None:
    page = browser.new_page(bypass_csp=True)  # the page that the name led to before had no rules
    there = f"http://{EVIL}:{places.port}"
    answer = page.goto(f"{there}/")
    assert answer is not None and (answer.status, answer.json()["code"]) == (400, "bad_host")
    assert EVIL not in answer.text() and not any(EVIL in value for value in answer.headers.values())
    page.goto(f"{there}/healthz")
    before = places.kept()
    for path, options, picture in CHANGES.values():
        if path != "/healthz":
            kind, status, text, _ = asked(page, path, picture, **options)
            assert (kind, status) == ("basic", 400) and '"bad_host"' in text, path
    assert places.kept() == before
    page.close()


def test_a_page_that_is_allowed_reads_digits_and_refusals(page: Page, places: Places) -> None:
    page.goto(places.elsewhere(FRIEND))
    predict = f"{places.service}/v1/predict"
    headers = {
        "Content-Type": "image/png",
        "Authorization": "Bearer none",
        "X-Request-ID": "mine-1",
        "X-Stainless-Lang": "js",
    }
    kind, status, text, name = asked(page, predict, PICTURE, method="POST", headers=headers)
    assert (kind, status, name) == ("cors", 200, "mine-1") and '"label":"7"' in text
    for path, code in {"/v1/predict?x=1": "parameter_unknown", "/nowhere": "not_found"}.items():
        kind, status, text, name = asked(page, places.service + path, method="GET" if path == "/nowhere" else "POST")
        assert kind == "cors" and status >= 400 and f'"{code}"' in text and name
    kind, status, _, _ = asked(page, f"{places.service}/v1/feedback/none", method="DELETE")
    assert (kind, status) == ("cors", 404)
    assert asked(page, predict, PICTURE, method="POST", credentials="include")[0] == "TypeError"  # no cookies are read


def test_the_page_of_the_guide_reads_a_digit(page: Page, places: Places) -> None:
    text = (ROOT / "docs" / "guides" / "ask-from-a-page.md").read_text()
    page.goto(places.elsewhere(FRIEND))
    page.set_content(
        text.partition("```html\n")[2].partition("```")[0].replace("http://127.0.0.1:8000", places.service)
    )
    page.locator("input").set_input_files(EXAMPLES / "7.png")
    expect(page.locator("p")).to_have_text("7", timeout=1000 * PATIENCE_SECONDS)
