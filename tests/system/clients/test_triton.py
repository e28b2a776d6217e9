"""`tritonclient[http]`, as it comes, against a real server: every call that it has, in every way to send and answer."""

import asyncio
import contextlib
import io
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from tritonclient.http import InferenceServerClient, InferInput, InferRequestedOutput
from tritonclient.http import aio as asynchronous
from tritonclient.utils import InferenceServerException

from models_store.model import Model, predict_all
from models_store.refs import Ref
from models_store.registry import Registry, Version
from models_store.shipped_version import open_store
from tests.conftest import EXAMPLES, ROOT, republished, set_apart
from tests.support.patience import PATIENCE_SECONDS, wait_until
from tests.system.clients.tensors import DIGITS, image, labels_of, picture, texts
from tests.system.harness import command, serving
from tests.system.test_readme import answered, curl  # noqa: F401
from training.data import rows, sources

GUIDE = (ROOT / "docs" / "guides" / "triton-clients.md").read_text()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """The address of a server with two processes, and its folder."""
    folder = tmp_path_factory.mktemp("served")
    with pytest.MonkeyPatch.context() as environment:
        set_apart(environment, folder)
        environment.setenv("DIGITSERVE_JOB_WORKERS", "0")
        republished(open_store(folder / "store"))  # digits@2, which nobody but a test asks for
        with serving(folder / "log", "--workers", "2") as (_, url):
            yield url, folder


@pytest.fixture(scope="module")
def client(server: tuple[str, Path]) -> Iterator[InferenceServerClient]:
    host = server[0].removeprefix("http://")
    with InferenceServerClient(host, concurrency=4, network_timeout=PATIENCE_SECONDS) as made:
        yield made


@pytest.fixture(scope="module")
def version(server: tuple[str, Path]) -> Version:
    return Registry(server[1] / "store").resolve(Ref("digits"))


def test_what_the_server_says_of_itself_and_its_models(client: InferenceServerClient, version: Version) -> None:
    number = str(version.number)
    assert client.is_server_live() and client.is_server_ready()
    assert client.is_model_ready("digits") and client.is_model_ready("digits", number)
    assert not client.is_model_ready("nope") and not client.is_model_ready("digits", "99")
    assert "binary_tensor_data" in client.get_server_metadata()["extensions"]
    for found in (client.get_model_metadata("digits"), client.get_model_metadata("digits", number)):
        assert [one["name"] for one in found["inputs"]] == ["image", "picture"] and found["versions"] == ["1", "2"]
    assert client.get_model_config("digits")["max_batch_size"] == 256
    assert client.get_model_repository_index()[0]["state"] == "READY"


@pytest.mark.parametrize("datatype", ["FP32", "UINT8"])
@pytest.mark.parametrize("binary", [True, False])
def test_numpy_goes_in_and_comes_out(
    client: InferenceServerClient, version: Version, datatype: str, binary: bool
) -> None:
    outputs = [InferRequestedOutput(name, binary) for name in ("label", "probabilities", "confidence", "uncertain")]
    many = np.repeat(DIGITS, 25, axis=0)  # 250 pictures: as JSON a body of megabytes
    found = client.infer("digits", [image(many, datatype, binary=binary)], outputs=outputs, request_id="mine")
    assert texts(found.as_numpy("label")) == labels_of(version, many)
    probabilities = found.as_numpy("probabilities")
    assert (probabilities.dtype, probabilities.shape) == (np.float32, (250, 10))
    np.testing.assert_allclose(probabilities.sum(1), 1, atol=1e-5)
    np.testing.assert_array_equal(found.as_numpy("confidence"), probabilities.max(1))
    assert (found.as_numpy("uncertain").dtype, found.as_numpy("uncertain").shape) == (np.bool_, (250,))
    said = found.get_response()
    assert (said["id"], said["model_name"], said["model_version"]) == ("mine", "digits", str(version.number))


@pytest.mark.parametrize("sent", [None, "gzip", "deflate"])
@pytest.mark.parametrize("answered", [None, "gzip", "deflate"])
def test_packed_both_ways(
    client: InferenceServerClient, version: Version, sent: str | None, answered: str | None
) -> None:
    many = np.repeat(DIGITS, 10, axis=0)
    packing = {"request_compression_algorithm": sent, "response_compression_algorithm": answered}
    found = client.infer("digits", [image(many, "FP32")], **packing)
    assert texts(found.as_numpy("label")) == labels_of(version, many)
    assert found.as_numpy("probabilities").shape == (100, 10)


