"""Both clients have every method, with the words and the types of its one source."""

import inspect
import subprocess
import sys
from pathlib import Path

import pytest

from digitserve import AsyncClient, Client
from digitserve.client.methods import Methods
from tests.conftest import ROOT

NAMES = {name for name in vars(Methods) | dict(inspect.getmembers(Methods)) if not name.startswith("_")}

GOOD = """
from pathlib import Path

import numpy as np
from PIL import Image

from digitserve import AsyncClient, BadPicture, Client, Outcome, Prediction, Refused

with Client("http://127.0.0.1:8000", key="ds_x", timeout=5) as client:
    for picture in ("7.png", Path("7.png"), b"", Image.new("L", (28, 28)), np.zeros((28, 28), np.uint8)):
        reading: Prediction = client.predict(picture, model="digits@2", top_k=3)
    share: float = reading.probabilities["7"]
    for one in client.predict_many([b"", Path("7.png")]):
        text: str = one.message if isinstance(one, BadPicture) else one.label
    outcome: Outcome = client.teach({"7": [b""]}, epochs=3, promote="never", on_event=lambda event: print(event.state))
    number: int = client.promote(outcome.version, expected=2)["champion"]
    for event in client.events("ftjob-1"):
        print(event.message)
    try:
        client.read(b"").numbers[0].box.width.bit_length()
    except Refused as refusal:
        print(refusal.code.upper())


async def main() -> str:
    async with AsyncClient() as client:
        async for event in client.events("ftjob-1"):
            print(event.state)
        models: tuple[str, ...] = tuple(model.name for model in await client.models())
        return (await client.predict(b"")).label + models[0]
"""
BAD = """
from digitserve import AsyncClient, Client

client, other = Client(), AsyncClient()
client.predict(7)
client.teach(epoch=3)
client.teach(promote="always")
client.predict(b"").lable
len(other.predict(b""))
client.promote("digits@3", expected="2")
"""


def test_both_have_all_of_them() -> None:
    for kind in (Client, AsyncClient):
        assert {name for name in vars(kind) if not name.startswith("_")} - {"close", "aclose"} == NAMES


@pytest.mark.parametrize("name", sorted(NAMES - {"events"}))
def test_a_method_is_shown_with_what_it_gives(name: str) -> None:
    source = inspect.signature(getattr(Methods, name))
    for kind in (Client, AsyncClient):
        bound = getattr(kind, name)
        shown = inspect.signature(bound)
        assert list(shown.parameters) == list(source.parameters)
        assert shown.return_annotation == source.return_annotation.__args__[2]
        assert bound.__doc__ == getattr(Methods, name).__doc__
        assert inspect.iscoroutinefunction(bound) == (kind is AsyncClient)


def test_a_users_types_are_checked(tmp_path: Path) -> None:
    """By mypy, strictly, in files of their own."""
    (tmp_path / "good.py").write_text(GOOD)
    (tmp_path / "bad.py").write_text(BAD)
    command = [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", "--config-file=", "--hide-error-context",
               str(tmp_path / "good.py"), str(tmp_path / "bad.py")]  # fmt: skip
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stdout
    lines = BAD.splitlines()
    wrong = {lines.index(line) + 1 for line in lines[4:]}
    assert {line.partition(": error")[0].rpartition("/")[2] for line in told.splitlines() if ": error" in line} == {
        f"bad.py:{number}" for number in wrong
    }, told


def test_importing_the_package_loads_neither_httpx_nor_the_server() -> None:
    script = "import sys, digitserve; print('httpx' in sys.modules); digitserve.Client; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=True, capture_output=True, text=True)
    first, after = done.stdout.splitlines()
    assert first == "False"
    assert not {"app", "models_store", "training", "torch", "numpy", "fastapi", "pydantic"} & set(after.split())
