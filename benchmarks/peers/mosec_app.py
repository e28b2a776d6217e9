"""Mosec (HTTP and batching in Rust): /predict takes a PNG, of which it gathers up to 32; /batch takes many as JSON.

python -m benchmarks.peers.mosec_app --address 127.0.0.1 --port 8000, with WORKERS
"""

import base64
import json
import os
from typing import Any

from mosec import Runtime, Server, Worker  # type: ignore[import-not-found]

from benchmarks.peers import work


class Digits(Worker):  # type: ignore[misc]  # mosec is in an environment of its own
    """One picture a request."""

    def __init__(self) -> None:
        self.model = work.load()

    def deserialize(self, data: bytes) -> Any:
        return work.decode(data)

    def serialize(self, data: Any) -> bytes:
        return json.dumps(data).encode()

    def forward(self, data: list[Any]) -> list[dict[str, object]]:
        return work.infer(self.model, data)


class Many(Digits):
    """Many pictures a request."""

    def deserialize(self, data: bytes) -> Any:
        return [work.decode(base64.b64decode(one)) for one in json.loads(data)["images"]]


if __name__ == "__main__":
    workers = int(os.environ["WORKERS"])
    server = Server()
    one = Runtime(Digits, num=workers, max_batch_size=32, max_wait_time=1, timeout=30)  # ms, s
    many = Runtime(Many, num=workers, timeout=30)
    server.register_runtime({"/predict": [one], "/batch": [many]})
    server.run()
