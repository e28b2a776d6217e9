"""Structured logs of every process: one object or one line of words at a time, on standard output."""

import logging
import sys

import structlog

from app.logs import bounds, words
from app.logs.often import Often
from app.logs.written import Written


def chosen(log_format: str) -> str:
    """`auto` decided: words for a person at a terminal, JSON for whatever else reads our output."""
    if log_format != "auto":
        return log_format
    return "words" if sys.stdout.isatty() else "json"


def configure(log_format: str, level: str) -> None:
    """Sends our log and every library's through one renderer: `json`, `text`, `words`, or `auto`."""
    log_format = chosen(log_format)
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    ending = _ending(log_format)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    says_all = logging.getLevelNamesMapping()[level.upper()] <= logging.INFO
    handler = Written(sys.stdout, takes_json=log_format == "json" and says_all)
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[
            bounds.without_input,
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.ExceptionRenderer(bounds.raised),
            *ending,
        ],
    )
    handler.setFormatter(formatter)
    handler.setLevel(level.upper())
    if log_format == "words":
        handler.addFilter(words.is_worth_saying)
    handler.addFilter(Often())
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)
    logging.getLogger("alembic").setLevel(logging.WARNING)  # names each of its parts when it loads them
    logging.getLogger("python_multipart").setLevel(logging.ERROR)  # warns of each malformed form, which has its answer
    logging.captureWarnings(True)


def _ending(log_format: str) -> list[structlog.typing.Processor]:
    if log_format == "text":
        plain = structlog.dev.plain_traceback  # the default prints every local, people's pictures too
        return [
            bounds.printable,
            bounds.Bounded(structlog.dev.ConsoleRenderer(colors=False, exception_formatter=plain)),
        ]
    return [bounds.Bounded(words.render if log_format == "words" else structlog.processors.JSONRenderer())]
