"""Logs: structlog, as text for people or as JSON lines for programs, on stderr."""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Callable
from typing import TextIO

import structlog
from aiohttp.http_exceptions import HttpProcessingError

from callcamp.cli.output import clean
from callcamp.cli.redact import Redactor
from callcamp.errors import InvalidInput
from callcamp.settings import Settings

_LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}


def _harmless(
    _logger: object, _method: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    # The renderer prints texts as they are: a contact's data must not reach the terminal raw.
    return {
        key: clean(value) if isinstance(value, str) and key not in {"exception", "stack"} else value
        for key, value in event.items()
    }


def _traceback(
    redact: Redactor,
) -> Callable[[TextIO, structlog.typing.ExcInfo], None]:
    """Return what writes a traceback as Python does, harmlessly and redacted.

    It writes no values of variables: those may hold secrets and people's numbers.
    """

    def write(stream: TextIO, error: structlog.typing.ExcInfo) -> None:
        lines = redact.text("".join(traceback.format_exception(*error))).splitlines()
        stream.writelines(f"\n{clean(line)}" for line in lines)

    return write


def _in_a_line(record: logging.LogRecord) -> bool:
    """Cut what a log says of a request that is no HTTP down to a line.

    Anybody can send such requests; with a traceback for each they would fill the disk.
    """
    error = record.exc_info[1] if record.exc_info else None
    if isinstance(error, HttpProcessingError):
        record.msg, record.args = f"{record.getMessage()}: {type(error).__name__}", ()
        record.exc_info = None
        record.levelno, record.levelname = logging.WARNING, "WARNING"
    return True


def set_up_logs(settings: Settings, *, level: str | None = None) -> None:
    """Set up logs of callcamp and of its libraries: one line per fact, no secrets.

    Phone numbers keep their last four digits, unless ``log_numbers`` is set. Lines about a call
    name its ``campaign``, ``contact`` and ``attempt``.

    Args:
        settings: how to write them, and from which level on.
        level: instead of the level of ``settings``.

    Raises:
        InvalidInput: there is no such level.
    """
    name = (level or settings.log_level).lower()
    if name not in _LEVELS:
        raise InvalidInput(
            f"log_level is {name!r}; give one of {', '.join(_LEVELS)}.",
            field="log_level",
            value=name,
        )
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    redact = Redactor(settings)
    renderer: list[structlog.typing.Processor] = (
        [structlog.processors.format_exc_info, redact, structlog.processors.JSONRenderer()]
        if settings.log_json
        else [
            redact,
            _harmless,
            structlog.dev.ConsoleRenderer(
                colors=sys.stderr.isatty(), exception_formatter=_traceback(redact)
            ),
        ]
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[name]),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderer],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(_LEVELS[name])
    # What every request and every look at the schema would say helps nobody.
    for library in ("aiohttp.access", "alembic"):
        logging.getLogger(library).setLevel(max(_LEVELS[name], logging.WARNING))
    logging.getLogger("aiohttp.server").addFilter(_in_a_line)
