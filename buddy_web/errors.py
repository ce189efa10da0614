"""Errors as HTTP answers: one table from the kinds of errors to statuses, and problem+json (RFC 9457)."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Any
from uuid import UUID

import attrs
from attrs import frozen
from flask import Flask, g, make_response, render_template, request
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from buddy_core.kernel.canonical import plain
from buddy_core.kernel.errors import (
    BuddyError,
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    Rejected,
    TooMany,
    Unavailable,
    Unproven,
)
from buddy_core.playback import TakenDown
from buddy_core.royalty import BeingWorkedOut
from buddy_web.logs import correlation_id

PROBLEM_TYPE = "application/problem+json"

STATUSES: tuple[tuple[type[BuddyError], int, str], ...] = (
    (TakenDown, 451, "Taken down"),
    (NotFound, 404, "Not found"),
    (Unproven, 401, "Not signed in"),
    (Forbidden, 403, "Not allowed"),
    (TooMany, 429, "Too many requests"),
    (Rejected, 422, "Refused"),
    (Conflict, 409, "Conflict"),
    (Invalid, 400, "Wrong input"),
    (Unavailable, 503, "Not available now"),
)
"""Kind, status, title: the first kind that fits an error gives its answer.

400 says that the request can never succeed as it stands; 422 that it is well
formed but a rule says no (too few tokens, outside the window); 409 that it
contradicts what is stored, another use of an idempotency key included. No code
has a status of its own but one, which HTTP keeps a status for: 451, taken down
for legal reasons. A client tells errors apart by `code`.
"""

_HTTP_WORDS: dict[int, tuple[str, str]] = {
    400: ("web.bad_request", "The request could not be read. Check its form."),
    404: ("web.no_such_page", "There is nothing at this address. Check it, or start from the front page."),
    405: ("web.method_not_allowed", "This address does not take that method; see the Allow header."),
    406: ("web.not_acceptable", "This address has no answer in a form that the client accepts."),
    413: ("web.body_too_large", "The request is larger than this address takes."),
    415: ("web.unsupported_media_type", "Send the body as the content type that the documentation names."),
    429: ("web.too_many_requests", "Too many requests. Wait a little and try again."),
}
_FAULT = (
    "web.fault",
    "Something went wrong on our side; it has been noted. Try again, or name the correlation id.",
)
_NO_FORM = "does not have the form that belongs here, or holds characters that do not"
_NUMBERS = ("int", "float")
"""What pydantic adds to the place of a field that may be either."""
_NO_OBJECT = "must be a JSON object, sent with Content-Type: application/json"
_KEPT_HEADERS = ("Allow", "Retry-After", "WWW-Authenticate", "Content-Range")
_RETRY_AFTER_S = 2
_LOG = logging.getLogger("buddy.errors")


@attrs.define
class InvalidRequest(Invalid):
    """One or more fields of the request are missing or wrong."""

    code = "web.invalid_request"

    fields: tuple[dict[str, str], ...]
    """`field` (with dots between levels; `body` for the whole) and `problem`, one entry a mistake."""

    def message(self) -> str:
        said = [f"{item['field']}: {item['problem']}" for item in self.fields[:3]]
        more = len(self.fields) - len(said)
        return "; ".join(said) + (f"; and {more} more" if more else "") + "."


class Problem(BaseModel):
    """The body of every error answer: problem details as in RFC 9457, with Buddy's code and facts."""

    model_config = ConfigDict(frozen=True)

    type: str = Field(description="Where the code is explained.", examples=["/problems/tokens.insufficient"])
    title: str = Field(description="The kind of error in a few words.")
    status: int = Field(description="The HTTP status of this answer.")
    detail: str = Field(description="What happened and what to do, in plain words.")
    code: str = Field(description="The stable name of the error: tell errors apart by it.")
    facts: dict[str, Any] = Field(default_factory=dict, description="The data behind the error.")
    correlation_id: str = Field(description="Name it when asking for help: it finds the log lines.")


@frozen
class ErrorPage:
    """What `error.html` shows."""

    status: int
    title: str
    detail: str
    code: str
    correlation_id: str


def status_of(error: BuddyError) -> tuple[int, str]:
    """Return the status and title of an error; 500 for one of none of the kinds."""
    for kind, status, title in STATUSES:
        if isinstance(error, kind):
            return status, title
    return 500, "Fault on our side"


def public_facts(error: BuddyError) -> dict[str, Any]:
    """Return an error's facts as JSON values; internal ids (UUIDs) are never shown outside."""
    return {name: _public(value) for name, value in error.facts().items() if not isinstance(value, UUID)}


def problem_of(error: BuddyError) -> Problem:
    """Return the problem document of an error."""
    status, title = status_of(error)
    if isinstance(error, TooMany | BeingWorkedOut):
        g.retry_after_s = error.retry_after_s
    return _problem(status, title, error.code, error.message(), public_facts(error))


