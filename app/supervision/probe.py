"""probe: who answers on an address? Asked over HTTP as any client would; it needs no web framework."""

import http.client
import json
from dataclasses import dataclass
from enum import Enum, auto

from app.logs.urls import from_here

_MOST_BYTES = 65_536


class Who(Enum):
    """What was found on an address."""

    NOBODY = auto()
    READY = auto()  # DigitServe, and a model answers
    NOT_READY = auto()  # DigitServe, and none does
    ENDING = auto()  # DigitServe, which is about to end
    SILENT = auto()  # it lets one in, and does not answer in time
    OTHER = auto()  # something else


@dataclass(frozen=True)
class Found:
    """Who answers, and with which version where it is ready."""

    who: Who
    model: str = ""

    @property
    def is_ours(self) -> bool:
        """Whether it is a DigitServe."""
        return self.who in (Who.READY, Who.NOT_READY, Who.ENDING)


def probe(host: str, port: int, seconds: float = 2.0) -> Found:
    """Asks /readyz; every read and write has so many seconds. An address that means all is asked on this machine."""
    connection = http.client.HTTPConnection(from_here(host), port, timeout=seconds)
    try:
        connection.request("GET", "/readyz", headers={"Connection": "close"})
        answer = connection.getresponse()
        return _judged(answer.read(_MOST_BYTES))
    except ConnectionError:
        return Found(Who.NOBODY)
    except TimeoutError:
        return Found(Who.SILENT)
    except (OSError, http.client.HTTPException):
        return Found(Who.OTHER)
    finally:
        connection.close()


def _judged(body: bytes) -> Found:
    try:
        told = json.loads(body)
    except ValueError:
        return Found(Who.OTHER)
    match told:
        case {"status": "ready", "model": str(model)}:
            return Found(Who.READY, model)
        case {"code": "not_ready", "request_id": str()}:
            return Found(Who.NOT_READY)
        case {"code": "draining", "request_id": str()}:
            return Found(Who.ENDING)
    return Found(Who.OTHER)
