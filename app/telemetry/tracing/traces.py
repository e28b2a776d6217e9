"""Traces of requests, as OpenTelemetry has them: a span of each request, and of the steps in which its pictures were
read. A client's `traceparent` is gone on with (https://www.w3.org/TR/trace-context).
"""

import time
from collections.abc import Mapping
from contextvars import Token
from importlib.metadata import version as package_version

from opentelemetry import context, trace
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.trace import Span, SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from app.telemetry.tracing import sending

_PARENT, _STATE = b"traceparent", b"tracestate"
_LONGEST_PATH = 200  # characters: a client chooses it
_STEPS = "prepare", "queue", "infer"


class Traces:
    """Of one process. Nothing is sent before `begin`."""

    def __init__(self, url: str, share: float, instance: str) -> None:
        """Of requests that bring no decision along, a `share` is traced."""
        ours = Resource(
            {
                "service.name": "digitserve",
                "service.version": package_version("digitserve"),
                "service.instance.id": instance,
            }
        )
        self._url = url
        self._provider = TracerProvider(
            sampler=ParentBased(TraceIdRatioBased(share)),
            resource=ours.merge(OTELResourceDetector().detect()),  # what the operator calls it counts
            shutdown_on_exit=False,
        )
        self._tracer = self._provider.get_tracer("digitserve")
        self._parents = TraceContextTextMapPropagator()
        self._sender: BatchSpanProcessor | None = None

    def begin(self) -> None:
        """From now on what ends is sent."""
        self._sender = sending.processor(self._url)
        self._provider.add_span_processor(self._sender)

    def close(self) -> None:
        """Sends what is left, for some seconds at most. Blocks so long."""
        if self._sender is not None:
            sending.close(self._sender)

    def request(self, method: str, path: str, headers: Mapping[bytes, bytes], request_id: str) -> "TracedRequest":
        """A request has come; in the task that answers it."""
        before = None
        if _PARENT in headers:
            carrier = {name.decode(): headers[name].decode("latin-1") for name in (_PARENT, _STATE) if name in headers}
            before = self._parents.extract(carrier, context.Context())
        span = self._tracer.start_span(method, before or context.Context(), SpanKind.SERVER)
        if span.is_recording():
            span.set_attribute("http.request.method", method)
            span.set_attribute("url.path", path[:_LONGEST_PATH])
            span.set_attribute("digitserve.request_id", request_id)
        return TracedRequest(span)

    def steps(self, ref: str, pictures: int, prepare: float, queue: float, infer: float) -> None:
        """Pictures have been read by a version, this moment; the steps took so many seconds. In the same task."""
        request = trace.get_current_span()
        if not request.is_recording():
            return
        request.set_attribute("digitserve.model", ref)
        now = time.time_ns()
        begins = now - round(1e9 * (prepare + queue + infer))
        for name, seconds in zip(_STEPS, (prepare, queue, infer), strict=True):
            ends = begins + round(1e9 * max(0.0, seconds))
            step = self._tracer.start_span(name, start_time=begins)
            step.set_attribute("digitserve.model", ref)
            step.set_attribute("digitserve.pictures", pictures)
            step.end(ends)
            begins = ends


class TracedRequest:
    """The span of a request that is being answered."""

    def __init__(self, span: Span) -> None:
        self._span = span
        self._token: Token[context.Context] = context.attach(trace.set_span_in_context(span, context.Context()))

    def end(self, method: str, route: str, status: int, code: str) -> None:
        """It has been answered, with a problem of this code where it has one. In the task in which it began."""
        context.detach(self._token)
        span = self._span
        if not span.is_recording():
            return
        if route:
            span.update_name(f"{method} {route}")
            span.set_attribute("http.route", route)
        if status:
            span.set_attribute("http.response.status_code", status)
        if code:
            span.set_attribute("error.type", code)
        if status >= 500:
            span.set_status(Status(StatusCode.ERROR))
        span.end()
