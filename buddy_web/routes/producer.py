"""The producer's pages: earnings, statements, and how each amount came about."""

from __future__ import annotations

from urllib.parse import urlencode

import attrs
from flask import Blueprint, make_response, request
from werkzeug.wrappers import Response

from buddy_core.access import Actor
from buddy_core.catalog import Producer
from buddy_core.kernel.errors import Invalid
from buddy_core.kernel.ids import PartnerId
from buddy_core.views.statement import StatementFile, StatementWanted
from buddy_web.app import Web, web
from buddy_web.forms import text, whole_number
from buddy_web.guests import current_visitor
from buddy_web.pages import show, wants_part
from buddy_web.permissions import current_actor, permission
from buddy_web.routes.statement_files import statement_json, statement_rows

producer_pages = Blueprint("producer_pages", __name__, url_prefix="/producer")

READ = "statement:read"


@attrs.define
class ProducerNotNamed(Invalid):
    """The account does not act for one producer alone, and the request names none."""

    code = "web.producer_not_named"

    def message(self) -> str:
        return "This account does not act for one producer alone. Name one: ?producer= and its short id."


@producer_pages.get("")
@permission(READ)
def producer() -> Response:
    """Show this month against the last, by model and by title; staff choose a producer first."""
    w = web()
    named = text(request.args, "producer") or None
    try:
        partner = partner_of(w, current_actor(), named)
    except ProducerNotNamed:
        page = w.call(w.container.producers_page, current_actor())
        return show(w, "producers.html", current_visitor(w), page)
    page = w.call_long(
        w.container.producer_page, current_actor(), partner, text(request.args, "currency") or None
    )
    return show(w, "producer.html", current_visitor(w), page, also=_also())


@producer_pages.get("/<month>")
@permission(READ)
def statement(month: str) -> Response:
    """Show a month's statement with a page of its lines; htmx gets the lines alone."""
    w = web()
    number = max(1, min(whole_number(request.args, "page") or 1, 100_000))
    page = w.call_long(w.container.statement_page, current_actor(), _wanted(w, month), number)
    template = "_statement_lines.html" if wants_part() else "statement.html"
    return show(w, template, current_visitor(w), page, also=_also())


@producer_pages.get("/<month>/why/<line>")
@permission(READ)
def why(month: str, line: str) -> Response:
    """Show how one amount was computed, as a page or as the part for the sheet."""
    w = web()
    page = w.call_long(w.container.why_page, current_actor(), _wanted(w, month), line)
    return show(w, "_why.html" if wants_part() else "why.html", current_visitor(w), page, also=_also())


@producer_pages.get("/<month>/statement.json")
@permission(READ)
def statement_as_json(month: str) -> Response:
    """Return the statement's final bytes, exactly as they were stored."""
    file = _file(month)
    return _download(file, statement_json(file), "application/json", f"-{file.stated.currency}", "json")


@producer_pages.get("/<month>/statement.csv")
@permission(READ)
def statement_as_csv(month: str) -> Response:
    """Return the month with the entity as rows that add up to what the bank pays, in all its currencies."""
    file = _file(month)
    return _download(file, statement_rows(file), "text/csv; charset=utf-8", "", "csv")


def partner_of(w: Web, actor: Actor, short_id: str | None) -> PartnerId:
    """Return the producer whose figures the actor asks for: the one they name, or the only one they act for.

    Raises:
        ProducerNotNamed: the actor acts for no producer, or for several, and names none.
        ProducerNotFound: it is another's, or there is none; both look alike from outside.
    """
    if short_id is None:
        if len(actor.partners) != 1:
            raise ProducerNotNamed
        return actor.partners[0]
    found: Producer = w.call(w.container.find_producer, actor, short_id)
    return found.id


def _also() -> str:
    """Return what links of a page go on naming: the producer that staff look at."""
    named = text(request.args, "producer") or None
    return f"&{urlencode({'producer': named})}" if named else ""


def _wanted(w: Web, month: str) -> StatementWanted:
    partner = partner_of(w, current_actor(), text(request.args, "producer") or None)
    return StatementWanted(
        partner, month, text(request.args, "currency") or None, text(request.args, "entity") or None
    )


def _file(month: str) -> StatementFile:
    w = web()
    found: StatementFile = w.call_long(w.container.statement_file, current_actor(), _wanted(w, month))
    return found


def _download(file: StatementFile, body: bytes, content_type: str, currency: str, ending: str) -> Response:
    name = f"statement-{file.stated.month}-{file.entity.id}{currency}-{file.producer.short_id}"
    name += "" if file.state == "closed" else "-provisional"
    response = make_response(body)
    response.headers["Content-Type"] = content_type
    response.headers["Content-Disposition"] = f'attachment; filename="{name}.{ending}"'
    return response
