"""What others were taken over with, sent to every route that takes a body: nothing in it runs, and nothing breaks."""

import base64
import json
import pickle
import zipfile
from collections.abc import AsyncIterator
from io import BytesIO
from pathlib import Path

import httpx
import pytest
import torch

from app.main import create_app
from app.settings import Settings
from tests.conftest import EXAMPLES, running
from tests.support.uploading import packed

PICTURE = (EXAMPLES / "7.png").read_bytes()


class Trap:
    """A pickle of it makes a file when it is loaded."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.path,)


def saved_by_torch(value: object) -> bytes:
    buffer = BytesIO()
    torch.save(value, buffer)
    return buffer.getvalue()


def scripted_with(pickled: bytes) -> bytes:
    """TorchScript, with another pickle in the place of its own."""
    whole, changed = BytesIO(), BytesIO()
    torch.jit.save(torch.jit.script(torch.nn.Identity()), whole)
    with zipfile.ZipFile(whole) as source, zipfile.ZipFile(changed, "w") as target:
        for entry in source.infolist():
            target.writestr(entry, pickled if entry.filename.endswith("data.pkl") else source.read(entry))
    return changed.getvalue()


def traps(mark: Path) -> dict[str, bytes]:
    """Files that run something where they are loaded as what they are; most would touch `mark`."""
    pickled = pickle.dumps(Trap(mark))
    shell = f'touch "{mark}"'
    return {
        "a pickle": pickled,
        "torch.save": saved_by_torch(Trap(mark)),
        "a checkpoint": saved_by_torch({"model": Trap(mark), "epoch": 1}),
        "TorchScript with a pickle in it": scripted_with(pickled),
        "YAML": f'!!python/object/apply:os.system ["{shell}"]\n'.encode(),
        "SnakeYAML": b'!!javax.script.ScriptEngineManager [!!java.net.URLClassLoader [[!!java.net.URL ["http://127.0.0.1/"]]]]',
        "an entity that names a file": b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]><svg>&f;</svg>',
        "a script": f"#!/bin/sh\n{shell}\n".encode(),
        "PostScript": f"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(%pipe%{shell}) (w) file\n".encode(),
        "ImageMagick's language": f'push graphic-context\nimage over 0,0 0,0 "|{shell}"\npop graphic-context'.encode(),
        "an expression": f"=cmd|'/c {shell}'!A1,7\n".encode(),
    }


@pytest.fixture
async def http(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with running(create_app(Settings(store_dir=tmp_path / "store", state_dir=tmp_path / "state"))) as client:
        yield client


KINDS = [
    "application/octet-stream", "application/zip", "application/jsonl", "text/csv", "image/png", "application/json",
    "application/vnd.bentoml+pickle", "application/x-yaml", "application/python-pickle",
]  # fmt: skip
TAKERS = ["/v1/predict", "/v1/predict/batch", "/v1/read", "/v1/feedback", "/v1/files", "/v1/fine_tuning/jobs"]


async def test_nothing_that_is_sent_runs(http: httpx.AsyncClient, tmp_path: Path) -> None:
    mark = tmp_path / "sprung"
    for name, data in traps(mark).items():
        for path in TAKERS:
            params = {"label": "7"} if path == "/v1/feedback" else {}
            for kind in KINDS:
                answer = await http.post(path, params=params, content=data, headers={"content-type": kind})
                assert answer.status_code < 500, (name, path, kind, answer.text)
            for field in ("file", "files"):
                answer = await http.post(path, files={field: ("model.pt", data)}, data=params)
                assert answer.status_code < 500, (name, path, field, answer.text)
        inside = {"7/a.png": PICTURE, "7/model.pt": data, "7/b.png": data, "data.pkl": data}
        for path in ("/v1/files", "/v1/predict/batch"):
            headers = {"content-type": "application/zip"}
            assert (await http.post(path, content=packed(inside), headers=headers)).status_code < 500, (name, path)
        text = base64.b64encode(data).decode()
        assert (await http.post("/v1/predict/batch", json={"instances": [{"b64": text}]})).status_code == 200
        line = json.dumps({"image": text, "label": "7"}).encode()
        await http.post("/v1/files", content=line, headers={"content-type": "application/jsonl"})
        assert not mark.exists(), name


def test_the_traps_work(tmp_path: Path) -> None:
    mark = tmp_path / "sprung"
    made = traps(mark)
    pickle.loads(made["a pickle"])
    assert mark.exists()
    mark.unlink()
    torch.load(BytesIO(made["a checkpoint"]), weights_only=False)
    assert mark.exists()


async def test_no_answer_tells_where_something_lies_in_memory_or_on_disk(
    http: httpx.AsyncClient, tmp_path: Path
) -> None:
    """Pillow's own sentences have the address of an object in them, and an open file's path."""
    broken = [PICTURE[: len(PICTURE) * part // 6] for part in range(1, 6)] + [*traps(tmp_path / "sprung").values()]
    for data in broken:
        for path in TAKERS:
            answer = await http.post(path, content=data, params={"label": "7"} if path == "/v1/feedback" else {},
                                     headers={"content-type": "image/png"})  # fmt: skip
            for inner in (b"0x", b"BytesIO", b"Traceback", b"PIL", str(tmp_path).encode(), b"site-packages", b".py"):
                assert inner not in answer.content, (path, answer.text)
