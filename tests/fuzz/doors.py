"""What must hold for any picture at every door: it is read or refused by a reason that was foreseen, never worse."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import httpx
import numpy as np
from anyio.from_thread import start_blocking_portal

from app.main import create_app
from app.settings import Settings
from models_store.errors import ImageRejected
from models_store.pictures.prepare import prepare
from models_store.pictures.stripped import strip
from models_store.specs import InputSpec
from tests.conftest import running

_SPECS = (
    InputSpec(),
    InputSpec(preparation="digit"),
    InputSpec(preparation="picture"),
    InputSpec(channels=3, mean=(0.5,) * 3, std=(0.5,) * 3, preparation="picture"),
)
_FORESEEN = {
    "image_invalid", "image_truncated", "image_bad_dimensions", "image_too_large", "image_too_complex",
    "unsupported_image_format",
}  # fmt: skip
_ROUTES = ("/v1/predict", "/v1/read")

Post = Callable[[str, bytes], httpx.Response]


def check_prepared(data: bytes, read: bool = False) -> None:
    """Each way of preparing it ends in pixels of the right shape, blank or not, or in a refusal that was foreseen: in
    none where it must be `read`."""
    foreseen = set() if read else _FORESEEN
    for spec in _SPECS:
        with _refused(foreseen):
            prepared = prepare(data, spec)
            assert prepared.pixels.dtype == np.uint8 and prepared.pixels.shape == spec.shape
            assert prepared.is_blank or np.ptp(prepared.pixels) > 0
    with _refused(foreseen):
        assert min(strip(data).width, strip(data).height) > 0


def check_answered(data: bytes, post: Post) -> None:
    """The service answers it, and not with a fault of its own."""
    for route in _ROUTES:
        answer = post(route, data)
        if not data:
            assert answer.json()["code"] == "file_missing"
        elif answer.status_code != 200:
            assert answer.json()["code"] in _FORESEEN, answer.text
            assert answer.status_code < 500


@contextmanager
def _refused(foreseen: set[str]) -> Iterator[None]:
    try:
        yield
    except ImageRejected as refusal:
        assert refusal.code in foreseen, refusal.code


@contextmanager
def service(store: Path) -> Iterator[Post]:
    """The service in this process, and how a picture is sent to it."""
    with start_blocking_portal("asyncio") as portal:
        app = create_app(Settings(store_dir=store))
        with portal.wrap_async_context_manager(running(app)) as http:
            yield lambda route, data: portal.call(
                partial(http.post, route, content=data, headers={"content-type": "image/png"})
            )
