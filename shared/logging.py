"""One line per request or batch: JSON for machines, colours on a terminal."""

import logging
import sys
from typing import Literal

import orjson
import structlog

_tracebacks_without_locals = structlog.processors.ExceptionRenderer(
    structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
)


def configure_logging(service: str, *, form: Literal["auto", "json", "console"] = "auto") -> None:
    pretty = form == "console" or (form == "auto" and sys.stderr.isatty())
    renderer = (
        # The default prints local variables with a traceback: secrets and codes among them.
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
        if pretty
        else structlog.processors.JSONRenderer(_dump)
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _tracebacks_without_locals if not pretty else _leave,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(service=service)
    # Libraries log through the standard library; only what is worth waking somebody gets through.
    logging.basicConfig(level=logging.ERROR, stream=sys.stderr)


def _leave(
    _logger: object, _name: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    return event


def _dump(event: object, **_options: object) -> str:
    return orjson.dumps(event, default=str).decode()
