"""Whether traces are wanted, and can be made: OpenTelemetry is an extra, and nothing of it is loaded otherwise."""

import importlib.util
from typing import TYPE_CHECKING

from app.errors import CannotStart

if TYPE_CHECKING:
    from app.telemetry.tracing.traces import Traces

_PACKAGES = "opentelemetry.sdk.trace", "opentelemetry.exporter.otlp.proto.http.trace_exporter"


def check(url: str) -> None:
    """Raises CannotStart where traces are to be sent to `url` (empty: nowhere) and the extra is missing."""
    if url and not all(map(_is_installed, _PACKAGES)):
        raise CannotStart(
            "DIGITSERVE_TRACES_URL is set, and OpenTelemetry is not installed. Install it with pip install "
            '"digitserve[tracing]", or leave the setting empty.'
        )


def traces(url: str, share: float, instance: str) -> "Traces | None":
    """None where `url` is empty. Raises CannotStart."""
    if not url:
        return None
    check(url)
    from app.telemetry.tracing.traces import Traces

    return Traces(url, share, instance)


def _is_installed(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:
        return False