def answer(problem: Problem) -> Response:
    """Return the problem as a page if the client asked for one, else as problem+json."""
    g.problem_code = problem.code
    response = (_page(problem) if _wants_page() else None) or make_response(problem.model_dump(mode="json"))
    if response.mimetype == "application/json":
        response.content_type = PROBLEM_TYPE
    response.status_code = problem.status
    response.vary.add("Accept")
    if problem.status == HTTPStatus.SERVICE_UNAVAILABLE:
        response.headers["Retry-After"] = str(g.get("retry_after_s", _RETRY_AFTER_S))
    if problem.status == HTTPStatus.TOO_MANY_REQUESTS:
        response.headers["Retry-After"] = str(g.get("retry_after_s", _RETRY_AFTER_S))
    if problem.status == HTTPStatus.UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = 'Bearer realm="buddy"'
    return response


def invalid_request(error: ValidationError) -> Response:
    """Answer a request whose fields flask-openapi3 refused; what was sent is not repeated."""
    said: dict[str, str] = {}
    for item in error.errors(include_url=False, include_context=False, include_input=False):
        place, words = item["loc"], _said_of(item["type"], item["msg"])
        if place[1:] and place[-1] in _NUMBERS:
            # A number may be sent in two forms; that it is neither is one mistake.
            place, words = place[:-1], "must be a number"
        said.setdefault(".".join(map(str, place)) or "body", words)
    fields = tuple({"field": name, "problem": words} for name, words in said.items())
    return answer(problem_of(InvalidRequest(fields)))


def _said_of(type: str, words: str) -> str:
    """Return what to say of a mistake, where pydantic's own words name our class or a pattern."""
    return {"model_type": _NO_OBJECT, "string_pattern_mismatch": _NO_FORM}.get(type, words)


def host_codes() -> dict[str, tuple[int, str]]:
    """Return status and words of each code that comes from no class: HTTP's own, and the unforeseen."""
    found = {code: (status, words) for status, (code, words) in _HTTP_WORDS.items()}
    return {**found, _FAULT[0]: (500, _FAULT[1])}


def install_errors(app: Flask) -> None:
    """Answer every error of a view as a problem: Buddy's own, HTTP's, and the unforeseen."""

    @app.errorhandler(BuddyError)
    def buddy(error: BuddyError) -> Response:
        problem = problem_of(error)
        if problem.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            _LOG.warning("unavailable", extra={"facts": {"code": error.code}}, exc_info=error)
        return answer(problem)

    @app.errorhandler(HTTPException)
    def http(error: HTTPException) -> Response:
        status = error.code or HTTPStatus.INTERNAL_SERVER_ERROR
        if status == HTTPStatus.INTERNAL_SERVER_ERROR:
            return unforeseen(getattr(error, "original_exception", None) or error)
        code, detail = _HTTP_WORDS.get(status, (f"web.http_{status}", error.description or error.name))
        facts = {}
        if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE and "body_limit" in g:
            detail, facts = f"{detail} It takes {g.body_limit:,} bytes.", {"most_bytes": g.body_limit}
        response = answer(_problem(status, error.name, code, detail, facts))
        response.headers.extend([pair for pair in error.get_headers() if pair[0] in _KEPT_HEADERS])
        return response

    @app.errorhandler(Exception)
    def unforeseen(error: BaseException) -> Response:
        code, detail = _FAULT
        _LOG.error("a view failed", extra={"facts": {"code": code}}, exc_info=error)
        return answer(_problem(500, "Fault on our side", code, detail, {}))


def _problem(status: int, title: str, code: str, detail: str, facts: dict[str, Any]) -> Problem:
    return Problem(
        # RFC 9457's own type stands for a plain HTTP status, which needs no explanation of ours.
        type="about:blank" if code == f"web.http_{status}" else f"/problems/{code}",
        title=title,
        status=status,
        detail=detail,
        code=code,
        facts=facts,
        correlation_id=correlation_id.get(),
    )


def _wants_page() -> bool:
    """Return whether the client prefers HTML; one that takes anything (`*/*`) gets JSON."""
    best = request.accept_mimetypes.best_match([PROBLEM_TYPE, "application/json", "text/html"])
    return best == "text/html"


def _page(problem: Problem) -> Response | None:
    page = ErrorPage(problem.status, problem.title, problem.detail, problem.code, problem.correlation_id)
    try:
        return make_response(render_template("error.html", page=page))
    except Exception:
        # An error page that fails must not hide the error it was to show.
        _LOG.exception("the error page failed")
        return None


def _public(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(name): _public(item) for name, item in value.items() if not isinstance(item, UUID)}
    if isinstance(value, list | tuple | set | frozenset):
        items = sorted(value, key=str) if isinstance(value, set | frozenset) else value
        return [_public(item) for item in items if not isinstance(item, UUID)]
    if attrs.has(type(value)):
        return _public({field.name: getattr(value, field.name) for field in attrs.fields(type(value))})
    try:
        return plain(value)
    except BuddyError:
        return str(value)
