"""A real receiver of traces on this machine: takes OTLP over HTTP, and reads what was sent with OpenTelemetry's own
protobuf."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.support.answering import Answer, Asked, answering


@dataclass(frozen=True)
class Received:
    """One span as it arrived; ids in hexadecimal, times in nanoseconds."""

    name: str
    kind: int
    trace: str
    span: str
    parent: str
    begin: int
    end: int
    failed: bool
    attributes: dict[str, Any]
    resource: dict[str, Any]


class Receiver:
    """What was sent so far."""

    def __init__(self, base: str, asked: list[Asked]) -> None:
        self.url = f"{base}/v1/traces"
        self.asked = asked

    @property
    def spans(self) -> list[Received]:
        """In the order in which they arrived."""
        return [span for one in self.asked for span in _spans(one)]

    def named(self, name: str) -> list[Received]:
        """Those of a name."""
        return [span for span in self.spans if span.name == name]


@contextmanager
def receiving(*answers: Answer) -> Iterator[Receiver]:
    """Takes everything, after it has given these answers."""
    said: Sequence[Answer] = [*answers, Answer(content_type="application/x-protobuf")]
    with answering({"POST /v1/traces": said}) as (base, asked):
        yield Receiver(base, asked)


def _spans(asked: Asked) -> Iterator[Received]:
    assert asked.headers["content-type"] == "application/x-protobuf"
    request = ExportTraceServiceRequest.FromString(asked.body)
    for group in request.resource_spans:
        resource = _attributes(group.resource.attributes)
        for scope in group.scope_spans:
            for span in scope.spans:
                yield Received(
                    span.name, span.kind, span.trace_id.hex(), span.span_id.hex(), span.parent_span_id.hex(),
                    span.start_time_unix_nano, span.end_time_unix_nano, span.status.code == 2,
                    _attributes(span.attributes), resource,
                )  # fmt: skip


def _attributes(pairs: Any) -> dict[str, Any]:
    return {pair.key: getattr(pair.value, pair.value.WhichOneof("value")) for pair in pairs}