def test_pictures_are_read_as_v1_reads_them(client: InferenceServerClient, server: tuple[str, Path]) -> None:
    files = [path.read_bytes() for path in sorted(EXAMPLES.glob("[0-9].png"))]
    found = client.infer("digits", [picture(*files)])
    with httpx.Client(base_url=server[0], trust_env=False, timeout=PATIENCE_SECONDS) as http:
        theirs = http.post("/v1/predict/batch", files=[("files", file) for file in files]).json()["predictions"]
    assert texts(found.as_numpy("label")) == [one["label"] for one in theirs] == list("0123456789")
    np.testing.assert_allclose(found.as_numpy("confidence"), [one["confidence"] for one in theirs], atol=1e-4)
    assert found.as_numpy("uncertain").tolist() == [one["uncertain"] for one in theirs]


def test_the_best_labels_with_their_values(client: InferenceServerClient) -> None:
    best = InferRequestedOutput("probabilities", class_count=3)
    found = client.infer("digits", [image(DIGITS, "UINT8")], outputs=[best])
    values = found.as_numpy("probabilities")
    assert values.shape == (10, 3)
    assert all(re.fullmatch(r"[01]\.\d{6}:\d:\d", text) for text in texts(values.reshape(-1)))


def test_many_at_once_and_asyncio(client: InferenceServerClient, server: tuple[str, Path], version: Version) -> None:
    waiting = [client.async_infer("digits", [image(DIGITS, "FP32")]) for _ in range(8)]
    expected = labels_of(version, DIGITS)
    assert all(texts(one.get_result().as_numpy("label")) == expected for one in waiting)

    async def asked() -> list[str]:
        async with asynchronous.InferenceServerClient(server[0].removeprefix("http://")) as other:
            assert await other.is_server_ready()
            assert (await other.get_model_metadata("digits"))["name"] == "digits"
            packing = {"request_compression_algorithm": "gzip", "response_compression_algorithm": "deflate"}
            found = await other.infer("digits", [image(np.repeat(DIGITS, 9, 0), "UINT8")], **packing)
            with pytest.raises(InferenceServerException, match=r"\[404\] There is no model nope"):
                await other.infer("nope", [image(DIGITS, "UINT8")])
            return texts(found.as_numpy("label"))

    assert asyncio.run(asked()) == [label for label in expected for _ in range(9)]


def test_what_is_refused_is_an_exception_with_the_sentence(client: InferenceServerClient) -> None:
    def told(*arguments: Any, **more: Any) -> tuple[str, str]:
        with pytest.raises(InferenceServerException) as caught:
            client.infer(*arguments, **more)
        return caught.value.status(), caught.value.message()

    good = image(DIGITS, "UINT8")
    assert told("nope", [good]) == ("404", "There is no model nope. See the list of models.")
    assert told("digits", [good], model_version="99")[0] == "404"
    assert told("digits", [InferInput("x", [1], "UINT8").set_data_from_numpy(np.zeros(1, np.uint8))])[0] == "400"
    doubles = InferInput("image", [1, 784], "FP64").set_data_from_numpy(np.zeros((1, 784)))
    assert "takes FP32 or UINT8" in told("digits", [doubles])[1]
    assert told("digits", [picture(b"\x89PNG", b"x")])[1].startswith("`picture`[0]: ")
    assert "257 pictures" in told("digits", [image(np.zeros((257, 28, 28), np.uint8), "UINT8")])[1]
    assert "no output `x`" in told("digits", [good], outputs=[InferRequestedOutput("x")])[1]
    shared = InferRequestedOutput("label")
    shared.set_shared_memory("mine", 100)
    assert "shares no memory" in told("digits", [good], outputs=[shared])[1]
    for call in (
        client.get_system_shared_memory_status, client.get_cuda_shared_memory_status, client.get_log_settings,
        client.get_trace_settings, lambda: client.load_model("digits"), lambda: client.unload_model("digits"),
        lambda: client.update_log_settings({}), lambda: client.unregister_system_shared_memory("mine"),
    ):  # fmt: skip
        with pytest.raises(InferenceServerException) as caught:
            call()
        assert caught.value.status() == "404" and caught.value.message().endswith(".")


