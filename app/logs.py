"""Structured logs of every process: one object or one line of words at a time, on standard output."""

import logging
import sys

import structlog


def _text_renderer() -> structlog.dev.ConsoleRenderer:
    plain = structlog.dev.plain_traceback  # the default prints every local, people's pictures too
    return structlog.dev.ConsoleRenderer(colors=False, exception_formatter=plain)


def configure(log_format: str, level: str) -> None:
    """Sends our log and every library's through one renderer."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    as_json = log_format == "json"
    renderer = structlog.processors.JSONRenderer() if as_json else _text_renderer()
    ending: list[structlog.typing.Processor] = [structlog.processors.format_exc_info] if as_json else []
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stdout)
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *ending, renderer],
    )
    handler.setFormatter(formatter)
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)
    logging.getLogger("alembic").setLevel(logging.WARNING)  # names each of its parts when it loads them
    logging.captureWarnings(True)
