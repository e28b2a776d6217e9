"""Traces of requests, as a real receiver gets them."""

import itertools
import subprocess
import sys
from pathlib import Path

from app.main import create_app
from app.settings import Settings
from tests.conftest import EXAMPLES, ROOT, running
from tests.integration.telemetry.tracing.receiver import Received, receiving
from tests.support.patience import until

PICTURE = (EXAMPLES / "7.png").read_bytes()
PNG = {"content-type": "image/png"}
TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"  # of the specification
PARENT = f"00-{TRACE}-{SPAN}-01"


def traced(url: str, share: float = 1.0) -> Settings:
    return Settings(traces_url=url, traces_share=share)


async def test_a_request_and_its_steps_go_on_with_the_clients_trace() -> None:
    with receiving() as receiver:
        async with running(create_app(traced(receiver.url))) as http:
            headers = {**PNG, "traceparent": PARENT, "tracestate": "vendor=1", "x-request-id": "mine-1"}
            answer = await http.post("/v1/predict", content=PICTURE, headers=headers)
            assert (answer.status_code, answer.json()["label"]) == (200, "7")
            await until(lambda: receiver.named("POST /v1/predict"))
        (request,) = receiver.named("POST /v1/predict")
        assert (request.trace, request.parent, request.kind, request.failed) == (TRACE, SPAN, 2, False)
        assert request.attributes == {
            "http.request.method": "POST", "http.route": "/v1/predict", "url.path": "/v1/predict",
            "http.response.status_code": 200, "digitserve.request_id": "mine-1", "digitserve.model": "digits@1",
        }  # fmt: skip
        assert request.resource["service.name"] == "digitserve"
        assert request.resource["service.instance.id"] == "api-1"
        _check_steps(request, receiver.spans, pictures=1)


def _check_steps(request: Received, spans: list[Received], pictures: int) -> None:
    """Below the request, one after the other, and within it."""
    steps = [span for span in spans if span.parent == request.span]
    assert [step.name for step in steps] == ["prepare", "queue", "infer"]
    assert all(step.trace == request.trace for step in steps)
    assert all(step.attributes == {"digitserve.model": "digits@1", "digitserve.pictures": pictures} for step in steps)
    assert all(one.end == other.begin for one, other in itertools.pairwise(steps))
    assert request.begin <= steps[0].begin + 1_000_000 and steps[-1].end <= request.end


async def test_every_way_to_a_reading_has_its_steps() -> None:
    """The direct way, the framework's, a batch, a page."""
    with receiving() as receiver:
        async with running(create_app(traced(receiver.url))) as http:
            await http.post("/v1/predict?prepared=true&explain=true", files={"file": ("7.png", PICTURE)})
            await http.post("/v1/predict/batch", files=[("files", (name, PICTURE)) for name in ("a.png", "b.png")])
            page = await http.post("/v1/read", content=PICTURE, headers=PNG)
            assert page.status_code == 200
        (digits,) = {step.attributes["digitserve.pictures"] for step in receiver.spans[-4:-1]}
        for name, pictures in (("POST /v1/predict", 1), ("POST /v1/predict/batch", 2), ("POST /v1/read", digits)):
            (request,) = receiver.named(name)
            _check_steps(request, receiver.spans, pictures)
            assert request.parent == ""


async def test_a_refusal_has_its_code_and_its_template() -> None:
    with receiving() as receiver:
        async with running(create_app(traced(receiver.url))) as http:
            await http.post("/v1/predict", content=b"no picture", headers=PNG)
            await http.get(f"/v1/files/file-{'0' * 24}")
            await http.get("/nowhere/at/all")
            await http.get("/readyz")
        by_name = {span.name: span for span in receiver.spans if span.kind == 2}
        assert set(by_name) == {"POST /v1/predict", "GET /v1/files/{id}", "GET"}, "and nothing of /readyz"
        assert by_name["POST /v1/predict"].attributes["error.type"] == "image_invalid"
        assert by_name["GET /v1/files/{id}"].attributes["http.response.status_code"] == 404
        assert not any(span.failed for span in receiver.spans)


async def test_a_share_is_traced_and_a_client_may_decide() -> None:
    with receiving() as receiver:
        async with running(create_app(traced(receiver.url, share=0.0))) as http:
            await http.post("/v1/predict", content=PICTURE, headers=PNG)
            await http.post("/v1/predict", content=PICTURE, headers={**PNG, "traceparent": PARENT})
            await http.post("/v1/predict", content=PICTURE, headers={**PNG, "traceparent": PARENT[:-1] + "0"})
        assert [span.trace for span in receiver.named("POST /v1/predict")] == [TRACE]


async def test_what_is_no_traceparent_begins_a_new_trace() -> None:
    wrong = ["", "00-" + "0" * 32 + f"-{SPAN}-01", "ff" * 40, "00-\xe9", "x" * 5000, f"00-{TRACE}-{SPAN}"]
    with receiving() as receiver:
        async with running(create_app(traced(receiver.url))) as http:
            for parent in wrong:
                answer = await http.get("/healthz/", headers=[(b"traceparent", parent.encode("latin-1"))])
                assert answer.status_code in (307, 308)
        assert len(receiver.spans) == len({span.trace for span in receiver.spans}) == len(wrong)
        assert {span.parent for span in receiver.spans} == {""}


def test_where_they_are_not_wanted_nothing_of_it_is_loaded(tmp_path: Path) -> None:
    program = (
        "import sys; from app.main import create_app; from app.settings import Settings; create_app(Settings());"
        "print([name for name in sys.modules if name.startswith(('opentelemetry.sdk', 'opentelemetry.exporter'))])"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
