import base64
import io
import json
import sys
from collections.abc import AsyncGenerator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from python_multipart.multipart import parse_options_header
from starlette.datastructures import Headers
from starlette.formparsers import MultiPartParser

from benchmarks import load


async def test_pictures_are_files_of_a_form() -> None:
    body, kind = load.multipart("files")([b"one\r\n", b"two"])
    assert parse_options_header(kind)[0] == b"multipart/form-data"

    async def stream() -> AsyncGenerator[bytes, None]:
        yield body

    form = await MultiPartParser(Headers({"content-type": kind}), stream()).parse()
    files = form.getlist("files")
    assert [await file.read() for file in files if not isinstance(file, str)] == [b"one\r\n", b"two"]
    assert len(form) == 1
    await form.close()


def test_the_other_forms() -> None:
    assert load.raw([b"one"]) == (b"one", "image/png")
    body, kind = load.in_json([b"one", b"two"])
    assert kind == "application/json"
    assert [base64.b64decode(one) for one in json.loads(body)["images"]] == [b"one", b"two"]


def test_digits_are_different_and_the_same_each_time() -> None:
    digits = load.digits()
    assert len(set(digits)) == load.DIGITS
    assert digits == load.digits()
    assert np.asarray(Image.open(io.BytesIO(digits[0]))).shape == (28, 28)


def test_bodies_are_files_with_their_numbers(tmp_path: Path) -> None:
    made = load.bodies(tmp_path / "some", load.raw, [[b"one"], [b"two"]])
    assert (made.count, made.kind) == (2, "image/png")
    assert [(made.folder / str(number)).read_bytes() for number in (0, 1)] == [b"one", b"two"]


def test_a_server_that_does_not_come_up_says_why() -> None:
    command = [sys.executable, "-c", "raise SystemExit('no such model')"]
    url = f"http://127.0.0.1:{load.free_port()}"
    with pytest.raises(SystemExit, match=r"does not answer:\nno such model"), load.process(command, {}, url):
        pass
