"""Pages for those who write clients: the API's documentation, and every error code."""

from __future__ import annotations

from collections.abc import Iterator

import attrs
from attrs import frozen
from flask import Blueprint, abort, render_template

from buddy_core.kernel.errors import (
    BuddyError,
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    Rejected,
    Unavailable,
)
from buddy_web.app import DOCUMENT_PATH
from buddy_web.errors import host_codes
from buddy_web.operations import status_of_class
from buddy_web.permissions import PUBLIC, permission

developer_pages = Blueprint("developer_pages", __name__)

KINDS = (NotFound, Forbidden, Rejected, Conflict, Invalid, Unavailable)


@frozen
class ErrorCode:
    """An error as clients meet it: its code, kind and status, what it means, and the names of its facts."""

    code: str
    kind: str
    status: int
    meaning: str
    facts: tuple[str, ...]


@developer_pages.get("/v1/docs")
@permission(PUBLIC)
def docs() -> str:
    """Show the API's documentation."""
    return render_template("docs.html", document=DOCUMENT_PATH)


@developer_pages.get("/problems/")
@permission(PUBLIC)
def problems() -> str:
    """List every error code."""
    return render_template("problems.html", errors=error_codes())


@developer_pages.get("/problems/<code>")
@permission(PUBLIC)
def problem(code: str) -> str:
    """Explain one error code: where the `type` of an error leads to."""
    found = [item for item in error_codes() if item.code == code]
    if not found:
        abort(404)
    return render_template("problems.html", errors=found)


def error_codes() -> list[ErrorCode]:
    """Return every error that this service may answer with, by code."""
    found = {error.code: _described(error) for error in _concrete(BuddyError)}
    for code, (status, words) in host_codes().items():
        found[code] = ErrorCode(code, "Host", status, words, ())
    return [found[code] for code in sorted(found)]


def _concrete(parent: type[BuddyError]) -> Iterator[type[BuddyError]]:
    """Return the errors below `parent` that have a code of their own."""
    for error in parent.__subclasses__():
        if "code" in vars(error):
            yield error
        yield from _concrete(error)


def _described(error: type[BuddyError]) -> ErrorCode:
    kind = next((kind.__name__ for kind in KINDS if issubclass(error, kind)), "Fault")
    facts = tuple(field.name for field in attrs.fields(error)) if attrs.has(error) else ()
    meaning = (error.__doc__ or "").strip().splitlines()[0]
    return ErrorCode(error.code, kind, status_of_class(error), meaning, facts)
