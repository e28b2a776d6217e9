"""Everything that a process counts, declared once: docs/operations.md has the same names, which a test holds to them.

Base units; counters end in `_total` (https://prometheus.io/docs/practices/naming). Whoever counts says nothing that a
client can choose freely: a path is told as its route's template, an unknown one as `other`.
"""

from collections.abc import Iterator

from app.telemetry.instruments import OTHER, Counted, Counter, Gauge, Histogram

_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_STEP_SECONDS = (0.0001, 0.00025, *_SECONDS[:-1])
_ROWS = (1, 2, 4, 8, 16, 32, 64, 128, 256)
_CONFIDENCES = (0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.999)
_JOB_SECONDS = (1, 5, 15, 30, 60, 120, 300, 600, 1800, 3600, 7200, 14400)


class Measures:
    """The instruments of one process."""

    def __init__(self) -> None:
        # answers
        self.requests = Counter("digitserve_requests_total", "Requests answered.", ("method", "route", "status"))
        self.request_seconds = Histogram(
            "digitserve_request_duration_seconds", "From a request's head to the end of its answer.",
            ("method", "route"), bounds=_SECONDS,
        )  # fmt: skip
        self.refusals = Counter(
            "digitserve_refusals_total", "Requests answered with a problem, by its code.", ("code",)
        )
        self.connections = Gauge("digitserve_connections", "Connections that are open.")
        self.requests_now = Gauge("digitserve_requests_in_progress", "Requests that are being answered.")
        # pictures
        self.readings = Counter(
            "digitserve_readings_total", "Pictures, or digits of a page, read.", ("version", "label", "uncertain")
        )
        self.confidence = Histogram(
            "digitserve_reading_confidence_ratio", "How sure a version was of its label.",
            ("version",), bounds=_CONFIDENCES,
        )  # fmt: skip
        self.pictures_refused = Counter(
            "digitserve_pictures_refused_total", "Pictures that could not be read, also within a batch.", ("code",)
        )
        self.step_seconds = Histogram(
            "digitserve_reading_step_seconds", "What reading for one request took: prepare, queue, infer.",
            ("version", "step"), bounds=_STEP_SECONDS,
        )  # fmt: skip
        self.batch_rows = Histogram(
            "digitserve_batch_rows", "Rows in a batch that a version computed.", ("version",), bounds=_ROWS
        )
        self.waiting_rows = Gauge("digitserve_waiting_rows", "Rows that wait for a batch.")
        self.waiting_decodes = Gauge(
            "digitserve_waiting_decodes", "Requests whose pictures wait to be decoded.", ("kind",)
        )
        self.waiting_bytes = Gauge("digitserve_waiting_bytes", "Bytes that requests hold of the budget.")
        self.waiting_bytes_limit = Gauge("digitserve_waiting_bytes_limit", "The budget: DIGITSERVE_MAX_BYTES_WAITING.")
        self.children_ended = Counter(
            "digitserve_decoding_children_ended_total",
            "Children that decode pictures and ended badly.",
            ("kind", "why"),
        )
        # versions
        self.loaded_versions = Gauge(
            "digitserve_loaded_version_info", "1 for each version that is loaded, with the candidate in use.",
            ("version", "candidate", "device"),
        )  # fmt: skip
        self.versions_refused = Counter(
            "digitserve_versions_refused_total", "Versions that could not be loaded: each is an alarm.",
            ("version", "code"),
        )  # fmt: skip
        self.memory_fallbacks = Counter(
            "digitserve_out_of_memory_fallbacks_total", "Times a device had no memory left and the CPU took over.",
            ("device",),
        )  # fmt: skip
        # jobs
        self.job_attempts = Counter(
            "digitserve_job_attempts_total", "Attempts at jobs that workers have ended.", ("outcome",)
        )
        self.job_seconds = Histogram(
            "digitserve_job_duration_seconds", "How long workers held jobs that have ended, in all attempts.",
            ("outcome",), bounds=_JOB_SECONDS,
        )  # fmt: skip
        # the process itself
        self.starts = Counter("digitserve_process_starts_total", "Times a process was started.", ("process",))
        self.started_at = Gauge("digitserve_process_start_time_seconds", "When it was started, in Unix time.")
        self.memory_bytes = Gauge("digitserve_process_resident_memory_bytes", "Memory that it has.")
        self.open_files = Gauge("digitserve_process_open_fds", "File descriptors that it has open.")

    def refused_unread(self, status: int, code: str) -> None:
        """A request was answered before anybody knew what it asks for."""
        self.requests.add((OTHER, OTHER, str(status)))
        self.refusals.add((code,))

    def counted(self) -> Iterator[Counted]:
        """All counters and histograms."""
        return (one for one in vars(self).values() if isinstance(one, Counted))

    def gauges(self) -> Iterator[Gauge]:
        """All gauges."""
        return (one for one in vars(self).values() if isinstance(one, Gauge))