def test_statistics_of_both_processes_are_what_was_sent(
    client: InferenceServerClient, server: tuple[str, Path]
) -> None:
    for _ in range(10):
        with InferenceServerClient(server[0].removeprefix("http://")) as other:  # a connection of its own, to either
            wait_until(lambda: other.is_model_ready("digits", "2"))
            other.infer("digits", [image(DIGITS, "UINT8")], model_version="2")

    def counted() -> tuple[int, int]:
        (one,) = client.get_inference_statistics("digits", "2")["model_stats"]
        assert "2" in [other["version"] for other in client.get_inference_statistics()["model_stats"]]
        return one["inference_count"], one["inference_stats"]["success"]["count"]

    wait_until(lambda: counted() == (100, 10), progress=counted)  # processes tell each other within a second


def test_the_lines_of_the_guide_are_answered(server: tuple[str, Path], curl: str) -> None:  # noqa: F811
    lines = re.findall(r"^curl .+$", GUIDE, re.M)
    assert len(lines) == 3
    metadata, one, other = answered(lines, server[0], curl)
    assert metadata["name"] == "digits"
    assert {output["name"]: output["data"] for output in one["outputs"]}["label"] == ["7"]
    assert other["outputs"][0]["data"] == ["3"]


def test_the_script_of_the_guide_prints_what_it_should(server: tuple[str, Path]) -> None:
    (script,) = re.findall(r"^```python\n(.+?)^```", GUIDE, re.M | re.S)
    said = io.StringIO()
    with contextlib.chdir(ROOT), contextlib.redirect_stdout(said):
        exec(script.replace("127.0.0.1:8000", server[0].removeprefix("http://")), {})
    first, second = said.getvalue().splitlines()
    assert first.startswith("7 ") and first.endswith("False")
    assert second.endswith(" 1")


def test_all_mnist_test_digits_get_the_labels_of_the_model_itself(
    client: InferenceServerClient, server: tuple[str, Path], version: Version, data_dir: Path
) -> None:
    pixels, _ = rows.as_numpy(sources.mnist(data_dir).test)
    with httpx.Client(base_url=server[0], trust_env=False, timeout=PATIENCE_SECONDS) as http:
        serving_as = http.get("/v1/models/digits").json()["serving"]["candidate"]
    expected = predict_all(Model.load(version.folder, version.manifest, serving_as), pixels).argmax(1)
    wanted = [InferRequestedOutput("label")]
    for datatype, count in (("FP32", len(pixels)), ("UINT8", 1000)):
        found: list[str] = []
        for at in range(0, count, 250):
            answer = client.infer("digits", [image(pixels[at : at + 250], datatype)], outputs=wanted)
            found += texts(answer.as_numpy("label"))
        assert found == [str(label) for label in expected[:count]], datatype


def test_keys_travel_in_tritonclients_headers(client: InferenceServerClient, server: tuple[str, Path]) -> None:
    """Last: from now on the server wants one."""
    state = str(server[1] / "state")
    key, other = (
        command("keys", "create", scope, "--scope", scope, DIGITSERVE_STATE_DIR=state).stdout.strip()
        for scope in ("predict", "train")
    )
    good, bearer = [image(DIGITS, "UINT8")], {"Authorization": f"Bearer {key}"}

    def told(headers: dict[str, str]) -> list[str]:
        """The status of each call."""
        calls: list[Callable[[], object]] = [
            lambda: client.infer("digits", good, headers=dict(headers)),
            lambda: client.get_server_metadata(headers=headers),
            lambda: client.get_log_settings(headers=headers),
        ]
        found = []
        for call in calls:
            try:
                call()
                found.append("200")
            except InferenceServerException as refusal:
                assert refusal.message().endswith(".")
                found.append(refusal.status())
        return found

    wait_until(lambda: told({}) == ["401"] * 3)  # the process of this connection has heard of them
    wait_until(lambda: told(bearer) == ["200", "200", "404"])
    assert told({"Authorization": f"Bearer {other}"}) == ["403"] * 3
    assert client.is_server_live() and client.is_server_ready()
