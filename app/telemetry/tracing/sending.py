"""Sends spans to an OTLP receiver, in a thread. Where that does not answer it is said once; nothing waits for it."""

import logging
import threading
from collections.abc import Sequence

import structlog
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

from models_store.variables import without_secrets

_SEND_SECONDS = 5.0  # for one batch, with what is repeated
_LAST_SECONDS = 3.0  # for what is left when the process ends
_EVERY_SECONDS = 1.0
_MOST_WAITING, _MOST_AT_ONCE = 4096, 512  # spans; what is more is dropped
_TALKATIVE = "opentelemetry", "urllib3"  # their own words on what is said once here

_log = structlog.get_logger("digitserve.traces")


class _SayingOnce(SpanExporter):
    def __init__(self, url: str) -> None:
        self._exporter = OTLPSpanExporter(endpoint=url, timeout=_SEND_SECONDS)
        self._where = without_secrets(url)
        self._fails = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        result = self._exporter.export(spans)
        fails = result is not SpanExportResult.SUCCESS
        if fails and not self._fails:
            why = f"{self._where} does not take them. They are dropped until it does; requests are answered as ever"
            _log.warning("traces_not_sent", why=why)
        elif self._fails and not fails:
            _log.info("traces_sent_again", to=self._where)
        self._fails = fails
        return result

    def shutdown(self) -> None:
        self._exporter.shutdown()  # type: ignore[no-untyped-call]

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return self._exporter.force_flush(timeout_millis)


def processor(url: str) -> BatchSpanProcessor:
    """Takes spans that have ended, and sends them from a thread of its own, which it starts."""
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    return BatchSpanProcessor(
        _SayingOnce(url),
        max_queue_size=_MOST_WAITING,
        schedule_delay_millis=1000 * _EVERY_SECONDS,
        max_export_batch_size=_MOST_AT_ONCE,
    )


def close(sender: BatchSpanProcessor) -> None:
    """Sends what is left, for a moment at most; blocks so long."""
    last = threading.Thread(target=sender.shutdown, name="traces-last", daemon=True)
    last.start()
    last.join(_LAST_SECONDS)
