"""JSON logs: one line a request, every line with its correlation id, and no personal data.

A line never holds an address, a name, a query string, a cookie, nor a path with
ids in it: the route's pattern stands for the path.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import time
import traceback
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, TextIO
from uuid import uuid4

from flask import Flask, g, request
from werkzeug.wrappers import Response

HEADER = "X-Correlation-Id"
correlation_id: ContextVar[str] = ContextVar("correlation_id", default="")
"""The id of the request being served; empty outside of one. The bridge carries it to the loop."""

_WELL_FORMED = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)
_OURS = frozenset({"cli", "seed"})
"""What the command line writes into the audit: no request may look like it."""
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_LOG = logging.getLogger("buddy.request")


class JsonLines(logging.Formatter):
    """Writes a record as one line of JSON.

    With `texts_of_errors` an exception is written with its own words, which may
    quote what a person typed or a row of the database: for the demo and tests.
    Without, only its type and the places in the code are written.
    """

    def __init__(self, *, texts_of_errors: bool = False) -> None:
        super().__init__()
        self.texts_of_errors = texts_of_errors

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, without its end."""
        line: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            "correlation_id": correlation_id.get(),
            **getattr(record, "facts", {}),
        }
        error = record.exc_info[1] if record.exc_info else None
        if error is not None:
            line["error"] = f"{type(error).__module__}.{type(error).__qualname__}"
            line["where"] = _places(error)
            if self.texts_of_errors:
                line["error_text"] = "".join(traceback.format_exception(error))
        return json.dumps(line, ensure_ascii=False, default=str)


def configure_logging(level: str, *, texts_of_errors: bool, stream: TextIO | None = None) -> None:
    """Send every log line of the process to `stream` (default: standard output) as JSON.

    Call it once where a process starts. The development server's own request log
    is turned down: it writes addresses and query strings.
    """
    handler = logging.StreamHandler(stream or sys.stdout)
    handler.setFormatter(JsonLines(texts_of_errors=texts_of_errors))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name in ("werkzeug", "httpx", "httpcore"):
        logging.getLogger(name).setLevel(logging.WARNING)


def install_logs(app: Flask) -> None:
    """Give each request its correlation id, return it, and write the request's line.

    Register it first: Flask then runs it first before a request and last after.
    """

    @app.before_request
    def begin() -> None:
        given = request.headers.get(HEADER, "")
        is_usable = _WELL_FORMED.fullmatch(given) and given not in _OURS
        correlation_id.set(given if is_usable else uuid4().hex)
        g.began_at = time.perf_counter_ns()

    @app.after_request
    def end(response: Response) -> Response:
        response.headers[HEADER] = correlation_id.get()
        _LOG.info("request", extra={"facts": _request_facts(response)})
        return response

    @app.teardown_request
    def clear(_: BaseException | None) -> None:
        # The thread serves others next; a line between requests belongs to none.
        correlation_id.set("")


def _request_facts(response: Response) -> dict[str, Any]:
    now = time.perf_counter_ns()
    facts: dict[str, Any] = {
        # A method is a word of the client's own choice, and so could carry anything.
        "method": request.method if request.method in _METHODS else "OTHER",
        "route": request.url_rule.rule if request.url_rule else "unmatched",
        "status": response.status_code,
        "ms": (now - g.get("began_at", now)) // 1_000_000,
    }
    if "problem_code" in g:
        facts["code"] = g.problem_code
    return facts


def _places(error: BaseException) -> list[str]:
    """Return the innermost places of the traceback, as `file:line function`."""
    frames = traceback.extract_tb(error.__traceback__)[-12:]
    return [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
