"""The desk's pages of what months are stated from: facts by month, and the editor of terms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from attrs import evolve, frozen
from flask import Blueprint, request
from werkzeug.wrappers import Response

from buddy_core.access import require
from buddy_core.flows import BringFacts, Brought
from buddy_core.kernel.errors import BuddyError
from buddy_core.kernel.periods import InvalidMonth
from buddy_core.royalty import MOST_LISTED, BadInput, InputKind
from buddy_core.views import MODELS, FactsPage, TermsBook, TermsForm
from buddy_web.app import Web, web
from buddy_web.errors import status_of
from buddy_web.forms import text, whole_number
from buddy_web.logs import correlation_id
from buddy_web.pages import go
from buddy_web.permissions import current_actor, permission
from buddy_web.routes.api_royalty import EDIT, IMPORT, MOST_SENT, MOST_SENT_MB, READ, entity_named
from buddy_web.routes.desk import show_desk
from buddy_web.security import body_limit

admin_royalty = Blueprint("admin_royalty", __name__, url_prefix="/admin")

_KIND = "/terms/<any(licence, account, pool, waterfall):kind>"
SECTIONS = ("sales", "subscriptions", "pools", "ads", "watch", "impressions", "expenses", "rates")
"""Kinds of facts that a file can have; token spends are the ledger's own."""
_LONG = "more"
_LONGEST = 20_000
_DONE = ("brought", "again", "late", "announced", "set", "removed")


@frozen
class FactsTyped:
    """What was sent to the page of facts, with what is wrong with it."""

    name: str = ""
    section: str = ""
    announced: str = ""
    problems: Sequence[str] = ()
    more: int = 0


@admin_royalty.get("/facts")
@permission(READ)
def facts() -> Response:
    """Show a month's facts, and the forms that bring more."""
    return _show_facts(web(), FactsTyped(), done=text(request.args, "done"))


@admin_royalty.post("/facts")
@permission(IMPORT)
@body_limit(MOST_SENT)
def bring_facts() -> Response:
    """Bring a file in under its name; sent again, it counts once."""
    require(current_actor(), IMPORT)
    upload = request.files.get("file")
    raw, file = b"", ""
    if upload is not None:
        raw, file = upload.read(), (upload.filename or "")[-200:]
        upload.close()
    typed = FactsTyped(text(request.form, "name").strip(), text(request.form, "section"))
    if not file:
        return _show_facts(web(), evolve(typed, problems=("Choose a file first.",)), 400)
    if typed.section in SECTIONS and file.lower().endswith(".csv"):
        file = f"{typed.section}-{file}"
    return _bring(typed, typed.name or file, raw, file)


@admin_royalty.post("/facts/announce")
@permission(IMPORT)
def announce_facts() -> Response:
    """Announce facts, which the close then waits for."""
    name = text(request.form, "name").strip()
    return _bring(FactsTyped(announced=name), name, None)


@admin_royalty.get("/terms")
@permission(READ)
def terms() -> Response:
    """Show licences with their terms, accounts, pool rules and waterfalls."""
    w = web()
    page = max(1, min(whole_number(request.args, "page") or 1, 100_000))
    q = text(request.args, "q", longest=200)
    entity = text(request.args, "entity")
    found: TermsBook = w.call(w.container.terms_book, current_actor(), entity, q, page)
    done = text(request.args, "done")
    return show_desk(
        w, "admin_terms.html", found, done=done if done in _DONE else "", key=text(request.args, "key")
    )


@admin_royalty.get(_KIND)
@permission(EDIT)
def terms_form(kind: str) -> Response:
    """Show the form of one licence's, account's, plan's or title's terms."""
    return _show_form(web(), _form(web(), kind, text(request.args, "key", longest=120), request.args, None))


