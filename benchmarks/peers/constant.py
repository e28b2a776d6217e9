"""The limit of the server below us: uvicorn, and an app that reads the body and answers the same each time.

uvicorn benchmarks.peers.constant:app --workers 2
"""

import json

from starlette.types import Receive, Scope, Send

_BODY = json.dumps({"label": 0, "probabilities": [0.1] * 10}).encode()
_HEADERS = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(_BODY))]


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """An ASGI app that has no start and no end."""
    assert scope["type"] == "http"
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
    await send({"type": "http.response.body", "body": _BODY})
