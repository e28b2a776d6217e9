import pytest

from benchmarks.layers import samples
from benchmarks.layers.samples import OTHER

SITE = "/home/of/.venv/lib/python3.11/site-packages"


def stack(*files: str, thread: str = "MainThread", count: int = 1) -> str:
    frames = [f"function ({file})" for file in ("/home/of/app/process.py", *files)]
    return f"thread (0x7F3): {thread};{';'.join(frames)} {count}"


@pytest.mark.parametrize(
    ("files", "layer"),
    [
        ([], OTHER),
        ([f"{SITE}/uvicorn/server.py", f"{SITE}/uvicorn/_compat.py", "/usr/lib/python3.11/asyncio/runners.py"], OTHER),
        (["/home/of/app/web/http1/protocol.py"], "protocol"),
        (["/home/of/app/web/http1/exchange.py", "/home/of/app/web/direct.py"], "body"),
        (["/home/of/app/predict/predict.py", f"{SITE}/fastapi/routing.py"], "routing, query and what wraps a route"),
        (["/home/of/app/predict/predict.py", f"{SITE}/pydantic/main.py"], "verdict and answer"),
        (["/home/of/app/inference/engine.py", "/home/of/app/inference/verdict.py"], "verdict and answer"),
        (["/home/of/app/inference/engine.py", "/usr/lib/python3.11/contextlib.py"], "batcher and engine"),
        (["/home/of/app/inference/batcher.py", "/home/of/models_store/model/model.py"], "model"),
        (["/home/of/models_store/model/model.py", f"{SITE}/torch/nn/modules/module.py"], "model"),
        (["/home/of/app/inference/decoding.py", f"{SITE}/numpy/lib/_function.py"], "decoding of pictures"),
        (["/home/of/models_store/pictures/prepare.py", f"{SITE}/PIL/Image.py"], "decoding of pictures"),
        (
            ["/home/of/app/web/entry.py", "/home/of/app/logs/written.py", "/usr/lib/python3.11/logging/__init__.py"],
            "log",
        ),
    ],
)
def test_a_sample_belongs_to_the_innermost_frame_that_has_a_layer(files: list[str], layer: str) -> None:
    assert dict(samples.sort(stack(*files)).samples) == {layer: 1}


def test_shares_are_those_of_the_main_thread() -> None:
    model, log = "/home/of/models_store/model/model.py", "/home/of/app/logs/written.py"
    recorded = [stack(model, count=3), stack(log), stack(model, thread="Thread-1 (worker)", count=50), stack()]
    layers = samples.sort("\n".join(recorded) + "\n")
    assert layers.samples.total() == 5
    assert layers.share("model") == 0.6
    assert layers.share("log") == layers.share(OTHER) == 0.2
    assert layers.functions["model"] == {"function (models_store/model/model.py)": 3}


def test_nothing_sampled_is_no_share() -> None:
    assert samples.sort("").share("model") == 0


def test_every_layer_that_is_shown_can_be_met() -> None:
    assert OTHER in samples.LAYERS
    assert len(set(samples.LAYERS)) == len(samples.LAYERS)
