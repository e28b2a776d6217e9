"""LitServe: /predict takes a form with a picture, of which it gathers up to 32; /batch takes many as JSON.

python -m benchmarks.peers.litserve_app --port 8000, with WORKERS
"""

import base64
import os
import sys
from typing import Any

import litserve  # type: ignore[import-not-found]
from fastapi import Request

from benchmarks.peers import work


class Digits(litserve.LitAPI):  # type: ignore[misc]  # litserve is in an environment of its own
    """One picture a request."""

    def setup(self, device: str) -> None:
        self.model = work.load()

    def decode_request(self, request: Request) -> Any:
        return work.decode(request["file"].file.read())

    def batch(self, inputs: list[Any]) -> list[Any]:
        return inputs

    def predict(self, x: Any) -> Any:
        return work.infer(self.model, x if isinstance(x, list) else [x])

    def unbatch(self, output: list[Any]) -> list[Any]:
        return output

    def encode_response(self, output: Any) -> Any:
        return output[0] if isinstance(output, list) else output


class Many(litserve.LitAPI):  # type: ignore[misc]
    """Many pictures a request."""

    def setup(self, device: str) -> None:
        self.model = work.load()

    def decode_request(self, request: Request) -> list[Any]:
        return [work.decode(base64.b64decode(one)) for one in request["images"]]

    def predict(self, x: list[Any]) -> list[dict[str, object]]:
        return work.infer(self.model, x)

    def encode_response(self, output: list[dict[str, object]]) -> Any:
        return output


if __name__ == "__main__":
    workers = int(os.environ["WORKERS"])
    apis = [Digits(max_batch_size=32, batch_timeout=0.002), Many(api_path="/batch")]
    server = litserve.LitServer(apis, accelerator="cpu", workers_per_device=workers)
    server.run(
        host="127.0.0.1", port=int(sys.argv[2]), num_api_servers=workers, generate_client_file=False,
        log_level="warning",
    )  # fmt: skip