@admin_royalty.post(f"{_KIND}/preview")
@permission(EDIT)
def preview_terms(kind: str) -> Response:
    """Show what a month would come to by other terms; nothing is changed."""
    page = _sent(web(), kind)
    return _show_form(web(), page, status=400 if page.has_problem else 200)


@admin_royalty.post(_KIND)
@permission(EDIT)
def save_terms(kind: str) -> Response:
    """Set the terms, or take them away; the same again changes nothing."""
    w = web()
    page = _sent(w, kind)
    if page.command is None or page.has_problem:
        return _show_form(w, page, status=400)
    try:
        w.call(w.container.set_terms, current_actor(), page.command, correlation_id=correlation_id.get())
    except BuddyError as error:
        if status_of(error)[0] in (401, 403):
            raise
        page = evolve(page, problems=(error.message(),), effect=None)
        return _show_form(w, page, status=status_of(error)[0])
    done = "removed" if page.act == "remove" else "set"
    return go(_address("/admin/terms", entity=page.entity.id, done=done, key=page.key))


def _sent(w: Web, kind: str) -> TermsForm:
    form = request.form
    typed = {name: _line(form, name) for name in form if name not in ("csrf_token", "idempotency_key")}
    return _form(w, kind, text(form, "item", longest=120), form, typed)


def _line(form: Mapping[str, str], name: str) -> str:
    """Return a field's text; in the long one lines may break."""
    value = form.get(name, "")
    if name != _LONG:
        return text(form, name)
    return text({name: " ".join(value.split())}, name, longest=_LONGEST)


def _form(
    w: Web, kind: str, key: str, source: Mapping[str, str], typed: Mapping[str, str] | None
) -> TermsForm:
    page: TermsForm = w.call_long(
        w.container.terms_form,
        current_actor(),
        InputKind(kind),
        key,
        typed,
        entity=text(source, "entity"),
    )
    return page


def _show_form(w: Web, page: TermsForm, *, status: int = 200) -> Response:
    return show_desk(w, "admin_terms_form.html", page, status=status, models=MODELS)


def _bring(typed: FactsTyped, name: str, raw: bytes | None, file: str = "facts.json") -> Response:
    w = web()
    form = request.form
    entity, month = text(form, "entity"), text(form, "month")
    try:
        command = BringFacts(entity_named(w, entity), month, name, raw, file)
        done: Brought = w.call_long(
            w.container.bring_facts, current_actor(), command, correlation_id=correlation_id.get()
        )
    except BadInput as error:
        problems = [problem.text() for problem in error.problems[:MOST_LISTED]]
        return _show_facts(
            w, evolve(typed, problems=problems, more=error.count - len(problems)), status_of(error)[0]
        )
    except BuddyError as error:
        if status_of(error)[0] in (401, 403):
            raise
        return _show_facts(w, evolve(typed, problems=(error.message(),)), status_of(error)[0])
    said = "announced" if raw is None else "late" if done.is_late else "brought"
    said = said if done.is_new else "again"
    return go(_address("/admin/facts", entity=entity, month=month, done=said))


def _show_facts(w: Web, typed: FactsTyped, status: int = 200, done: str = "") -> Response:
    source: Mapping[str, Any] = request.form if request.method == "POST" else request.args
    entity, month = text(source, "entity"), text(source, "month").strip()
    try:
        page = _facts(w, entity, month or None)
    except InvalidMonth as error:
        page = _facts(w, entity, None)
        typed = evolve(typed, problems=(*typed.problems, error.message()))
        status = status if status != 200 else 400
    return show_desk(
        w,
        "admin_facts.html",
        page,
        status=status,
        typed=typed,
        sections=SECTIONS,
        done=done if done in _DONE else "",
        most_mb=MOST_SENT_MB,
    )


def _facts(w: Web, entity: str, month: str | None) -> FactsPage:
    page: FactsPage = w.call(w.container.facts_page, current_actor(), entity, month)
    return page


def _address(path: str, **query: str) -> str:
    return f"{path}?{urlencode(query)}"
