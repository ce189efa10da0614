"""The desk's page about price rules: what there is, and a change with its effect before it is saved."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import evolve
from flask import Blueprint, request
from werkzeug.wrappers import Response

from buddy_core.kernel.errors import BuddyError
from buddy_core.views import AdminPrices, read_prices_form
from buddy_web.app import Web, web
from buddy_web.errors import InvalidRequest, status_of
from buddy_web.forms import submission_key, texts, whole_number
from buddy_web.guests import current_visitor
from buddy_web.logs import correlation_id
from buddy_web.pages import go, show_part, wants_part
from buddy_web.permissions import current_actor, permission
from buddy_web.routes.desk import show_desk

admin_prices = Blueprint("admin_prices", __name__, url_prefix="/admin")


@admin_prices.get("/prices")
@permission("price:edit")
def prices() -> Response:
    """Show the price rules, and the form of a change; `rule` names one that it begins with."""
    page = _page(web(), None, request.args.get("rule"))
    saved = whole_number(request.args, "saved")
    return show_desk(web(), "admin_prices.html", evolve(page, saved_version=saved))


@admin_prices.post("/prices/preview")
@permission("price:edit")
def preview_prices() -> Response:
    """Show what saving would do; nothing is changed."""
    w = web()
    page = _page(w, texts(request.form))
    if wants_part() and not page.has_problem:
        context = {"effect": page.effect, "fields": page.fields, "zone_name": page.zone}
        return show_part(w, "_prices_effect.html", current_visitor(w), context)
    response = show_desk(w, "admin_prices.html", page, status=400 if page.has_problem else 200)
    if wants_part():
        # The problems stand at their fields, so that the whole page is shown anew.
        response.headers["HX-Retarget"] = "body"
        response.headers["HX-Reswap"] = "innerHTML show:window:top"
    return response


@admin_prices.post("/prices")
@permission("price:publish")
def save_prices() -> Response:
    """Add the version; one key saves it only once."""
    w = web()
    key = submission_key(request.form)
    if key is None:
        raise InvalidRequest(({"field": "idempotency_key", "problem": "is missing"},))
    typed, base = texts(request.form), whole_number(request.form, "base")
    _, command = read_prices_form(typed, base or 0, w.container.routes().entities[0].zone, key)
    if command is None:
        return show_desk(w, "admin_prices.html", _page(w, typed), status=400)
    try:
        version = w.call(
            w.container.set_prices, current_actor(), command, correlation_id=correlation_id.get()
        )
    except BuddyError as error:
        status = status_of(error)[0]
        if status in (401, 403):
            raise
        return show_desk(
            w, "admin_prices.html", evolve(_page(w, None), problem=error.message()), status=status
        )
    return go(f"/admin/prices?saved={version}")


def _page(w: Web, typed: Mapping[str, str] | None, rule: str | None = None) -> AdminPrices:
    key = w.container.ids().opaque("prc")
    page: AdminPrices = w.call(w.container.prices_page, current_actor(), typed, key, rule=rule)
    return page
