import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from benchmarks.load import in_json, raw
from benchmarks.peers.checked import check, labels
from benchmarks.peers.servers import Running, Way

ROW = [0.1] * 10


@contextmanager
def served(answer: Callable[[bytes], object], status: int = 200) -> Iterator[str]:
    """The address of a server that answers what it is posted."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.dumps(answer(self.rfile.read(int(self.headers["Content-Length"])))).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_request(self, code: int | str = "-", size: int | str = "-") -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def digit(body: bytes) -> object:
    """A picture here is its label: one, or many as base64 in JSON."""
    if body.startswith(b"{"):
        return {"predictions": [{"label": "7", "probabilities": {str(n): 0.1 for n in range(10)}}] * 2}
    return {"label": int(body), "probabilities": ROW}


def test_labels_are_found_wherever_they_stand() -> None:
    with served(digit) as url:
        assert labels(Way(url, raw), [b"3"]) == [3]
        assert labels(Way(url, in_json), [b"7", b"7"]) == [7, 7]
        with pytest.raises(SystemExit, match="answers 2 of 3"):
            labels(Way(url, in_json), [b"7"] * 3)
    with served(lambda body: {"label": 3, "probabilities": ROW[:9]}) as url, pytest.raises(SystemExit, match="0 of 1"):
        labels(Way(url, raw), [b"3"])


def test_a_refusal_is_said() -> None:
    with (
        served(lambda body: {"detail": "no such field"}, 422) as url,
        pytest.raises(SystemExit, match=r"422.*such field"),
    ):
        labels(Way(url, raw), [b"3"])


def test_a_peer_that_reads_pictures_differently_is_not_compared() -> None:
    with served(digit) as url:
        server = Running("peer", Way(url, raw))
        check(server, [b"3", b"4"], [3, 4])
        with pytest.raises(SystemExit, match="peer reads 1 of 2 pictures differently"):
            check(server, [b"3", b"4"], [3, 5])
